import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Cluster,
  connect,
  ensureNamespace,
  listPodsOnNode,
  ProbePods,
  sweep,
} from '../../lib/cluster/index.ts';
import { listAll, listNodes } from '../../lib/cluster/list.ts';
import { EXPIRES_ANNOTATION, RUN_LABEL } from '../../lib/model/own-pods.ts';
import { type ApiObject, StubApiServer } from '../stub/api-server.ts';

let stub: StubApiServer;
let cluster: Cluster | undefined;

beforeEach(async () => {
  stub = await StubApiServer.start();
});
afterEach(async () => {
  await cluster?.transport.close();
  cluster = undefined;
  await stub.close();
});

async function open(text = stub.kubeconfig()): Promise<Cluster> {
  cluster = await connect({ kind: 'kubeconfig-text', text }, { version: '0.0.0' });
  return cluster;
}

function probe(node: string) {
  return {
    metadata: {
      name: `probe-${node}`,
      namespace: 'netns-audit',
      labels: { 'app.kubernetes.io/name': 'netns-auditor', [RUN_LABEL]: 'run-1' },
    },
    spec: { nodeName: node },
  };
}

async function run(nodes: string[], deadline = 5_000, signal = new AbortController().signal) {
  const pods = new ProbePods(await open(), { namespace: 'netns-audit', runId: 'run-1', signal });
  try {
    return await Promise.allSettled(nodes.map(async (node) => (await pods.run(probe(node), deadline)).log));
  } finally {
    await pods.close();
  }
}

const names = async (path = '/api/v1/nodes') =>
  (await listAll(await open(), 'list nodes', path, {}, (item) => (item as ApiObject).metadata.name)).items;

describe('connecting', () => {
  it('names the cluster by its context and its kube-system', async () => {
    expect(await open()).toMatchObject({ name: 'stub', uid: 'uid-kube-system', version: 'v1.36.0-stub' });
  });

  it('acts as the user and the groups that the kubeconfig names, as kubectl does', async () => {
    await open(
      stub.kubeconfig({
        user: {
          token: 'secret-token',
          as: 'nightly',
          'as-groups': ['netns-auditor', 'system:authenticated'],
        },
      }),
    );
    expect(stub.headers).toMatchObject({
      authorization: 'Bearer secret-token',
      'impersonate-user': 'nightly',
      'impersonate-group': 'netns-auditor, system:authenticated',
    });
  });

  it('tells a certificate of an unknown authority from a server that is not there', async () => {
    await expect(open(stub.kubeconfig({ ca: null }))).rejects.toMatchObject({ code: 'CLUSTER_TLS' });
    await expect(open(stub.kubeconfig({ server: 'https://nowhere.invalid' }))).rejects.toMatchObject({
      code: expect.stringMatching(/^CLUSTER_(DNS|UNREACHABLE)$/),
    });
  }, 30_000);

  it.each([
    [401, 'CLUSTER_UNAUTHENTICATED'],
    [403, 'CLUSTER_FORBIDDEN'],
  ])('takes %i for what it is, without asking again or repeating the token', async (status, code) => {
    stub.fail({ path: '/version', status });
    const error = await open().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    expect(JSON.stringify(error) + String(error)).not.toContain('secret-token');
    expect(stub.requests.filter((each) => each.includes('/version'))).toHaveLength(1);
  });

  it('runs no command that a kubeconfig from a secret names', async () => {
    const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'touch' } };
    await expect(open(stub.kubeconfig({ user }))).rejects.toMatchObject({ code: 'KUBECONFIG_INVALID' });
    expect(stub.requests).toEqual([]);
  });
});

describe('listing', () => {
  beforeEach(() => {
    for (let i = 0; i < 1_200; i += 1) stub.nodes.push({ metadata: { name: `node-${i}` } });
  });

  it('reads all pages', async () => {
    expect(await names()).toHaveLength(1_200);
    expect(stub.requests.filter((each) => each.includes('/nodes'))).toHaveLength(3);
  });

  it('starts anew when the list expires between pages, and doubles nothing', async () => {
    stub.fail({ path: 'continue=500', status: 410 });
    expect(new Set(await names()).size).toBe(1_200);
    expect(await names()).toHaveLength(1_200);
  });

  it.each([
    ['429', { status: 429, headers: { 'retry-after': '0' } }],
    ['503', { status: 503 }],
    ['504 of a cache that is behind', { status: 504, headers: { 'retry-after': '0' } }],
    ['a reset connection', { reset: true }],
    ['an answer cut in the middle', { cut: true }],
  ] as const)('goes on after %s', async (_, fault) => {
    stub.fail({ path: '/nodes', ...fault });
    expect(await names()).toHaveLength(1_200);
  });

  it('waits as long as the server asks', async () => {
    stub.fail({ path: '/nodes', status: 429, headers: { 'retry-after': '1' } });
    const start = Date.now();
    await names();
    expect(Date.now() - start).toBeGreaterThanOrEqual(990);
  });

  it('asks for the pods of one node in a way that no API server reads those of all nodes for it', async () => {
    expect(await listPodsOnNode(await open(), 'node-7', { since: '42' })).toEqual([]);
    const query = stub.requests.at(-1)?.split('?')[1];
    expect(query?.split('&')).toEqual([
      'fieldSelector=spec.nodeName=node-7',
      'resourceVersion=42',
      'resourceVersionMatch=NotOlderThan',
    ]);
  });

  it('names an object that is not as the API promises, instead of failing like a bug', async () => {
    stub.nodes.splice(0, stub.nodes.length, { metadata: { name: 'odd-one' } });
    await expect(listNodes(await open())).rejects.toMatchObject({
      code: 'CLUSTER_API',
      message: expect.stringContaining('odd-one is not as expected'),
    });
  });
});

describe('probe pods', () => {
  it('returns the log of each node and removes the pods, for little more than two requests each', async () => {
    const nodes = Array.from({ length: 20 }, (_, i) => `node-${i}`);
    const results = await run(nodes);
    expect(results).toEqual(nodes.map((node) => ({ status: 'fulfilled', value: `probed ${node}` })));
    expect(stub.pods.size).toBe(0);
    expect(stub.requests.length / nodes.length).toBeLessThan(3);
  });

  it.each([
    ['the watch expires', { path: 'watch=true', expired: true }],
    ['the watch is reset', { path: 'watch=true', reset: true }],
    ['something on the way ends every watch at once', { path: 'watch=true', status: 200, times: 1_000 }],
    ['the log is cut in the middle', { path: '/log', cut: true }],
    ['the answer to the create is lost', { method: 'POST', path: '/pods', lost: true }],
  ] as const)('still returns the log when %s', async (_, fault) => {
    stub.fail(fault);
    expect(await run(['node-1'])).toEqual([{ status: 'fulfilled', value: 'probed node-1' }]);
  });

  it('does not flood the API server when something on the way ends every watch at once', async () => {
    stub.fail({ path: 'watch=true', status: 200, times: 1_000 });
    stub.ending = () => ({ never: true });
    await run(['node-1'], 500);
    expect(stub.requests.length).toBeLessThan(10);
  });

  it('fails only the node whose pod fails, in the words of the cluster', async () => {
    stub.ending = (pod) =>
      pod.spec?.nodeName === 'full'
        ? { status: { phase: 'Failed', reason: 'OutOfpods', message: 'Node has no room' } }
        : {};
    const [full, other] = await run(['full', 'other']);
    expect(full).toMatchObject({
      reason: { code: 'PROBE_FAILED', message: expect.stringContaining('OutOfpods: Node has no room') },
    });
    expect(other).toMatchObject({ status: 'fulfilled' });
    expect(stub.pods.size).toBe(0);
  });

  it('says how to allow the pod where Pod Security refuses it', async () => {
    stub.fail({ method: 'POST', path: '/pods', status: 403, message: 'violates PodSecurity "baseline"' });
    const [result] = await run(['node-1']);
    expect(result).toMatchObject({
      reason: { code: 'PROBE_REFUSED', remedy: expect.stringContaining('enforce=privileged') },
    });
  });

  it('ends a node whose kubelet is silent at its deadline, and removes the pod', async () => {
    stub.ending = () => ({ never: true });
    const [result] = await run(['node-1'], 300);
    expect(result).toMatchObject({
      reason: { code: 'DEADLINE', message: expect.stringContaining('kubelet') },
    });
    expect(stub.pods.size).toBe(0);
  });

  it('removes its pods when it is interrupted', async () => {
    const abort = new AbortController();
    stub.ending = () => {
      setImmediate(() => abort.abort());
      return { never: true };
    };
    const [result] = await run(['node-1'], 5_000, abort.signal);
    expect(result).toMatchObject({ reason: { code: 'ABORTED' } });
    expect(stub.pods.size).toBe(0);
  });

  it('sees at once that a pod is gone which was stopped while it ran', async () => {
    stub.ending = () => ({ status: { phase: 'Running', podIPs: [{ ip: '10.0.0.9' }] } });
    // As sleep ends on a signal.
    stub.stopped = { phase: 'Failed' };
    const signal = new AbortController().signal;
    const pods = new ProbePods(await open(), { namespace: 'netns-audit', runId: 'run-1', signal });
    expect(await pods.startAndStop(probe('a'), 5_000)).toEqual(['10.0.0.9']);
    await pods.close();
  });

  it.each([
    ['watch', { path: 'watch=true', times: 99 }, 'not allowed to watch probe pods'],
    [
      'delete',
      { method: 'DELETE', path: '/pods/', times: 99 },
      'not allowed to delete pod netns-audit/probe-a',
    ],
  ])(
    'names the missing right to %s pods, and does not wait for the deadline',
    async (_verb, fault, says) => {
      stub.ending = () => ({ never: _verb === 'watch' });
      stub.fail({ ...fault, status: 403, message: 'forbidden' });
      const [result] = await run(['a'], 20_000);
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { code: 'CLUSTER_FORBIDDEN', message: expect.stringContaining(says) },
      });
    },
    10_000,
  );
});

describe('leftovers', () => {
  it('removes what has expired, leaves what another run may still read, and removes all when told', async () => {
    for (const [node, expires] of Object.entries({
      old: '2020-01-01T00:00:00Z',
      live: '2999-01-01T00:00:00Z',
    })) {
      const pod = probe(node);
      const metadata = { ...pod.metadata, uid: node, annotations: { [EXPIRES_ANNOTATION]: expires } };
      stub.pods.set(`netns-audit/probe-${node}`, { ...pod, metadata });
    }
    const opened = await open();
    expect(await sweep(opened, 'netns-audit', Date.now())).toEqual({
      removed: ['netns-audit/probe-old'],
      left: ['netns-audit/probe-live'],
    });
    expect(await sweep(opened, 'netns-audit', null)).toEqual({
      removed: ['netns-audit/probe-live'],
      left: [],
    });
    expect(await sweep(opened, 'netns-audit', null)).toEqual({ removed: [], left: [] });
  });

  it('makes a missing namespace once, labelled for Pod Security', async () => {
    const opened = await open();
    expect(await ensureNamespace(opened, 'fresh')).toBe(true);
    expect(await ensureNamespace(opened, 'fresh')).toBe(false);
    expect(stub.namespaces.get('fresh')?.metadata.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'privileged',
    });
  });
});
