import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Cluster, ProbePods } from '../../lib/cluster/index.ts';
import { forEachLimited } from '../../lib/model/limit.ts';
import { RUN_LABEL } from '../../lib/model/own-pods.ts';
import type { StubApiServer } from '../stub/api-server.ts';
import { connectedStub } from '../stub/connected.ts';

let stub: StubApiServer;
let cluster: Cluster;
let interrupt: AbortController;

beforeEach(async () => {
  ({ stub, cluster } = await connectedStub());
  interrupt = new AbortController();
});

const manifest = (node: string) => ({
  metadata: {
    name: `probe-${node}`,
    namespace: 'netns-audit',
    labels: { 'app.kubernetes.io/name': 'netns-auditor', [RUN_LABEL]: 'run-1' },
  },
  spec: { nodeName: node },
});

const podsOf = (batch: number) =>
  new ProbePods(cluster, { namespace: 'netns-audit', runId: 'run-1', batch, signal: interrupt.signal });

const nodes = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `node-${from + n}`);
const slowLog = (node: string, slow: number) => stub.fail({ path: `/probe-${node}/log`, slow });

/** A function on AWS: probes its nodes, some at once. @returns why nodes were not probed */
async function audited(
  batch: number,
  { of, atOnce, deadline = 30_000 }: { of: readonly string[]; atOnce: number; deadline?: number },
): Promise<string[]> {
  const pods = podsOf(batch);
  const reasons: string[] = [];
  await forEachLimited(of, atOnce, async (node) => {
    await pods.run(manifest(node), deadline).catch((error: unknown) => reasons.push(String(error)));
  });
  await pods.close();
  return reasons;
}

const posts = () => stub.requests.filter((each) => each.startsWith('POST'));
const message =
  'pods "x" is forbidden: exceeded quota: objects, requested: count/pods=1, used: count/pods=4, limited: count/pods=4';
const refuse = (times: number) => stub.fail({ method: 'POST', path: '/pods', status: 403, message, times });

/** `count/pods` of the namespace. Its controller sees a deletion so many milliseconds later. */
function quota(hard: number, lag: number): { readonly refused: number } {
  const counts: { at: number; pods: number }[] = [];
  let refused = 0;
  stub.onRequest = (asked) => {
    counts.push({ at: Date.now(), pods: stub.pods.size });
    const recent = counts.filter(({ at }) => at >= Date.now() - lag);
    if (!asked.startsWith('POST') || Math.max(...recent.map(({ pods }) => pods)) < hard) return;
    refused += 1;
    refuse(1);
  };
  return {
    get refused() {
      return refused;
    },
  };
}

describe('a quota of objects', { timeout: 60_000 }, () => {
  it.each([100, 1_000])(
    'loses no node of a batch where it admits as many pods as run at once, and sees deletions %i ms late',
    async (lag) => {
      const all = nodes(0, 12);
      // They end one after the other.
      for (const [n, node] of all.entries()) slowLog(node, 100 * n);
      const seen = quota(4, lag);
      expect(await audited(0, { of: all, atOnce: 4 })).toEqual([]);
      expect(seen.refused).toBeGreaterThan(0);
      expect(stub.pods.size).toBe(0);
    },
  );

  it('loses no node of a batch that begins when others have taken all of it', async () => {
    const first = nodes(0, 8);
    // Four pods that have ended stay until these end, too.
    for (const node of first.slice(4)) slowLog(node, 2_500);
    const seen = quota(8, 100);
    const earlier = audited(0, { of: first, atOnce: 4 });
    await expect.poll(() => stub.pods.size).toBeGreaterThanOrEqual(7);
    const later = audited(1, { of: nodes(8, 20), atOnce: 4 });
    expect(await earlier).toEqual([]);
    expect(await later).toEqual([]);
    expect(seen.refused).toBeGreaterThan(0);
  });
});

describe('a pod that a quota of objects refuses', { timeout: 60_000 }, () => {
  it('is created again after the pods of the batch that have ended were deleted', async () => {
    const pods = podsOf(0);
    // The first is deleted at once, the second with the batch.
    for (const node of ['node-1', 'node-2']) await pods.run(manifest(node), 10_000);
    expect([...stub.pods.keys()]).toEqual(['netns-audit/probe-node-2']);
    refuse(1);
    const { log } = await pods.run(manifest('node-3'), 10_000);
    expect(log).toBe('probed node-3');
    expect(posts()).toHaveLength(4);
    // From now on, room is made at once.
    expect(stub.pods.size).toBe(0);
    await pods.close();
  });

  it('is created again where only the first pod has ended, and that was deleted alone', async () => {
    const pods = podsOf(0);
    await pods.run(manifest('node-1'), 10_000);
    refuse(1);
    expect((await pods.run(manifest('node-2'), 10_000)).log).toBe('probed node-2');
    await pods.close();
  });

  it('fails when three quarters of its time have passed, and says so', async () => {
    refuse(1_000);
    const start = Date.now();
    const [reason, ...others] = await audited(0, { of: ['node-1'], atOnce: 1, deadline: 4_000 });
    expect(Date.now() - start).toBeGreaterThanOrEqual(3_000);
    expect(Date.now() - start).toBeLessThan(4_000);
    expect(reason).toContain('no room within 3 s: the cluster refused the probe pod');
    expect(others).toEqual([]);
    expect(posts().length).toBeLessThanOrEqual(5);
  });

  it('has a remedy that holds for several batches', async () => {
    refuse(1_000);
    await expect(podsOf(0).run(manifest('node-1'), 2_000)).rejects.toMatchObject({
      code: 'PROBE_REFUSED',
      remedy: expect.stringContaining('concurrency.nodes × concurrency.batches'),
    });
  });

  it('is asked for less and less often', async () => {
    refuse(1_000);
    await audited(0, { of: ['node-1'], atOnce: 1, deadline: 8_000 });
    // Within 6 s, after pauses of up to 1, 2, 4 and 5 s, and at least half of that.
    expect(posts().length).toBeLessThanOrEqual(6);
  });

  it('is not waited for where no pod was created for twice the time of one', async () => {
    refuse(10_000);
    const start = Date.now();
    const reasons = await audited(0, { of: nodes(0, 100), atOnce: 4, deadline: 1_000 });
    expect(reasons).toHaveLength(100);
    expect(Date.now() - start).toBeLessThan(8_000);
    expect(posts().length).toBeLessThan(150);
    expect(reasons.at(-1)).not.toContain('no room within');
  });

  it('is waited for again once the quota has admitted another', async () => {
    const pods = podsOf(0);
    refuse(1);
    await pods.run(manifest('node-1'), 1_500);
    await sleep(3_000);
    refuse(1);
    expect((await pods.run(manifest('node-2'), 1_500)).log).toBe('probed node-2');
    await pods.close();
  });

  it('does not keep an interrupted run waiting', async () => {
    refuse(1_000);
    setTimeout(() => interrupt.abort(), 300);
    const start = Date.now();
    expect(await audited(0, { of: ['node-1'], atOnce: 1 })).toEqual([
      expect.stringContaining('interrupted (wait for room in the quota)'),
    ]);
    expect(Date.now() - start).toBeLessThan(3_000);
  });
});

it('a pod that is refused for another reason fails at once', async () => {
  for (const other of [
    'pods "x" is forbidden: failed quota: objects: must specify limits.cpu',
    'admission webhook "policy.example.com" denied the request: quota',
  ])
    stub.fail({ method: 'POST', path: '/pods', status: 403, message: other });
  expect(await audited(0, { of: ['node-1', 'node-2'], atOnce: 1 })).toHaveLength(2);
  expect(posts()).toHaveLength(2);
});
