import { setImmediate, setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { carryOutAll, settleHalfDone } from '../../lib/audit/index.ts';
import type { ActResult, RepairOptions } from '../../lib/audit/repair-act.ts';
import { type Cluster, connect } from '../../lib/cluster/index.ts';
import { type DirectoryStore, keys } from '../../lib/history/index.ts';
import type { Finding } from '../../lib/model/finding.ts';
import { CORDON_ANNOTATION } from '../../lib/model/own-pods.ts';
import { repairRecordSchema } from '../../lib/model/repair-record.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import { planRepairs } from '../../lib/repair/plan.ts';
import { aFinding, aReport } from '../report/sample.ts';
import type { ApiObject, StubApiServer } from '../stub/api-server.ts';
import { storeOfTheKilled } from './killed.ts';
import { aPlaceToRepair, repairOptions, SETTLING } from './repairs.ts';

const FIRST = '11111111-1111-4111-8111-111111111111';
const SECOND = '22222222-2222-4222-8222-222222222222';
const CHECK = 'kernel-unregister-netdevice';
const runId = newRunId(new Date(), 'test');

let stub: StubApiServer;
let cluster: Cluster;
let store: DirectoryStore;
let directory: string;
/** What happened, in order. */
let steps: string[];
/** What the pod on the node says; null if it ends with the node. */
let log: string | null;

const hung = (changes: Partial<Finding> = {}): Finding =>
  aFinding({
    check: CHECK,
    topic: 'kernel',
    fingerprint: 'hung',
    object: { kind: 'node', name: 'node-1' },
    repair: { kind: 'reboot-node' },
    ...changes,
  });

const node = (name: string, labels: Record<string, string> = {}): ApiObject => ({
  metadata: { name, uid: `uid-${name}`, labels, annotations: {}, resourceVersion: '1' },
  spec: {},
  status: { conditions: [{ type: 'Ready', status: 'True' }], nodeInfo: { bootID: FIRST } },
});
const nodeNamed = (name: string): ApiObject => {
  const found = stub.nodes.find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};
const change = (name: string, changes: Partial<ApiObject>): void =>
  void Object.assign(nodeNamed(name), changes);
const cordonOf = (name = 'node-1') => ({
  unschedulable: nodeNamed(name).spec?.unschedulable,
  by: nodeNamed(name).metadata.annotations?.[CORDON_ANNOTATION],
});
const boot = (id = SECOND): void => {
  const { status } = nodeNamed('node-1');
  nodeNamed('node-1').status = { ...status, nodeInfo: { bootID: id } };
};

const hasBooted = (): boolean => JSON.stringify(nodeNamed('node-1').status).includes(SECOND);

function show(name: string, owner: string | null, spec: object = {}, more: object = {}): void {
  stub.pods.set(`shop/${name}`, {
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      ...(owner === null ? {} : { ownerReferences: [{ kind: owner, uid: 'uid-owner', controller: true }] }),
      ...more,
    },
    spec: { nodeName: 'node-1', terminationGracePeriodSeconds: 0, ...spec },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  } as ApiObject);
}

beforeEach(async () => {
  ({ stub, cluster, store, directory } = await aPlaceToRepair());
  aCluster();
});

/** Two nodes, and pods on the first, which boots when a pod is told to reboot it. */
function aCluster(): void {
  stub.nodes.push(node('node-1'), node('node-2'));
  show('web', 'ReplicaSet');
  show('agent', 'DaemonSet');
  show('etcd', 'Node');
  steps = [];
  log = null;
  stub.onRequest = (request) => {
    const [, step] =
      /^PATCH .*(nodes\/\S+)/.exec(request) ?? /^POST .*pods\/(\S+\/eviction)/.exec(request) ?? [];
    if (step !== undefined) steps.push(step);
  };
  stub.ending = ({ spec }) => {
    const { args } = (spec as { containers: { args: string[] }[] }).containers[0] ?? { args: [] };
    steps.push(args.filter((each) => /^(?:act|reboot)=/.test(each)).join(' '));
    if (args.includes('act=0')) return { log: 'would reboot it still is in that boot\nend 1\n' };
    if (log !== null) return { log };
    boot();
    return { status: { phase: 'Failed', reason: 'Terminated' } };
  };
}

/** For what never comes. */
const SHORT = { ...SETTLING.pace, drain: 300, boot: 300, order: 100 };

type Look = RepairOptions['look'];
/** The fault until the node has booted, then what else is found. */
const looks =
  (after: readonly Finding[] = [], before: readonly Finding[] = [hung()]): Look =>
  async (_, also) => {
    steps.push(also?.canary === true ? 'audit with a pod' : 'audit');
    return aReport({ findings: also?.canary === true ? [...after] : [...before] });
  };

async function tryReboot(
  changes: Partial<RepairOptions> = {},
  asked: { readonly drain?: boolean } = {},
): Promise<ActResult[]> {
  const { acts } = planRepairs(aReport({ findings: [hung()] }), { check: CHECK, node: 'node-1', ...asked });
  return await carryOutAll(cluster, acts, { ...repairOptions({ runId, store, look: looks() }), ...changes });
}
/** The cluster of these tests was chosen by no kubeconfig of the user's. */
const letBack = (): string =>
  `let pods on it again (cluster ${cluster.name}): kubectl annotate node node-1 netns-auditor/cordoned-by- && kubectl uncordon node-1`;
const recordOf = async (phase: string) => {
  const stored = await store.get(keys.repair({ cluster: cluster.name, runId }, `node-1-${phase}`));
  return stored === null ? null : repairRecordSchema.parse(JSON.parse(Buffer.from(stored.body).toString()));
};

describe('a reboot', { timeout: 30_000 }, () => {
  it('cordons the node, moves its pods, reboots it, audits it and lets pods on it again', async () => {
    const said: string[] = [];
    expect(await tryReboot({ say: (step) => said.push(step) })).toMatchObject([
      {
        result: 'done',
        detail:
          '1 pod was moved elsewhere, it has booted, a new pod got its network there, and an audit finds nothing new; it takes pods again',
      },
    ]);
    expect(steps).toEqual([
      'audit',
      'web/eviction', // only asked
      'nodes/node-1',
      'web/eviction',
      `act=1 reboot=${FIRST}`,
      'audit with a pod',
      'nodes/node-1',
    ]);
    expect(cordonOf()).toEqual({ unschedulable: undefined, by: undefined });
    expect([...stub.pods.keys()]).toEqual(['shop/agent', 'shop/etcd']);
    expect(said).toEqual([
      'node-1 is cordoned.',
      'node-1: 1 pod was moved elsewhere.',
      'node-1 is being rebooted.',
      'node-1 is back, and is audited.',
    ]);
    expect(await recordOf('begun')).toMatchObject({
      act: 'reboot-node',
      bootId: FIRST,
      by: 'ann',
      known: ['hung'],
    });
    expect(await recordOf('ended')).toMatchObject({ phase: 'done', checks: [CHECK], node: 'node-1' });
  });

  it('is only rehearsed without a change', async () => {
    expect(await tryReboot({ rehearse: true })).toMatchObject([
      {
        result: 'rehearsed',
        detail: '1 pod would be moved elsewhere, and node-1 rebooted; nothing was changed',
      },
    ]);
    expect(steps).toEqual(['audit', 'web/eviction', `act=0 reboot=${FIRST}`]);
    expect(stub.pods.has('shop/web')).toBe(true);
    expect(await recordOf('begun')).toBeNull();
  });

  it.each([
    ['refused', 'refused reboot the node has no systemctl'],
    ['unseen', 'left reboot its boot could not be read: gone'],
  ])('is %s by a rehearsal where its pod says: %s', async (result, answer) => {
    stub.ending = () => ({ log: `${answer}\nend 1\n` });
    expect(await tryReboot({ rehearse: true })).toMatchObject([
      { result, detail: expect.stringContaining('it could not be rebooted') },
    ]);
  });

  it('leaves a node cordoned that was cordoned before', async () => {
    nodeNamed('node-1').spec = { unschedulable: true };
    expect(await tryReboot()).toMatchObject([
      { result: 'done', detail: expect.stringContaining('it was cordoned before, and stays so') },
    ]);
    expect(cordonOf()).toEqual({ unschedulable: true, by: undefined });
  });

  it('moves what may be lost if it is named', async () => {
    show('bare', null);
    show('cache', 'ReplicaSet', { volumes: [{ emptyDir: {} }] });
    const mayLose = ['bare', 'cache'].map((name) => ({ namespace: 'shop', name }));
    expect(await tryReboot({ mayLose })).toMatchObject([{ result: 'done' }]);
    expect([...stub.pods.keys()]).toEqual(['shop/agent', 'shop/etcd']);
  });

  it('leaves a node to whoever cordoned it meanwhile', async () => {
    const before = stub.ending;
    stub.ending = (pod) => {
      nodeNamed('node-1').metadata.annotations = { [CORDON_ANNOTATION]: 'another' };
      return before(pod);
    };
    expect(await tryReboot()).toMatchObject([
      { result: 'done', detail: expect.stringContaining('somebody else decided meanwhile') },
    ]);
    expect(cordonOf()).toEqual({ unschedulable: true, by: 'another' });
  });

  it('leaves pods that have ended, whose data and controllers do not matter', async () => {
    show('ended', 'Job');
    Object.assign(stub.pods.get('shop/ended') ?? {}, { status: { phase: 'Succeeded' } });
    expect(await tryReboot()).toMatchObject([{ result: 'done' }]);
    expect(stub.pods.has('shop/ended')).toBe(true);
  });

  it('waits no longer for a pod that the kernel holds', async () => {
    show('held', 'ReplicaSet', {}, { deletionTimestamp: '2026-01-02T03:04:05Z' });
    const said: string[] = [];
    expect(await tryReboot({ say: (step) => said.push(step) })).toMatchObject([{ result: 'done' }]);
    expect(said).toContain('node-1: 1 pod was moved elsewhere; shop/held still Terminating.');
  });

  it('passes over what it knew of the node before, but not over its own fault', async () => {
    const known = aFinding({ check: 'kernel-known-bad', fingerprint: 'known' });
    const look = looks([known], [hung(), known]);
    expect(await tryReboot({ look })).toMatchObject([{ result: 'done' }]);
  });
});

describe('a reboot is refused', { timeout: 30_000 }, () => {
  const control = { 'node-role.kubernetes.io/control-plane': '' };
  const notRead: Partial<ClusterReport> = {
    findings: [hung()],
    coverage: { checks: [], nodes: [{ node: 'node-1', result: 'partial', reason: 'slow', remedy: null }] },
  };
  it.each<[string, string, () => void, Look]>([
    [
      'somebody may not cordon it',
      'you may not cordon it',
      () => void stub.denied.add('patch nodes'),
      looks(),
    ],
    ['it is gone', 'the node is gone', () => void stub.nodes.shift(), looks()],
    [
      'it is of the control plane',
      'of the control plane',
      () => void stub.nodes.splice(0, 1, node('node-1', control)),
      looks(),
    ],
    ['its boot is not known', 'which boot it is in', () => boot(''), looks()],
    [
      'no other node is Ready',
      'no other node is Ready',
      () => change('node-2', { status: { nodeInfo: {} } }),
      looks(),
    ],
    [
      'no other node takes pods',
      'and takes pods',
      () => change('node-2', { spec: { unschedulable: true } }),
      looks(),
    ],
    [
      'another node was left cordoned',
      'a repair left node-2 cordoned (run r1)',
      () => {
        nodeNamed('node-2').spec = { unschedulable: true };
        nodeNamed('node-2').metadata.annotations = { [CORDON_ANNOTATION]: 'r1' };
      },
      looks(),
    ],
    [
      'it could not be read completely',
      'could not be read completely: slow',
      () => {},
      async () => aReport(notRead),
    ],
    ['the fault is gone', 'the fault was not seen again', () => {}, looks([], [])],
    [
      'the fault is only suspected',
      'not seen again',
      () => {},
      looks([], [hung({ confidence: 'suspected' })]),
    ],
    ['another finding explains it', 'not seen again', () => {}, looks([], [hung({ partOf: 'other' })])],
    [
      'it booted while it was audited',
      'it has booted meanwhile',
      () => {},
      async () => {
        boot();
        return aReport({ findings: [hung()] });
      },
    ],
    [
      'nothing recreates a pod',
      'shop/bare would be lost (no controller makes it again): name what may be, --lose-pod shop/bare',
      () => show('bare', null),
      looks(),
    ],
    [
      'a job would start again',
      'whether its Job makes it again is not known',
      () => show('job', 'Job'),
      looks(),
    ],
    [
      'a pod keeps data on it',
      'its emptyDir volumes are lost',
      () => show('cache', 'ReplicaSet', { volumes: [{ emptyDir: {} }] }),
      looks(),
    ],
    [
      'a budget allows no eviction',
      'a disruption budget refuses to evict shop/web',
      () =>
        stub.fail({
          path: '/eviction',
          status: 429,
          message: "violates the pod's disruption budget",
          times: 1000,
        }),
      looks(),
    ],
  ])('where %s', async (_, words, happens, look) => {
    happens();
    expect(await tryReboot({ look })).toMatchObject([
      { result: 'refused', detail: expect.stringContaining(words) },
    ]);
    expect(stub.requests.filter((request) => request.startsWith('PATCH'))).toEqual([]);
    expect(stub.pods.has('shop/web')).toBe(true);
  });

  it('unless check and node are named, and then for no second node', () => {
    const other = hung({ fingerprint: 'other', object: { kind: 'node', name: 'node-2' } });
    const refusals = (asked: object) =>
      planRepairs(aReport({ findings: [hung(), other] }), asked).acts.map((act) => [act.node, act.refused]);
    const why = 'the tool reboots a node only if it is named: --only CHECK --node NODE';
    expect(refusals({})).toEqual([
      ['node-1', why],
      ['node-2', why],
    ]);
    expect(refusals({ check: CHECK })).toEqual([
      ['node-1', why],
      ['node-2', why],
    ]);
    expect(refusals({ node: 'node-1' })).toEqual([['node-1', why]]);
    expect(refusals({ check: CHECK, node: 'node-1' })).toEqual([['node-1', null]]);
  });
});

describe('a reboot that does not go as it should', { timeout: 30_000 }, () => {
  const another = aFinding({ check: 'cni-agent-down', fingerprint: 'new' });
  it.each<[string, string, () => void, Look]>([
    [
      'its budget allows no more',
      'it was not rebooted, as not all pods left it: shop/web is still there: a disruption budget refuses to evict shop/web',
      () => {
        // Asked once, it would be evicted.
        stub.onRequest = (request) => {
          if (request.startsWith('PATCH'))
            stub.fail({
              path: '/eviction',
              times: 1000,
              status: 429,
              message: 'violates a disruption budget',
            });
        };
      },
      looks(),
    ],
    [
      'a pod came that would be lost',
      'as not all pods left it: shop/bare would be lost',
      () => {
        stub.onEvicted = () => show('bare', null);
      },
      looks(),
    ],
    [
      'somebody uncordoned it',
      'it has booted, or was uncordoned, meanwhile',
      () => {
        stub.onEvicted = () => change('node-1', { spec: {} });
      },
      looks(),
    ],
    [
      'it booted by itself',
      'it has booted, or was uncordoned, meanwhile',
      () => {
        stub.onEvicted = () => boot();
      },
      looks(),
    ],
    [
      'it is another node by now',
      'it has booted, or was uncordoned, meanwhile',
      () => {
        stub.onEvicted = () => {
          nodeNamed('node-1').metadata.uid = 'uid-of-the-next';
        };
      },
      looks(),
    ],
    [
      'it has no systemctl',
      'it was not rebooted: the node has no systemctl',
      () => {
        log = 'refused reboot the node has no systemctl\nend 1\n';
      },
      looks(),
    ],
    [
      'it does not come back',
      'did not come back Ready from another boot in time',
      () => {
        stub.ending = () => ({ status: { phase: 'Failed', reason: 'Terminated' } });
      },
      looks(),
    ],
    [
      'it is back, but not Ready',
      'did not come back Ready from another boot in time',
      () => {
        stub.ending = () => {
          change('node-1', {
            status: { conditions: [{ type: 'Ready', status: 'False' }], nodeInfo: { bootID: SECOND } },
          });
          return { status: { phase: 'Failed', reason: 'Terminated' } };
        };
      },
      looks(),
    ],
    [
      'the fault is there again',
      'and it has booted; but an audit finds kernel-unregister-netdevice',
      () => {},
      looks([hung()]),
    ],
    ['something else is wrong', 'but an audit finds cni-agent-down', () => {}, looks([another])],
  ])('leaves the node cordoned where %s', async (_, words, happens, look) => {
    happens();
    const [result] = await tryReboot({ look, pace: SHORT });
    expect(result).toMatchObject({ result: 'surprise', detail: expect.stringContaining(words) });
    expect(result?.detail).toContain(`node-1 stays cordoned. Once it is in order, ${letBack()}`);
    expect(await recordOf('ended')).toMatchObject({ phase: 'failed' });
    if (_ !== 'somebody uncordoned it') expect(cordonOf()).toEqual({ unschedulable: true, by: runId });
  });

  it('waits until what its pods still have to do is done', async () => {
    let looked = 0;
    const look: Look = async (_, also) => {
      if (also?.canary !== true) return aReport({ findings: [hung()] });
      looked += 1;
      return aReport({ findings: looked < 3 ? [another] : [] });
    };
    expect(await tryReboot({ look })).toMatchObject([{ result: 'done' }]);
    expect(looked).toBe(3);
  });
});

describe('a reboot whose call was killed', { timeout: 30_000 }, () => {
  /** The call was killed right before the change of the node, or its pod, that `at` matches. */
  const killedAt = async (at: RegExp): Promise<void> => {
    const kill = new AbortController();
    const before = stub.onRequest;
    stub.onRequest = (request) => {
      before(request);
      if (at.test(request)) kill.abort();
    };
    const tried = tryReboot({ signal: kill.signal, store: storeOfTheKilled(directory) });
    await tried.catch(() => null);
    stub.onRequest = before;
  };
  const settled = async (look: Look = looks()): Promise<string | undefined> =>
    (await settleHalfDone(cluster, store, { ...SETTLING, look, pace: SHORT }))[0];

  it('before it was rebooted takes pods again', async () => {
    await killedAt(/eviction/);
    // The first eviction was only asked about, and then nothing has begun.
    expect(await recordOf('begun')).toBeNull();
    let asked = 0;
    const before = stub.onRequest;
    const kill = new AbortController();
    stub.onRequest = (request) => {
      before(request);
      if (/eviction/.test(request) && ++asked === 2) kill.abort();
    };
    await tryReboot({ signal: kill.signal, store: storeOfTheKilled(directory) }).catch(() => null);
    stub.onRequest = before;
    expect(cordonOf()).toEqual({ unschedulable: true, by: runId });
    expect(await settled()).toMatch(
      /^ann began to reboot node-1 at .* and was stopped: it was not rebooted, and takes pods again; pods that were evicted are elsewhere\.$/,
    );
    expect(cordonOf()).toEqual({ unschedulable: undefined, by: undefined });
    expect(await settled()).toBeUndefined();
  });

  it('before it was cordoned is as it was', async () => {
    await killedAt(/^PATCH/);
    nodeNamed('node-1').spec = {};
    nodeNamed('node-1').metadata.annotations = {};
    expect(await settled()).toContain('it was not rebooted, and is as it was');
  });

  it('after it was rebooted is audited, and takes pods again', async () => {
    await killedAt(/^POST .*netns-audit-remediate\/pods/);
    boot();
    expect(await settled()).toContain(
      'it was completed, it has booted, a new pod got its network there, and an audit finds nothing new; it takes pods again',
    );
    expect(cordonOf()).toEqual({ unschedulable: undefined, by: undefined });
  });

  it('stays cordoned where the audit finds something', async () => {
    await killedAt(/^POST .*netns-audit-remediate\/pods/);
    boot();
    expect(await settled(looks([hung()]))).toMatch(
      /but an audit finds kernel-unregister-netdevice\. node-1 stays cordoned/,
    );
    expect(cordonOf()).toEqual({ unschedulable: true, by: runId });
  });

  it('and is booting right now is waited for', async () => {
    await killedAt(/^POST .*netns-audit-remediate\/pods/);
    boot(FIRST);
    nodeNamed('node-1').status = {
      ...nodeNamed('node-1').status,
      conditions: [{ type: 'Ready', status: 'Unknown' }],
    };
    const said: string[] = [];
    const done = settleHalfDone(cluster, store, {
      ...SETTLING,
      look: looks(),
      say: (step) => {
        said.push(step);
        nodeNamed('node-1').status = {
          conditions: [{ type: 'Ready', status: 'True' }],
          nodeInfo: { bootID: SECOND },
        };
      },
    });
    expect((await done)[0]).toContain('it takes pods again');
    expect(said).toEqual([expect.stringMatching(/^node-1 may be rebooting for run .*: waiting for it/)]);
  });

  it('and does not come back stays cordoned', async () => {
    await killedAt(/^POST .*netns-audit-remediate\/pods/);
    boot(FIRST);
    nodeNamed('node-1').status = {
      ...nodeNamed('node-1').status,
      conditions: [{ type: 'Ready', status: 'Unknown' }],
    };
    expect(await settled()).toContain('it is not back Ready from another boot. node-1 stays cordoned');
  });

  it('at any request is undone, or completed if the node has booted', { timeout: 120_000 }, async () => {
    await tryReboot();
    const requests = stub.requests.length;
    expect(requests).toBeGreaterThan(20);
    const became = new Set<string>();
    for (let at = 1; at <= requests; at += 1) {
      const place = await aPlaceToRepair();
      ({ stub, cluster, store, directory } = place);
      aCluster();
      const dead = await connect({ kind: 'kubeconfig-text', text: stub.kubeconfig() }, { version: '0.0.0' });
      const kill = new AbortController();
      const killed = new Promise<void>((resolve) => {
        let served = 0;
        stub.onRequest = () => {
          served += 1;
          if (served !== at) return;
          // Like a process that is gone: nothing of it is sent any more, not even to clean up.
          void dead.transport.close();
          kill.abort();
          resolve();
        };
      });
      const { acts } = planRepairs(aReport({ findings: [hung()] }), { check: CHECK, node: 'node-1' });
      const options = {
        ...repairOptions({ runId, store: storeOfTheKilled(directory), look: looks() }),
        signal: kill.signal,
      };
      const ran = carryOutAll(dead, acts, options).then(
        () => {},
        () => {},
      );
      await Promise.race([killed, ran]);
      await setImmediate();
      stub.onRequest = () => {};
      // What a request has begun ends without its caller; its lease ends some time later.
      await setTimeout(50);
      stub.taken.clear();
      const begun = (await recordOf('begun')) !== null;
      const said = await settled();
      expect([at, begun, said !== undefined]).toEqual([at, begun, begun]);
      expect([at, cordonOf()]).toEqual([at, { unschedulable: undefined, by: undefined }]);
      expect([at, [...stub.pods.keys()].filter((each) => each.startsWith('netns-audit'))]).toEqual([at, []]);
      expect(await settled()).toBeUndefined();
      const outcome =
        said === undefined
          ? 'nothing was begun'
          : (/it was not rebooted|it was completed/.exec(said)?.[0] ?? said);
      expect([at, outcome === 'it was completed']).toEqual([at, hasBooted()]);
      became.add(outcome);
    }
    expect([...became]).toEqual(['nothing was begun', 'it was not rebooted', 'it was completed']);
  });

  it('whose node is gone is over', async () => {
    await killedAt(/^POST .*netns-audit-remediate\/pods/);
    stub.nodes.shift();
    expect(await settled()).toContain('and was stopped: the node is gone.');
  });
});

describe('a drain in place of a reboot', { timeout: 30_000 }, () => {
  const INSTANCE = 'aws:///eu-west-1a/i-0123456789abcdef0';
  const END =
    '  aws autoscaling terminate-instance-in-auto-scaling-group --region eu-west-1 --instance-id i-0123456789abcdef0 --no-should-decrement-desired-capacity';
  const tryDrain = async (changes: Partial<RepairOptions> = {}): Promise<ActResult[]> =>
    await tryReboot(changes, { drain: true });
  beforeEach(() => {
    nodeNamed('node-1').spec = { providerID: INSTANCE };
    nodeNamed('node-1').metadata.labels = { 'topology.kubernetes.io/region': 'eu-west-1' };
  });

  it('cordons the node, moves its pods, and says how its instance is replaced; it starts no pod', async () => {
    const [result] = await tryDrain();
    expect(result).toMatchObject({
      result: 'done',
      detail: '1 pod was moved elsewhere; it stays cordoned, to be replaced',
    });
    expect(result?.next).toContain(END);
    expect(result?.next?.at(-1)).toBe(`Or ${letBack()}`);
    expect(steps).toEqual(['audit', 'web/eviction', 'nodes/node-1', 'web/eviction']);
    expect(cordonOf()).toEqual({ unschedulable: true, by: runId });
    expect(await recordOf('ended')).toMatchObject({
      act: 'drain-node',
      phase: 'done',
      nodeUid: 'uid-node-1',
    });
  });

  it('is only rehearsed without a change', async () => {
    const [result] = await tryDrain({ rehearse: true });
    expect(result).toMatchObject({
      result: 'rehearsed',
      detail: '1 pod would be moved elsewhere; nothing was changed',
    });
    expect(result?.next).toBeUndefined();
    expect(steps).toEqual(['audit', 'web/eviction']);
    expect(await recordOf('begun')).toBeNull();
  });

  it.each([
    [
      'another node says that it is the same instance',
      'node-2 says that it is the same machine',
      () => change('node-2', { spec: { providerID: INSTANCE } }),
    ],
    [
      'another node says so, in another zone',
      'node-2 says that it is the same machine',
      () => change('node-2', { spec: { providerID: 'aws:///eu-west-1b/i-0123456789abcdef0' } }),
    ],
    [
      'another node says that it is the same machine of another provider',
      'node-2 says that it is the same machine',
      () => {
        nodeNamed('node-1').spec = { providerID: 'azure:///group/0' };
        nodeNamed('node-2').spec = { providerID: 'azure:///group/0' };
      },
    ],
    ['a pod would be lost', 'shop/bare would be lost', () => show('bare', null)],
    [
      'another node is still cordoned by a repair',
      'a repair left node-2 cordoned (run other)',
      () => {
        nodeNamed('node-2').spec = { unschedulable: true };
        nodeNamed('node-2').metadata.annotations = { [CORDON_ANNOTATION]: 'other' };
      },
    ],
  ])('is refused where %s', async (_, words, happens) => {
    happens();
    expect(await tryDrain()).toMatchObject([{ result: 'refused', detail: expect.stringContaining(words) }]);
    expect(cordonOf().unschedulable).toBeUndefined();
  });

  it('leaves the node cordoned where not all pods leave it, and names no way to end it', async () => {
    let asked = 0;
    const before = stub.onRequest;
    stub.onRequest = (request) => {
      before(request);
      if (/eviction/.test(request) && ++asked === 1) show('late', null);
    };
    const [result] = await tryDrain({ pace: SHORT });
    expect(result).toMatchObject({
      result: 'surprise',
      detail: expect.stringMatching(
        /^it was not drained, as not all pods left it: shop\/late would be lost .*node-1 stays cordoned/,
      ),
    });
    expect(result?.next).toBeUndefined();
  });

  it.each([
    ['say nothing of their machines', '', ''],
    ['are numbered within their groups', 'azure:///group-a/0', 'azure:///group-b/0'],
  ])('is not refused where two nodes %s', async (_, one, other) => {
    nodeNamed('node-1').spec = { providerID: one };
    nodeNamed('node-2').spec = { providerID: other };
    expect(await tryDrain()).toMatchObject([{ result: 'done' }]);
  });

  it('says which pods are still on the node', async () => {
    stub.onEvicted = () => show('web', 'StatefulSet', {}, { deletionTimestamp: '2026-01-02T03:04:05Z' });
    expect(await tryDrain()).toMatchObject([
      {
        result: 'done',
        detail:
          '0 pods were moved elsewhere; shop/web still Terminating, until its machine ends; it stays cordoned, to be replaced',
      },
    ]);
  });

  it.each([
    ['a pod is evicted', /eviction/, 2, 'it takes pods again; pods that were evicted are elsewhere'],
    ['it is cordoned', /^PATCH/, 1, 'it takes pods again'],
  ])('whose call was killed as %s is undone by the next call', async (_, at, nth, words) => {
    let seen = 0;
    const kill = new AbortController();
    const before = stub.onRequest;
    stub.onRequest = (request) => {
      before(request);
      if (at.test(request) && ++seen === nth) kill.abort();
    };
    await tryDrain({ signal: kill.signal, store: storeOfTheKilled(directory) }).catch(() => null);
    stub.onRequest = before;
    const [said] = await settleHalfDone(cluster, store, { ...SETTLING, look: looks() });
    expect(said).toMatch(/^ann began to drain node-1 at .* and was stopped: /);
    expect(said).toContain(words);
    expect(cordonOf()).toEqual({ unschedulable: undefined, by: undefined });
    expect(await settleHalfDone(cluster, store, SETTLING)).toEqual([]);
  });

  /** The call is killed while it cordons the node. */
  const killed = async (): Promise<void> => {
    const kill = new AbortController();
    const before = stub.onRequest;
    stub.onRequest = (request) => {
      before(request);
      if (/^PATCH/.test(request)) kill.abort();
    };
    await tryDrain({ signal: kill.signal, store: storeOfTheKilled(directory) }).catch(() => null);
    stub.onRequest = before;
    expect(cordonOf()).toEqual({ unschedulable: true, by: runId });
  };
  const settled = async (): Promise<string> =>
    (await settleHalfDone(cluster, store, { ...SETTLING, look: looks() })).join();
  /** As the API server notes it after plain `kubectl uncordon` and `kubectl cordon`. */
  const cordonedByAPerson = (): void => {
    const own = { 'f:metadata': { 'f:annotations': { [`f:${CORDON_ANNOTATION}`]: {} } } };
    const cordon = { 'f:spec': { 'f:unschedulable': {} } };
    Object.assign(nodeNamed('node-1').metadata, {
      managedFields: [{ fieldsV1: own }, { fieldsV1: cordon }, { fieldsV1: 'something else' }],
    });
  };

  it('that is interrupted has no end in its record, so that the next call settles it', async () => {
    const kill = new AbortController();
    let asked = 0;
    const before = stub.onRequest;
    stub.onRequest = (request) => {
      before(request);
      if (/eviction/.test(request) && ++asked === 2) kill.abort();
    };
    expect(await tryDrain({ signal: kill.signal })).toMatchObject([
      { result: 'surprise', detail: 'interrupted before the result was known' },
    ]);
    stub.onRequest = before;
    expect(await recordOf('begun')).not.toBeNull();
    expect(await recordOf('ended')).toBeNull();
    expect(await settled()).toContain('it takes pods again');
  });

  it('whose call was killed is over once the node was replaced', async () => {
    await killed();
    nodeNamed('node-1').metadata.uid = 'uid-of-the-next';
    expect(await settled()).toContain('the node is gone');
  });

  it('whose call was killed leaves a node cordoned that a person has cordoned since', async () => {
    await killed();
    cordonedByAPerson();
    expect(await settled()).toContain('it is cordoned, but not by this repair');
    expect(cordonOf().unschedulable).toBe(true);
  });

  it('is not refused because a person has cordoned another node that a repair once had', async () => {
    await tryDrain();
    cordonedByAPerson();
    const found = [hung({ object: { kind: 'node', name: 'node-2' } })];
    const { acts } = planRepairs(aReport({ findings: found }), { check: CHECK, node: 'node-2', drain: true });
    const options = repairOptions({ runId: newRunId(new Date(), 'other'), store, look: looks() });
    const [result] = await carryOutAll(cluster, acts, options);
    expect(result?.detail).toBe('no other node is Ready and takes pods');
  });

  it('whose call was killed takes pods again where the API server notes both as of the run', async () => {
    await killed();
    const both = {
      'f:metadata': { 'f:annotations': { [`f:${CORDON_ANNOTATION}`]: {} } },
      'f:spec': { 'f:unschedulable': {} },
    };
    Object.assign(nodeNamed('node-1').metadata, { managedFields: [{ fieldsV1: both }] });
    expect(await settled()).toContain('it takes pods again');
  });

  it('whose call was killed stays open while nobody may patch the node', async () => {
    await killed();
    stub.fail({ method: 'PATCH', path: '/nodes/', status: 403, message: 'forbidden' });
    expect(await settled()).toMatch(/and did not end: it could not be settled: .*forbidden/);
    expect(await settled()).toContain('it takes pods again');
  });

  it('whose call was killed says so where another cordons the node meanwhile', async () => {
    await killed();
    let lists = 0;
    const before = stub.onRequest;
    stub.onRequest = (request) => {
      before(request);
      if (/GET .*nodes/.test(request) && ++lists === 2)
        nodeNamed('node-1').metadata.annotations = { [CORDON_ANNOTATION]: 'another' };
    };
    expect(await settled()).toContain('somebody else decided meanwhile whether it takes pods');
    expect(cordonOf()).toEqual({ unschedulable: true, by: 'another' });
  });
});
