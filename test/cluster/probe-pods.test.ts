import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Cluster, connect, ProbePods, sweep } from '../../lib/cluster/index.ts';
import type { Patience } from '../../lib/cluster/silence.ts';
import { BATCH_LABEL, RUN_LABEL } from '../../lib/model/own-pods.ts';
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

async function run(
  nodes: readonly string[],
  deadline = 10_000,
  patience?: Patience,
): Promise<PromiseSettledResult<string>[]> {
  const pods = new ProbePods(cluster, {
    namespace: 'netns-audit',
    runId: 'run-1',
    signal: interrupt.signal,
    ...(patience === undefined ? {} : { patience }),
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

describe('pods that ended', () => {
  const deletions = () => stub.requests.filter((each) => each.startsWith('DELETE'));
  const nodes = Array.from({ length: 5 }, (_, n) => `node-${n}`);

  /** Pods that no batch may delete but its own. */
  function addOthers(): string[] {
    const own = { 'app.kubernetes.io/name': 'netns-auditor', [RUN_LABEL]: 'run-1', [BATCH_LABEL]: '0' };
    const others = {
      'of-nobody': {},
      'of-another-tool': { ...own, 'app.kubernetes.io/name': 'other' },
      'of-another-run': { ...own, [RUN_LABEL]: 'run-2' },
      'of-another-batch': { ...own, [BATCH_LABEL]: '1' },
      'of-an-earlier-version': { 'app.kubernetes.io/name': 'netns-auditor', [RUN_LABEL]: 'run-1' },
    };
    for (const [name, labels] of Object.entries(others))
      stub.pods.set(`netns-audit/${name}`, {
        metadata: { name, namespace: 'netns-audit', uid: name, resourceVersion: '1', labels },
        spec: { nodeName: 'elsewhere' },
        status: { phase: 'Running' },
      });
    return Object.keys(others);
  }

  it('are deleted together, except the first, and no pod of anybody else', async () => {
    const others = addOthers();
    for (const result of await run(nodes)) expect(result).toMatchObject({ status: 'fulfilled' });
    expect([...stub.pods.values()].map(({ metadata }) => metadata.name)).toEqual(others);
    expect(deletions()).toEqual([
      expect.stringMatching(/^DELETE \/api\/v1\/namespaces\/netns-audit\/pods\/probe-node-\d$/),
      expect.stringMatching(
        `^DELETE /api/v1/namespaces/netns-audit/pods\\?labelSelector=app.kubernetes.io/name=netns-auditor,netns-auditor/attempt=[0-9a-f]{16},${BATCH_LABEL}=0$`,
      ),
    ]);
  });

  it('are deleted in groups where there are no batches', async () => {
    const many = Array.from({ length: 60 }, (_, n) => `node-${n}`);
    await run(many);
    expect(stub.pods.size).toBe(0);
    expect(
      deletions()
        .map((each) => /batch=\d$/.exec(each)?.[0])
        .filter(Boolean),
    ).toEqual(['batch=0', 'batch=1', 'batch=2']);
  });

  it.each([
    ['the right is missing', 403],
    ['the API server cannot do it', 405],
  ])('are deleted one by one where %s', async (_, status) => {
    const others = addOthers();
    stub.fail({ method: 'DELETE', path: '/pods?labelSelector', status, times: 99 });
    for (const result of await run(nodes)) expect(result).toMatchObject({ status: 'fulfilled' });
    expect([...stub.pods.values()].map(({ metadata }) => metadata.name)).toEqual(others);
    expect(deletions()).toHaveLength(nodes.length + 1);
  });

  it('do not wait for the end of the batch where they failed', async () => {
    stub.ending = (pod) => (pod.spec?.nodeName === 'node-1' ? { status: { phase: 'Failed' } } : {});
    const left: string[] = [];
    const pods = new ProbePods(cluster, {
      namespace: 'netns-audit',
      runId: 'run-1',
      signal: interrupt.signal,
    });
    for (const node of ['node-0', 'node-1', 'node-2']) {
      await pods.run(manifest(node), 10_000).catch(() => {});
      left.push([...stub.pods.keys()].join());
    }
    expect(left).toEqual(['', '', 'netns-audit/probe-node-2']);
    await pods.close();
    expect(stub.pods.size).toBe(0);
  });
});

describe('several batches of a run at once', () => {
  it('see their own pods only', async () => {
    const seen: string[] = [];
    const [first, second] = [1, 2].map(
      (batch) =>
        new ProbePods(cluster, {
          ...{ namespace: 'netns-audit', runId: 'run-1', batch, signal: interrupt.signal },
        }),
    );
    stub.ending = (pod) => {
      seen.push(`${pod.metadata.name} ${pod.metadata.labels?.[BATCH_LABEL]}`);
      return { log: 'its log' };
    };
    try {
      await first?.run(manifest('node-1'), 10_000);
      expect(first?.newestRevision).not.toBe('0');
      expect(second?.newestRevision).toBe('0');
      expect(await second?.run(manifest('node-2'), 10_000)).toMatchObject({ log: 'its log' });
    } finally {
      await Promise.all([first?.close(), second?.close()]);
    }
    expect(seen).toEqual(['probe-node-1 1', 'probe-node-2 2']);
  });
});

it('is not sent back with its script when it is created and deleted', async () => {
  const script = 'x'.repeat(100_000);
  const pods = new ProbePods(cluster, {
    ...{ namespace: 'netns-audit', runId: 'run-1', batch: 1, signal: interrupt.signal },
  });
  const probe = manifest('node-1');
  // Another watches; so what was sent is of these two answers.
  const labels = { ...probe.metadata.labels, [RUN_LABEL]: 'another' };
  const before = stub.sent;
  await pods
    .run({ ...probe, metadata: { ...probe.metadata, labels }, spec: { ...probe.spec, script } } as never, 300)
    .catch(() => {});
  await pods.close();
  expect(stub.requests.filter((each) => /^(POST|DELETE)/.test(each))).toHaveLength(2);
  expect(stub.sent - before).toBeLessThan(script.length);
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
    ['failed quota: pods: must specify requests.cpu', 'Raise the quota'],
    [
      "ValidatingAdmissionPolicy 'netns-auditor' with binding 'netns-auditor' denied request: only the pods",
      'with the chart: helm upgrade): netns-audit manifests --image IMAGE | kubectl apply -f -',
    ],
    [
      "ValidatingAdmissionPolicy 'netns-auditor-remediate' with binding 'netns-auditor-remediate' denied request: only",
      'for this image: netns-audit manifests --remediate --image IMAGE | kubectl apply -f -',
    ],
    [
      "ValidatingAdmissionPolicy 'netns-auditor-remediate' denied request: whoever reboots a node must have the right to patch it",
      'netns-audit manifests --remediate --reboot prints its rights',
    ],
    ["ValidatingAdmissionPolicy 'corp' denied request", 'Exempt the namespace netns-audit'],
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

describe('a kubelet that does nothing for the probe pod', () => {
  const patience = { firstLook: 100, silent: 400 };
  const looks = () => stub.requests.filter((each) => /leases|nodes\?/.test(each));

  it('is silent where its lease is not renewed either, and not waited for until the deadline', async () => {
    stub.ending = () => ({ never: true });
    stub.leases.set('node-1', () => '2026-01-01T00:00:00.000000Z');
    const start = Date.now();
    const [result] = await run(['node-1'], 60_000, patience);
    expect(Date.now() - start).toBeLessThan(15_000);
    expect(result).toMatchObject({
      reason: {
        code: 'NODE_SILENT',
        message: expect.stringContaining('the kubelet is silent: it did not take up the probe pod'),
        remedy: expect.stringContaining('kubectl describe node node-1'),
      },
    });
    expect(looks()).toHaveLength(2);
    expect(stub.pods.size).toBe(0);
  });

  it('is slow where its lease is renewed, and has all the time there is', async () => {
    stub.ending = () => ({ never: true });
    let renewals = 0;
    stub.leases.set('node-1', () => {
      renewals += 1;
      return `renewed ${renewals} times`;
    });
    const [result] = await run(['node-1'], 2_500, patience);
    expect(result).toMatchObject({ reason: { code: 'DEADLINE' } });
    expect(renewals).toBeGreaterThan(2);
  });

  it('lives while an image is pulled that takes long', async () => {
    let renewals = 0;
    stub.leases.set('node-1', () => {
      renewals += 1;
      return `renewed ${renewals} times`;
    });
    stub.ending = () => waiting('ContainerCreating', '');
    const [result] = await run(['node-1'], 2_500, patience);
    expect(result).toMatchObject({ reason: { code: 'DEADLINE', message: expect.stringContaining('start') } });
    expect(renewals).toBeGreaterThan(2);
  });

  it('is silent, too, where it fell silent after it had taken up the pod', async () => {
    stub.leases.set('node-1', () => '2026-01-01T00:00:00.000000Z');
    stub.ending = () => ({ status: { phase: 'Running', startTime: '2026-01-01T00:00:00Z' } });
    const [result] = await run(['node-1'], 60_000, patience);
    expect(result).toMatchObject({
      reason: { code: 'NODE_SILENT', message: expect.stringContaining('says no more of the probe pod') },
    });
  });

  it.each([
    ['lacks the right to read leases', () => stub.fail({ path: 'leases', status: 403, times: 99 })],
    ['has no leases', () => {}],
  ])('is judged by the Ready condition of its node where one %s', async (_, prepare) => {
    prepare();
    stub.ending = () => ({ never: true });
    for (const [name, ready] of [
      ['heard', 'True'],
      ['lost', 'Unknown'],
    ] as const)
      addNode(name, ready);
    const results = await run(['heard', 'lost'], 2_500, patience);
    expect(results).toMatchObject([{ reason: { code: 'DEADLINE' } }, { reason: { code: 'NODE_SILENT' } }]);
  });

  it('is not known to be silent where the API server does not answer', async () => {
    stub.ending = () => ({ never: true });
    stub.leases.set('node-1', () => '2026-01-01T00:00:00.000000Z');
    stub.fail({ path: 'leases', status: 500, times: 99 });
    expect(await run(['node-1'], 2_500, patience)).toMatchObject([{ reason: { code: 'DEADLINE' } }]);
  });

  it('costs no request as long as the pod gets on', async () => {
    expect(await run(['node-1'], 10_000, patience)).toMatchObject([{ value: 'probed node-1' }]);
    expect(looks()).toEqual([]);
  });

  function addNode(name: string, ready: 'True' | 'Unknown'): void {
    stub.nodes.push({
      metadata: { name, uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z' },
      status: {
        conditions: [{ type: 'Ready', status: ready }],
        nodeInfo: {
          operatingSystem: 'linux',
          architecture: 'amd64',
          kernelVersion: '6.1.0',
          osImage: 'Test',
          containerRuntimeVersion: 'containerd://2.0.0',
          kubeletVersion: 'v1.33.0',
        },
      },
    });
  }
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

  it('runs once where the answer to its creation was lost: it may have changed the node already', async () => {
    let started = 0;
    stub.ending = () => {
      started += 1;
      return {};
    };
    stub.fail({ method: 'POST', path: '/pods', lost: true });
    expect(await run(['node-1'])).toMatchObject([{ value: 'probed node-1' }]);
    expect(started).toBe(1);
    expect(stub.pods.size).toBe(0);
  });

  it('leaves the pod alone that a later attempt of the same batch has started under its name', async () => {
    stub.ending = (pod) => {
      const { metadata } = pod;
      // As another process does: it deletes the pod and creates its own.
      if (metadata.labels?.['netns-auditor/attempt'] !== 'another')
        setTimeout(() => {
          stub.pods.set('netns-audit/probe-node-1', {
            ...pod,
            metadata: {
              ...metadata,
              uid: 'later',
              labels: { ...metadata.labels, 'netns-auditor/attempt': 'another' },
            },
          });
        }, 100);
      return { never: true };
    };
    expect((await run(['node-1'], 1_500))[0]).toMatchObject({ status: 'rejected' });
    expect([...stub.pods.values()].map(({ metadata }) => metadata.uid)).toEqual(['later']);
  });

  it('is no leftover of an attempt that was killed, whose log is older than what was listed', async () => {
    const earlier = manifest('node-1');
    stub.pods.set('netns-audit/probe-node-1', {
      ...earlier,
      metadata: { ...earlier.metadata, uid: 'earlier', resourceVersion: '1' },
      status: { phase: 'Failed', reason: 'Killed' },
    });
    expect(await run(['node-1'])).toMatchObject([{ value: 'probed node-1' }]);
    expect(stub.pods.size).toBe(0);
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
