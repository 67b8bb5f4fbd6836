import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Cluster, connect, ProbePods, sweep } from '../../lib/cluster/index.ts';
import { RUN_LABEL } from '../../lib/model/own-pods.ts';
import { StubApiServer } from '../stub/api-server.ts';

let stub: StubApiServer;
let cluster: Cluster;
let interrupt: AbortController;

beforeEach(async () => {
  stub = await StubApiServer.start();
  cluster = await connect({ kind: 'kubeconfig-text', text: stub.kubeconfig() }, { version: '0.0.0' });
  interrupt = new AbortController();
});
afterEach(async () => {
  await cluster.transport.close();
  await stub.close();
});

function manifest(node: string) {
  return {
    metadata: {
      name: `probe-${node}`,
      namespace: 'netns-audit',
      labels: { 'app.kubernetes.io/name': 'netns-auditor', [RUN_LABEL]: 'run-1' },
    },
    spec: { nodeName: node },
  };
}

async function run(nodes: readonly string[], deadline = 10_000): Promise<PromiseSettledResult<string>[]> {
  const pods = ProbePods.start(cluster, {
    namespace: 'netns-audit',
    runId: 'run-1',
    signal: interrupt.signal,
  });
  try {
    return await Promise.allSettled(
      nodes.map(async (node) => (await pods.run(manifest(node), deadline)).log),
    );
  } finally {
    await pods.close();
  }
}

const waiting = (reason: string, message: string) => ({
  status: {
    phase: 'Pending',
    startTime: '2026-01-01T00:00:00Z',
    containerStatuses: [{ name: 'probe', state: { waiting: { reason, message } } }],
  },
});

it('ends with its own container, though a webhook put one beside it that does not end', async () => {
  stub.ending = () => ({
    log: 'the log',
    status: {
      phase: 'Running',
      startTime: '2026-01-01T00:00:00Z',
      containerStatuses: [
        { name: 'sidecar', state: { running: {} } },
        { name: 'probe', state: { terminated: { exitCode: 0, reason: 'Completed' } } },
      ],
    },
  });
  expect(await run(['node-1'], 5_000)).toEqual([{ status: 'fulfilled', value: 'the log' }]);
  expect(stub.requests.find((each) => each.includes('/log?'))).toContain('container=probe');
  expect(stub.pods.size).toBe(0);
});

describe('a probe pod that does not start', () => {
  it('for its image says so in the words of the registry, and what to do', async () => {
    stub.ending = () => waiting('ErrImagePull', 'pull access denied');
    const [result] = await run(['node-1'], 500);
    expect(result).toMatchObject({
      reason: {
        code: 'PROBE_REFUSED',
        message: expect.stringContaining('ErrImagePull: pull access denied'),
        remedy: expect.stringContaining('--image'),
      },
    });
    expect(stub.pods.size).toBe(0);
  });

  it('for its sandbox is told from a kubelet that did not take it up', async () => {
    stub.ending = () => waiting('ContainerCreating', '');
    const [result] = await run(['node-1'], 500);
    expect(result).toMatchObject({
      reason: { code: 'DEADLINE', message: 'the probe pod did not start in time: ContainerCreating' },
    });
  });

  it.each([
    ['admission webhook "policy.example.com" denied the request', 'Exempt the namespace netns-audit'],
    ['exceeded quota: pods', 'Raise the quota'],
    ['maximum memory usage per Container is 64Mi, but limit is 256Mi', 'Remove the LimitRange'],
    [
      'pods is forbidden: User "system:serviceaccount:ci:auditor" cannot create resource "pods"',
      '--serviceaccount ci:auditor',
    ],
    [
      'unable to validate against any security context constraint: [provider "restricted-v2": Forbidden: not usable]',
      'oc adm policy add-scc-to-user privileged -z default -n netns-audit',
    ],
    ['namespaces "netns-audit" not found', 'Create the namespace'],
  ])('as the cluster refused it, tells whom to ask: %s', async (message, remedy) => {
    stub.fail({ method: 'POST', path: '/pods', status: 403, message });
    const [result] = await run(['node-1']);
    expect(result).toMatchObject({
      reason: {
        code: 'PROBE_REFUSED',
        message: expect.stringContaining(message),
        remedy: expect.stringContaining(remedy),
      },
    });
  });
});

describe('a probe pod that does not end well', () => {
  it('has its exit code and reason told', async () => {
    stub.ending = () => ({
      status: {
        phase: 'Failed',
        containerStatuses: [{ name: 'probe', state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
      },
    });
    expect((await run(['node-1']))[0]).toMatchObject({
      reason: { code: 'PROBE_FAILED', message: expect.stringContaining('OOMKilled with code 137') },
    });
  });

  it('because somebody deleted it, is not waited for', async () => {
    stub.ending = () => {
      setTimeout(() => void sweep(cluster, 'netns-audit', null), 100);
      return { never: true };
    };
    const start = Date.now();
    expect((await run(['node-1'], 60_000))[0]).toMatchObject({
      reason: { code: 'PROBE_FAILED', message: expect.stringContaining('deleted before it ended') },
    });
    expect(Date.now() - start).toBeLessThan(20_000);
  });

  it('that an earlier attempt made is taken for ours, and its log read', async () => {
    stub.fail({ method: 'POST', path: '/pods', lost: true });
    expect(await run(['node-1'])).toMatchObject([{ value: 'probed node-1' }]);
    expect(stub.requests.filter((each) => each.startsWith('POST'))).toHaveLength(2);
  });

  it('is created again where another one was counted against the quota at the same time', async () => {
    const message =
      'Operation cannot be fulfilled on resourcequotas "pods": the object has been modified; please apply your changes to the latest version and try again';
    stub.fail({ method: 'POST', path: '/pods', status: 409, message, times: 2 });
    expect(await run(['node-1'])).toMatchObject([{ value: 'probed node-1' }]);
    expect(stub.requests.filter((each) => each.startsWith('POST'))).toHaveLength(3);
  });
});

describe('an interrupted run', () => {
  it('removes the pods of all nodes', async () => {
    const nodes = Array.from({ length: 12 }, (_, n) => `node-${n}`);
    let created = 0;
    stub.ending = () => {
      created += 1;
      if (created === nodes.length) setImmediate(() => interrupt.abort());
      return { never: true };
    };
    for (const result of await run(nodes)) expect(result).toMatchObject({ reason: { code: 'ABORTED' } });
    expect(stub.pods.size).toBe(0);
  });

  it('removes even the pod whose creation was still under way', async () => {
    stub.fail({ method: 'POST', path: '/pods', slow: 400 });
    setTimeout(() => interrupt.abort(), 100);
    expect((await run(['node-1']))[0]).toMatchObject({ reason: { code: 'ABORTED' } });
    await stub.idle();
    expect(stub.pods.size).toBe(0);
  });

  it('starts nothing more', async () => {
    interrupt.abort();
    expect((await run(['node-1']))[0]).toMatchObject({ reason: { code: 'ABORTED' } });
    expect(stub.requests.filter((each) => each.startsWith('POST'))).toEqual([]);
  });
});

describe('slow answers', () => {
  it('are waited for within the deadline', async () => {
    stub.fail({ method: 'POST', path: '/pods', slow: 300 });
    stub.fail({ path: '/log', slow: 300 });
    expect(await run(['node-1'])).toMatchObject([{ value: 'probed node-1' }]);
    expect(stub.pods.size).toBe(0);
  });
});
