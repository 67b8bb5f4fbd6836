import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Cluster, connect, type NodeWatch, ProbePods, WatchLost } from '../../lib/cluster/index.ts';
import type { Probed } from '../../lib/cluster/probe-pods.ts';
import { RUN_LABEL } from '../../lib/model/own-pods.ts';
import { type ApiObject, StubApiServer } from '../stub/api-server.ts';

let stub: StubApiServer;
let cluster: Cluster;

beforeEach(async () => {
  stub = await StubApiServer.start();
  cluster = await connect({ kind: 'kubeconfig-text', text: stub.kubeconfig() }, { version: '0.0.0' });
});
afterEach(async () => {
  await cluster.transport.close();
  await stub.close();
});

const manifest = {
  metadata: {
    name: 'probe',
    namespace: 'netns-audit',
    labels: { 'app.kubernetes.io/name': 'netns-auditor', [RUN_LABEL]: 'run-1' },
  },
  spec: { nodeName: 'node-1', containers: [{ name: 'probe' }] },
};

/** A revision later than all that the API server gives. */
const LATER = '1000';

function addPod(name: string, node = 'node-1', change: Partial<ApiObject> = {}, resourceVersion = '1'): void {
  stub.pods.set(`shop/${name}`, {
    metadata: {
      ...{ name, namespace: 'shop', uid: name, resourceVersion },
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { nodeName: node, containers: [{ name: 'web' }] },
    status: { phase: 'Running' },
    ...change,
  });
}

/** Probes node-1. `after` is what the watch has then. */
async function probed(): Promise<{ before: string[]; after: string[]; log: string } | null> {
  const signal = new AbortController().signal;
  const pods = new ProbePods(cluster, { namespace: 'netns-audit', runId: 'run-1', signal });
  const names = (all: NodeWatch['now'] | null) => (all?.pods ?? []).map(({ name }) => name).toSorted();
  try {
    return await pods.whileFollowing('node-1', 'probe', async (watch) => {
      if (watch === null) return null;
      const { before, log }: Probed = await pods.run(manifest, 10_000, watch);
      return { before: names(before), after: names(watch.now), log };
    });
  } finally {
    await pods.close();
  }
}

const asked = (pattern: RegExp) => stub.requests.filter((each) => pattern.test(each));

it('has the pods of the node when the probe pod was created, and when it had ended, for one request', async () => {
  for (const name of ['stays', 'leaves']) addPod(name);
  addPod('elsewhere', 'node-2');
  stub.ending = () => {
    stub.pods.delete('shop/leaves');
    addPod('comes', 'node-1', {}, LATER);
    return { log: 'the log' };
  };
  expect(await probed()).toEqual({
    before: ['leaves', 'stays'],
    after: ['comes', 'stays'],
    log: 'the log',
  });
  expect(asked(/pods\?/).filter((each) => each.startsWith('GET'))).toEqual([
    'GET /api/v1/pods?watch=true&fieldSelector=spec.nodeName=node-1&resourceVersion=0' +
      '&allowWatchBookmarks=true&timeoutSeconds=45',
  ]);
  expect(stub.pods.has('netns-audit/probe')).toBe(false);
});

it('is not misled by a leftover of the same name, which is sent among the first pods', async () => {
  stub.pods.set('netns-audit/probe', {
    ...manifest,
    metadata: { ...manifest.metadata, uid: 'earlier', creationTimestamp: '2026-01-01T00:00:00Z' },
    status: { phase: 'Succeeded' },
  });
  for (const name of ['a', 'b']) addPod(name);
  expect(await probed()).toMatchObject({ before: ['a', 'b'], after: ['a', 'b'], log: 'probed node-1' });
});

it('counts what is sent after the probe pod but is older, as API servers without a cache do', async () => {
  addPod('first');
  stub.ending = () => {
    addPod('sent-late');
    return {};
  };
  expect(await probed()).toMatchObject({ before: ['first', 'sent-late'] });
});

it('lists from then on once a watch broke, so that no other node waits in vain', async () => {
  const signal = new AbortController().signal;
  const pods = new ProbePods(cluster, { namespace: 'netns-audit', runId: 'run-1', signal });
  const broken = pods.whileFollowing('node-1', 'probe', () =>
    Promise.reject(new WatchLost('CLUSTER_API', 'it broke', { remedy: '' })),
  );
  await expect(broken).rejects.toThrow(WatchLost);
  expect(await pods.whileFollowing('node-2', 'probe', async (watch) => watch)).toBeNull();
  await pods.close();
});

it('lists and watches again where the watch ends before the probe pod does', async () => {
  addPod('stays');
  stub.ending = () => {
    // The pods of a node that its watch lost sight of.
    stub.endWatches();
    addPod('comes', 'node-1', {}, LATER);
    return {};
  };
  expect(await probed()).toEqual({ before: ['stays'], after: ['comes', 'stays'], log: 'probed node-1' });
  expect(asked(/resourceVersionMatch=NotOlderThan/)).toHaveLength(1);
});

it.each([
  ['ends at once', { ends: true }],
  ['has expired', { expired: true }],
] as const)('says that it does not know what there was before where the watch %s', async (_, fault) => {
  stub.fail({ path: '/api/v1/pods?watch', ...fault });
  stub.fail({ method: 'POST', path: '/pods', slow: 100 });
  stub.fail({ path: 'resourceVersionMatch', slow: 1_000 });
  stub.ending = (pod) => ({ log: pod.metadata.uid ?? '' });
  await expect(probed()).rejects.toThrow(WatchLost);
  expect(stub.pods.size).toBe(0);
});

it('leaves a pod that is none to lists, which name it', async () => {
  addPod('odd', 'node-1', { status: { phase: 'Odd' } });
  await expect(probed()).rejects.toThrow(WatchLost);
});

it('is not used without the right, and the cluster is asked once', async () => {
  stub.fail({ path: '/api/v1/pods?watch', status: 403, times: 99 });
  const signal = new AbortController().signal;
  const pods = new ProbePods(cluster, { namespace: 'netns-audit', runId: 'run-1', signal });
  const watches = await Promise.all(
    ['node-1', 'node-2', 'node-3'].map((node) => pods.whileFollowing(node, 'probe', async (watch) => watch)),
  );
  await pods.close();
  expect(watches).toEqual([null, null, null]);
  expect(asked(/watch=true/)).toHaveLength(1);
});

it('is not used for more nodes at once than there are connections for', async () => {
  const signal = new AbortController().signal;
  const pods = new ProbePods(cluster, { namespace: 'netns-audit', runId: 'run-1', signal });
  const all = Promise.withResolvers<void>();
  let running = 0;
  const watches = await Promise.all(
    Array.from({ length: 64 }, (_, n) =>
      pods.whileFollowing(`node-${n}`, 'probe', async (watch) => {
        running += 1;
        if (running === 64) all.resolve();
        await all.promise;
        return watch !== null;
      }),
    ),
  );
  await pods.close();
  expect(watches.filter((isWatched) => isWatched)).toHaveLength(40);
});
