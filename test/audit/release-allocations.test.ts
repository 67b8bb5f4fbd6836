import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { carryOutAll, halfDone, recentDays, recordsOfRun, settleHalfDone } from '../../lib/audit/index.ts';
import type { ActResult, RepairOptions } from '../../lib/audit/repair-act.ts';
import type { Cluster } from '../../lib/cluster/index.ts';
import type { DirectoryStore } from '../../lib/history/index.ts';
import type { CalicoBlockObject, CalicoHandleObject } from '../../lib/model/calico-ipam.ts';
import type { Finding } from '../../lib/model/finding.ts';
import { type LeakedAllocation, UNREAD_NAMESPACES } from '../../lib/model/leaked-allocation.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import { holdsAddress } from '../../lib/repair/calico-ipam.ts';
import { planRepairs } from '../../lib/repair/plan.ts';
import { aBlock, aHandle, DEAD, HANDLE, leaked, type Secondary } from '../repair/calico.ts';
import { aFinding, aReport } from '../report/sample.ts';
import type { ApiObject, StubApiServer } from '../stub/api-server.ts';
import { storeOfTheKilled } from './killed.ts';
import { aPlaceToRepair, repairOptions, SETTLING } from './repairs.ts';

const API = '/apis/crd.projectcalico.org/v1';
const BLOCK = `${API}/ipamblocks/${leaked.block}`;
const ITS_HANDLE = `${API}/ipamhandles/${HANDLE}`;
const NAME = '10-244-1-8-30/10.244.1.9';
const runId = newRunId(new Date(), 'test');
const HOUR = 3_600_000;

let stub: StubApiServer;
let cluster: Cluster;
let store: DirectoryStore;
let directory: string;

/** As Go prints a time so long ago. */
const ago = (milliseconds: number): string =>
  `${new Date(Date.now() - milliseconds).toISOString().replace('T', ' ').replace('Z', '')} +0000 UTC`;
const old = { timestamp: ago(4 * HOUR) };
const block = (): CalicoBlockObject => stub.custom.get(BLOCK) as CalicoBlockObject;
const handle = (): CalicoHandleObject | null => stub.custom.get(ITS_HANDLE) as CalicoHandleObject | null;
const setBlock = (spec: object = {}, attribute: object = {}, secondary: Secondary = {}): void =>
  stub.custom.set(BLOCK, aBlock({ ...spec }, attribute, { ...old, ...secondary }));
const changing = (): string[] =>
  stub.requests.filter((request) => /^(?:PUT|DELETE|PATCH) .*ipam/.test(request));

const finding = (changes: Partial<Finding> = {}, ...others: readonly LeakedAllocation[]): Finding =>
  aFinding({
    check: 'ipam-leaked',
    topic: 'cni',
    object: { kind: 'file', name: 'calico-ipam', node: 'node-1', path: 'API: ipamblocks' },
    repair: { kind: 'release-allocations', allocations: [leaked, ...others] },
    runs: 2,
    ...changes,
  });

const pod = (
  name: string,
  ip: string,
  container: string | null,
  more: Partial<ApiObject['metadata']> = {},
): ApiObject => ({
  metadata: {
    name,
    namespace: 'shop',
    uid: `uid-${name}`,
    annotations: container === null ? {} : { 'cni.projectcalico.org/containerID': container },
    ...more,
  },
  spec: { nodeName: 'node-1' },
  status: { podIP: ip, podIPs: [{ ip }], conditions: [] },
});
const addPod = (...args: Parameters<typeof pod>): void => {
  const added = pod(...args);
  stub.pods.set(`shop/${added.metadata.name}`, added);
};
const controller = (since: string): void => {
  addPod('controllers', '10.244.2.2', 'f'.repeat(64), {
    labels: { 'k8s-app': 'calico-kube-controllers' },
  });
  const added = stub.pods.get('shop/controllers');
  if (added !== undefined)
    added.status = { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: since }] };
};

/** What an audit of the node finds, as long as the block has it. */
const seen = (changes: Partial<Finding> = {}): ClusterReport =>
  aReport({ findings: holdsAddress(block(), leaked) ? [finding(changes)] : [] });

const options = (changes: Partial<RepairOptions> = {}): RepairOptions => ({
  ...repairOptions({ runId, store, look: async () => seen() }),
  ...changes,
});
const acts = (found = finding()) => planRepairs(aReport({ findings: [found] }), {}).acts;
const tryRepair = async (changes: Partial<RepairOptions> = {}, found = finding()): Promise<ActResult[]> =>
  await carryOutAll(cluster, acts(found), options(changes));

beforeEach(async () => {
  ({ stub, cluster, directory, store } = await aPlaceToRepair());
  for (const name of ['node-1', 'node-2'])
    stub.nodes.push({
      metadata: { name, uid: `uid-${name}` },
      status: { conditions: [], nodeInfo: { bootID: '' } },
    });
  setBlock();
  stub.custom.set(ITS_HANDLE, aHandle());
  addPod('web-1', '10.244.1.8', 'a'.repeat(64));
  addPod('web-3', '10.244.1.10', 'c'.repeat(64));
});

describe('freeing a leaked address of Calico', { timeout: 30_000 }, () => {
  it('writes its block and deletes its handle, as they were read, and nothing else of them changes', async () => {
    const before = block();
    expect(await tryRepair()).toMatchObject([
      {
        result: 'done',
        detail: '1 freed; an audit finds nothing of them',
        answers: [{ name: NAME, word: 'done', detail: `its handle ${HANDLE} no longer counts it` }],
      },
    ]);
    expect(changing()).toEqual([`PUT ${BLOCK}`, `DELETE ${ITS_HANDLE}`]);
    const { spec } = before;
    expect(block()).toEqual({
      ...before,
      metadata: { ...before.metadata, resourceVersion: expect.any(String) },
      spec: {
        ...spec,
        allocations: [0, null, 1, null],
        unallocated: [3, 1],
        attributes: [spec.attributes[0], spec.attributes[2]],
        sequenceNumber: 1_764_500_000_000_000_008n,
        sequenceNumberForAllocation: { 0: 1_764_500_000_000_000_001n, 2: 1_764_500_000_000_000_003n },
      },
    });
    expect(handle()).toBeNull();
  });

  it('lowers a handle that has addresses elsewhere', async () => {
    stub.custom.set(ITS_HANDLE, aHandle({ '10.244.7.0/26': 1 }));
    expect(await tryRepair()).toMatchObject([{ result: 'done' }]);
    expect(changing()).toEqual([`PUT ${BLOCK}`, `PUT ${ITS_HANDLE}`]);
    expect(handle()?.spec.block).toEqual({ '10.244.7.0/26': 1 });
  });

  it('frees several of one container, of which a handle counts both', async () => {
    setBlock({ allocations: [0, 1, 2, 1], unallocated: [] });
    stub.custom.set(ITS_HANDLE, aHandle({ '10.244.1.8/30': 2 }));
    const both = finding({}, { ...leaked, address: '10.244.1.11' });
    const look = async () => aReport({ findings: holdsAddress(block(), leaked) ? [both] : [] });
    expect(await tryRepair({ look }, both)).toMatchObject([{ detail: expect.stringContaining('2 freed;') }]);
    expect(block().spec).toMatchObject({ allocations: [0, null, 1, null], unallocated: [1, 3] });
    expect(handle()).toBeNull();
  });

  it('records what the block had of it, before and after', async () => {
    await tryRepair();
    expect(await recordsOfRun(store, cluster, runId)).toMatchObject([
      {
        act: 'release-allocations',
        phase: 'done',
        node: 'node-1',
        allocations: [
          {
            name: NAME,
            result: 'done',
            before: {
              handle: HANDLE,
              attribute: { secondary: { pod: 'gone-1', ...old } },
              sequence: '1764500000000000002',
            },
          },
        ],
      },
    ]);
  });

  it('changes nothing when it is rehearsed', async () => {
    expect(await tryRepair({ rehearse: true })).toMatchObject([
      { result: 'rehearsed', detail: '1 would be freed; nothing was changed' },
    ]);
    expect(changing()).toEqual([]);
  });

  it('does not need a handle', async () => {
    stub.custom.remove(ITS_HANDLE);
    expect(await tryRepair()).toMatchObject([{ result: 'done' }]);
    expect(changing()).toEqual([`PUT ${BLOCK}`]);
  });

  it('leaves the handle of another owner alone, whose name differs in capital letters', async () => {
    stub.custom.set(ITS_HANDLE, aHandle({}, { handleID: HANDLE.toUpperCase() }));
    expect(await tryRepair()).toMatchObject([{ result: 'done' }]);
    expect(changing()).toEqual([`PUT ${BLOCK}`]);
  });

  it('reads again where Calico has written the block or the handle in between', async () => {
    let times = 0;
    stub.onRequest = (request) => {
      if (request === `PUT ${BLOCK}` && times++ === 0) stub.custom.set(BLOCK, block());
      if (request === `DELETE ${ITS_HANDLE}` && times++ === 2)
        stub.custom.set(ITS_HANDLE, aHandle({ '10.244.7.0/26': 1 }));
    };
    expect(await tryRepair()).toMatchObject([{ result: 'done' }]);
    expect(changing()).toEqual([`PUT ${BLOCK}`, `PUT ${BLOCK}`, `DELETE ${ITS_HANDLE}`, `PUT ${ITS_HANDLE}`]);
    expect(handle()?.spec.block).toEqual({ '10.244.7.0/26': 1 });
  });

  it('deletes its handle also where Calico has deleted the empty block in between', async () => {
    stub.onRequest = (request) => {
      if (request === `GET ${BLOCK}` && block()?.spec.allocations[1] === null) stub.custom.remove(BLOCK);
    };
    const look = async () => (stub.custom.get(BLOCK) === null ? aReport() : seen());
    expect(await tryRepair({ look })).toMatchObject([{ result: 'done' }]);
    expect([stub.custom.get(BLOCK), handle()]).toEqual([null, null]);
  });

  it('leaves the address to whoever has it in between', async () => {
    stub.onRequest = (request) => {
      if (request === `PUT ${BLOCK}`) setBlock({}, { handle_id: `k8s-pod-network.${'e'.repeat(64)}` });
    };
    expect(await tryRepair()).toMatchObject([{ result: 'done', answers: [{ word: 'done' }] }]);
    expect(block().spec.allocations).toEqual([0, 1, 2, null]);
  });

  it('leaves the handle alone where the block has the address again right after it was freed', async () => {
    let isWritten = false;
    stub.onRequest = (request) => {
      if (request === `PUT ${BLOCK}`) isWritten = true;
      else if (request === `GET ${BLOCK}` && isWritten) setBlock();
    };
    expect(await tryRepair()).toMatchObject([
      { result: 'surprise', answers: [{ word: 'failed', detail: 'its block still has it' }] },
    ]);
    expect(handle()).not.toBeNull();
  });

  const both = (): Finding => {
    setBlock({ allocations: [0, 1, 2, 1], unallocated: [] });
    stub.custom.set(ITS_HANDLE, aHandle({ '10.244.1.8/30': 2 }));
    return finding({}, { ...leaked, address: '10.244.1.11' });
  };
  const put = (): number[] =>
    stub.requests.flatMap((request, at) => (request === `PUT ${BLOCK}` ? [at] : []));

  it('frees no other after one that failed', async () => {
    const found = both();
    stub.fail({ method: 'PUT', path: BLOCK, status: 403, message: 'not allowed' });
    expect(await tryRepair({ look: async () => aReport({ findings: [found] }) }, found)).toMatchObject([
      {
        result: 'surprise',
        answers: [{ word: 'failed' }, { word: 'left', detail: 'another one failed before' }],
      },
    ]);
    expect(put()).toHaveLength(1);
  });

  it('holds its lease: after the audit of the node, and between addresses that take long', async () => {
    const found = both();
    let audited = 0;
    const look = async () => {
      audited ||= stub.requests.length;
      return aReport({ findings: [found] });
    };
    const now = Date.now.bind(Date);
    stub.onRequest = (request) => {
      if (request === `PUT ${BLOCK}` && put().length === 1)
        vi.spyOn(Date, 'now').mockImplementation(() => now() + 61_000);
    };
    onTestFinished(() => void vi.restoreAllMocks());
    await tryRepair({ look }, found);
    expect(stub.requests[audited]).toMatch(/^PUT .*leases\/netns-audit-remediate$/);
    expect(put()).toHaveLength(2);
    expect(stub.requests.slice(...put())).toContainEqual(expect.stringMatching(/^PUT .*leases/));
  });

  it('gives up where the block is changed all the time', async () => {
    stub.onRequest = (request) => {
      if (request === `PUT ${BLOCK}`) stub.custom.set(BLOCK, block());
    };
    expect(await tryRepair()).toMatchObject([
      { result: 'refused', answers: [{ detail: 'its block was changed by others at each try' }] },
    ]);
    expect(changing()).toHaveLength(5);
  });

  it('has freed it where the answers to both were lost', async () => {
    stub.fail({ method: 'PUT', path: BLOCK, lost: true });
    stub.fail({ method: 'DELETE', path: ITS_HANDLE, lost: true });
    expect(await tryRepair()).toMatchObject([{ result: 'done' }]);
    expect([block().spec.allocations, handle()]).toEqual([[0, null, 1, null], null]);
  });

  it('is a surprise where an audit still finds it', async () => {
    const look = async () => aReport({ findings: [finding()] });
    expect(await tryRepair({ look })).toMatchObject([
      { result: 'surprise', detail: expect.stringContaining(`but an audit finds ${NAME} again`) },
    ]);
  });

  it('is known where no audit can prove it', async () => {
    const look = async () => {
      if (handle() === null) throw new Error('no room for the probe');
      return seen();
    };
    expect(await tryRepair({ look })).toMatchObject([
      {
        result: 'surprise',
        detail: '1 freed; but no audit could prove it: no room for the probe',
        answers: [{ word: 'done' }],
      },
    ]);
  });

  it('is a surprise where the node cannot be read afterwards', async () => {
    const unread = [{ node: 'node-1', result: 'failed' as const, reason: 'silent', remedy: null }];
    const look = async () =>
      handle() === null ? aReport({ coverage: { nodes: unread, checks: [] } }) : seen();
    expect(await tryRepair({ look })).toMatchObject([
      {
        result: 'surprise',
        detail: expect.stringContaining('1 freed; but afterwards node-1 could not be read'),
      },
    ]);
  });
});

type Turn = () => void;
/** An audit finds it, though the block may not have it. */
const STILL = { look: async () => aReport({ findings: [finding()] }) };

describe('a precondition that alone turns false between plan and act', { timeout: 30_000 }, () => {
  /** Each: why it is refused, and what happens after the plan. */
  const turns: readonly [string, Turn, (Partial<RepairOptions> | (() => Partial<RepairOptions>))?][] = [
    ['its block is gone', () => stub.custom.remove(BLOCK), STILL],
    ['its block is being deleted', () => setBlock({ deleted: true })],
    ['its block belongs to no node', () => setBlock({ affinity: null })],
    ['it is free already', () => setBlock({ allocations: [0, null, 1, null] }), STILL],
    [
      'it belongs to another container by now',
      () => setBlock({}, { handle_id: `k8s-pod-network.${'e'.repeat(64)}` }),
      STILL,
    ],
    ['it belongs to another pod by now', () => setBlock({}, {}, { pod: 'web-2' })],
    ['it belongs to another pod by now', () => setBlock({}, {}, { namespace: 'other' })],
    ['it belongs to another node by now', () => setBlock({}, {}, { node: 'node-2' })],
    ['it is the address of a tunnel', () => setBlock({}, {}, { type: 'ipipTunnelAddress' })],
    ['it is reserved for Windows', () => setBlock({}, { handle_id: 'windows-reserved-ipam-handle' }), STILL],
    ['says more of it than this version knows', () => setBlock({}, { alternate: { pod: 'vm' } })],
    ['it was taken less than 15 minutes ago', () => setBlock({}, {}, { timestamp: ago(14 * 60_000) })],
    [
      'it was taken less than 15 minutes ago',
      () => setBlock({}, {}, { timestamp: ago(10 * 60_000) }),
      { settleSeconds: 300 },
    ],
    ['it was taken less than 300 minutes ago', () => {}, { settleSeconds: 5 * 3600 }],
    ['does not say since when it is taken', () => setBlock({}, {}, { timestamp: undefined })],
    ['the node node-1 is gone', () => stub.nodes.shift()],
    ['the node node-3 is gone', () => setBlock({ affinity: 'host:node-3' })],
    ['the pod shop/web-9 has the address', () => addPod('web-9', leaked.address, 'e'.repeat(64))],
    ['its pod shop/gone-1 is there', () => addPod('gone-1', '10.244.1.99', DEAD)],
    ['does not say which container has its network', () => addPod('gone-1', '', null)],
    [
      'calico-kube-controllers runs, and frees it by itself',
      () => controller(new Date(Date.now() - 60_000).toISOString()),
    ],
    ['the fault was not seen again', () => {}, { look: async () => aReport() }],
    [
      'an exception of ann covers it',
      () => {},
      () => ({
        look: async () => seen({ suppressed: { reason: 'r', owner: 'ann', expires: '2027-01-01' } }),
      }),
    ],
    ['it is only suspected', () => {}, () => ({ look: async () => seen({ confidence: 'suspected' }) })],
    [
      'could not be read completely: silent',
      () => {},
      {
        look: async () =>
          aReport({
            coverage: {
              nodes: [{ node: 'node-1', result: 'failed', reason: 'silent', remedy: null }],
              checks: [],
            },
          }),
      },
    ],
    ...(['namespace', 'result', 'unread'] as const).map((use): [string, Turn, Partial<RepairOptions>] => [
      {
        namespace: 'a network namespace of the node has the address',
        result: 'a cached CNI result has',
        unread: 'not every network namespace of the node could be read: 7 (/run/netns/x)',
      }[use],
      () => {},
      {
        look: async () =>
          aReport({
            findings: [
              finding({
                repair: { kind: 'release-allocations', allocations: [{ ...leaked, use }] },
                evidence: [{ what: UNREAD_NAMESPACES, actual: '7 (/run/netns/x)', source: 'x' }],
              }),
            ],
          }),
      },
    ]),
    ...(
      [
        'get ipamblocks',
        'update ipamblocks',
        'get ipamhandles',
        'update ipamhandles',
        'delete ipamhandles',
      ] as const
    ).map((right): [string, Turn] => [
      `you may not ${right}: have an administrator apply netns-audit manifests --remediate --calico`,
      () => stub.denied.add(right),
    ]),
  ];

  it.each(turns)('refuses it: %s', async (why, turn, own = {}) => {
    const planned = acts();
    expect(planned).toMatchObject([{ refused: null }]);
    turn();
    const results = await carryOutAll(cluster, planned, options(typeof own === 'function' ? own() : own));
    expect(results).toMatchObject([{ result: 'refused', detail: expect.stringContaining(why) }]);
    expect(changing()).toEqual([]);
  });

  /** Once the audit of the node was made, and the pods were listed. */
  const late: readonly [string, Turn][] = [
    ['the pod shop/web-9 has the address', () => addPod('web-9', leaked.address, 'e'.repeat(64))],
    ['its pod shop/gone-1 is there', () => addPod('gone-1', '10.244.1.99', DEAD)],
    ['it belongs to another pod by now', () => setBlock({}, {}, { pod: 'web-2' })],
    ['its block is gone', () => stub.custom.remove(BLOCK)],
    ['the node node-1 is gone', () => stub.nodes.shift()],
  ];
  it.each(late)('refuses it also right before its block is written: %s', async (why, turn) => {
    const put = store.putOnce.bind(store);
    store.putOnce = async (key, body) => {
      if (key.endsWith('-begun.json')) turn();
      return await put(key, body);
    };
    expect(await tryRepair()).toMatchObject([
      { result: 'refused', answers: [{ word: 'refused', detail: expect.stringContaining(why) }] },
    ]);
    expect(changing()).toEqual([]);
  });

  /** Pods of two families, or with floating addresses, whose first address is another. */
  const elsewhere = (annotations: Record<string, string>, ...ips: readonly string[]): void => {
    const own = { 'cni.projectcalico.org/containerID': 'e'.repeat(64), ...annotations };
    addPod('web-9', '10.244.9.9', 'e'.repeat(64), { annotations: own });
    const added = stub.pods.get('shop/web-9');
    if (added !== undefined)
      added.status = { podIP: '10.244.9.9', podIPs: ['10.244.9.9', ...ips].map((ip) => ({ ip })) };
  };
  it.each<[string, Turn]>([
    ['the second of its status', () => elsewhere({}, leaked.address)],
    [
      "Calico's own record of it",
      () => elsewhere({ 'cni.projectcalico.org/podIPs': `10.244.9.9/32,${leaked.address}/32` }),
    ],
    [
      'the only one that Calico notes',
      () => elsewhere({ 'cni.projectcalico.org/podIP': `${leaked.address}/32` }),
    ],
    [
      'a floating one',
      () => elsewhere({ 'cni.projectcalico.org/floatingIPs': `["10.244.9.10", "${leaked.address}"]` }),
    ],
  ])('is refused at any time by an address that is not the first of a pod, but %s', async (_, turn) => {
    const planned = acts();
    const put = store.putOnce.bind(store);
    store.putOnce = async (key, body) => {
      if (key.endsWith('-begun.json')) turn();
      return await put(key, body);
    };
    const why = 'the pod shop/web-9 has the address';
    expect(await tryRepair()).toMatchObject([{ result: 'refused', answers: [{ detail: why }] }]);
    turn();
    expect(await carryOutAll(cluster, planned, options())).toMatchObject([
      { result: 'refused', detail: why },
    ]);
    expect(changing()).toEqual([]);
  });

  it('is refused by a running pod whose IPv6 address Kubernetes writes differently', async () => {
    const six: LeakedAllocation = {
      ...leaked,
      block: 'fd00-1-2-3-4-5---126',
      address: 'fd00:1:2:3:4:5::1',
    };
    const place = `${API}/ipamblocks/${six.block}`;
    const its = aBlock({ cidr: 'fd00:1:2:3:4:5::/126' }, {}, old);
    stub.custom.set(place, { ...its, metadata: { ...its.metadata, name: six.block } });
    const found = finding({ repair: { kind: 'release-allocations', allocations: [six] } });
    const look = async () => aReport({ findings: [found] });
    expect(await tryRepair({ look, rehearse: true }, found)).toMatchObject([{ result: 'rehearsed' }]);
    addPod('web-9', 'fd00:1:2:3:4:5:0:1', 'e'.repeat(64));
    expect(await tryRepair({ look }, found)).toMatchObject([
      { result: 'refused', detail: 'the pod shop/web-9 has the address' },
    ]);
    expect(changing()).toEqual([]);
  });

  it('does not concern a pod of its name with another container, or on the network of the node', async () => {
    addPod('gone-1', '10.244.1.99', 'e'.repeat(64));
    expect(await tryRepair({ rehearse: true })).toMatchObject([{ result: 'rehearsed' }]);
    const hosts = pod('gone-1', '10.0.0.1', null);
    stub.pods.set('shop/gone-1', { ...hosts, spec: { hostNetwork: true } });
    expect(await tryRepair()).toMatchObject([{ result: 'done' }]);
  });

  it('does not concern a controller of Calico that is being deleted', async () => {
    controller(new Date(Date.now() - 60_000).toISOString());
    const deleted = stub.pods.get('shop/controllers')?.metadata ?? {};
    Object.assign(deleted, { deletionTimestamp: new Date().toISOString() });
    expect(await tryRepair()).toMatchObject([{ result: 'done' }]);
  });

  it('is left to the controller of Calico where an audit has found one of several only now', async () => {
    controller(new Date(Date.now() - HOUR).toISOString());
    const another = { ...leaked, address: '10.244.1.11' };
    const late = finding({
      fingerprint: 'late',
      lastSeen: new Date().toISOString(),
      repair: { kind: 'release-allocations', allocations: [another] },
    });
    const { acts: planned } = planRepairs(aReport({ findings: [finding(), late] }), {});
    expect(planned).toHaveLength(1);
    expect(await carryOutAll(cluster, planned, options())).toMatchObject([
      { result: 'refused', detail: expect.stringContaining('calico-kube-controllers runs') },
    ]);
  });

  it('does not concern a controller of Calico that had its time', async () => {
    controller(new Date(Date.now() - HOUR).toISOString());
    expect(await tryRepair()).toMatchObject([{ result: 'done' }]);
  });

  it('refuses one, and frees another', async () => {
    setBlock({ allocations: [0, 1, 2, 1], unallocated: [] });
    stub.custom.set(ITS_HANDLE, aHandle({ '10.244.1.8/30': 2 }));
    addPod('web-9', '10.244.1.11', 'e'.repeat(64));
    const both = finding({}, { ...leaked, address: '10.244.1.11' });
    const look = async () => aReport({ findings: [both] });
    const [result] = await tryRepair({ look }, both);
    expect(result?.answers).toMatchObject([
      { name: NAME, word: 'done' },
      { word: 'refused', detail: 'the pod shop/web-9 has the address' },
    ]);
    expect(block().spec).toMatchObject({ allocations: [0, null, 2, 1], unallocated: [1] });
    expect(handle()?.spec.block).toEqual({ '10.244.1.8/30': 1 });
  });
});

describe('a finding', () => {
  it.each([
    ['one audit has seen it, and two are wanted', { runs: 1 }],
    ['an exception of ann covers it', { suppressed: { reason: 'r', owner: 'ann', expires: '2027-01-01' } }],
    ['the audit did not look at it', { notSeen: true }],
    ['it is only suspected', { confidence: 'suspected' as const }],
  ])('is refused by the plan: %s', (refused, changes) => {
    expect(acts(finding(changes))).toMatchObject([{ kind: 'release-allocations', refused }]);
  });
});

describe('a repair of Calico that was killed', { timeout: 30_000 }, () => {
  const settled = async (look = async () => seen()): Promise<string> => {
    const [said = ''] = await settleHalfDone(cluster, store, { ...SETTLING, look });
    return said;
  };
  const left = async () => (await halfDone(store, cluster, recentDays(new Date()))).length;

  /** The call is killed at the request that matches, which the server may have carried out all the same. */
  const killedAt = async (at: RegExp, isCarriedOut: boolean, found = finding()): Promise<void> => {
    const kill = new AbortController();
    if (!isCarriedOut) stub.fail({ method: /[A-Z]+/.exec(at.source)?.[0] ?? '', path: /ipam/, silent: true });
    let isBegun = false;
    const put = store.putOnce.bind(store);
    const killed = storeOfTheKilled(directory);
    killed.putOnce = async (key, body) => {
      if (!key.endsWith('-begun.json')) throw new Error('killed');
      isBegun = true;
      return await put(key, body);
    };
    stub.onRequest = (request) => {
      if (isBegun && at.test(request)) kill.abort();
    };
    await tryRepair({ store: killed, signal: kill.signal }, found).catch(() => null);
    stub.onRequest = () => {};
    expect(kill.signal.aborted).toBe(true);
    expect(await left()).toBe(1);
  };

  it.each<[string, RegExp, boolean, boolean]>([
    ['before it looked at its block again', /^GET \/api\/v1\/pods/, true, true],
    ['before its block was written', /^PUT .*ipamblocks/, false, true],
    ['while its block was written', /^PUT .*ipamblocks/, true, false],
    ['before its handle was deleted', /^DELETE .*ipamhandles/, false, false],
    ['while its handle was deleted', /^DELETE .*ipamhandles/, true, false],
  ])('%s is completed by the next call, which says so', async (_, at, isCarriedOut, isTaken) => {
    await killedAt(at, isCarriedOut);
    expect(holdsAddress(block(), leaked)).toBe(isTaken);
    expect(await settled()).toMatch(
      /^ann began to free 1 leaked address of Calico on node-1 at .* and was stopped: it was completed: 1 freed\.$/,
    );
    expect([block().spec.allocations, block().spec.unallocated]).toEqual([
      [0, null, 1, null],
      [3, 1],
    ]);
    expect(handle()).toBeNull();
    expect(await left()).toBe(0);
  });

  it('and whose block Calico has deleted since deletes its handle', async () => {
    await killedAt(/^DELETE .*ipamhandles/, false);
    stub.custom.remove(BLOCK);
    expect(await settled()).toContain('1 freed');
    expect(handle()).toBeNull();
  });

  it('and whose address another pod has by now lowers only its own handle', async () => {
    await killedAt(/^DELETE .*ipamhandles/, false);
    setBlock({}, { handle_id: `k8s-pod-network.${'e'.repeat(64)}` });
    await settled();
    expect(block().spec.allocations).toEqual([0, 1, 2, null]);
    expect(handle()).toBeNull();
  });

  it('is not completed against its preconditions', async () => {
    await killedAt(/^PUT .*ipamblocks/, false);
    addPod('web-9', leaked.address, 'e'.repeat(64));
    expect(await settled()).toContain('0 freed, 1 refused');
    expect(holdsAddress(block(), leaked)).toBe(true);
  });

  it('waits for the controller of Calico that has run for long, if an audit has found the address only now', async () => {
    await killedAt(/^PUT .*ipamblocks/, false, finding({ lastSeen: new Date().toISOString() }));
    controller(new Date(Date.now() - HOUR).toISOString());
    expect(await settled()).toContain('1 stay for another repair: calico-kube-controllers runs');
    expect(holdsAddress(block(), leaked)).toBe(true);
  });

  it('waits for the controller of Calico, and says so', async () => {
    await killedAt(/^PUT .*ipamblocks/, false);
    controller(new Date().toISOString());
    expect(await settled()).toContain('1 stay for another repair: calico-kube-controllers runs');
    expect(holdsAddress(block(), leaked)).toBe(true);
  });

  it('stays open while the API server does not let the next call look', async () => {
    await killedAt(/^DELETE .*ipamhandles/, false);
    stub.fail({ path: /ipamblocks/, status: 403, message: 'not allowed' });
    expect(await settled()).toContain('did not end: it could not be completed');
    expect(await left()).toBe(1);
    expect(await settled()).toContain('1 freed');
    expect(await left()).toBe(0);
  });

  it('stays open where its handle could not be deleted', async () => {
    stub.fail({ method: 'DELETE', path: /ipamhandles/, status: 403, message: 'not allowed' });
    expect(await tryRepair()).toMatchObject([
      { result: 'surprise', answers: [{ word: 'failed', detail: expect.stringContaining('not allowed') }] },
    ]);
    expect(await left()).toBe(1);
    expect(await settled()).toContain('1 freed');
    expect(handle()).toBeNull();
  });
});
