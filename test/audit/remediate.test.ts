import { hostname } from 'node:os';
import { beforeEach, describe, expect, it } from 'vitest';
import { carryOutAll, halfDone, recentDays, settleHalfDone } from '../../lib/audit/index.ts';
import type { ActResult, RepairOptions } from '../../lib/audit/repair-act.ts';
import { type Cluster, holderOf, Lease } from '../../lib/cluster/index.ts';
import type { DirectoryStore } from '../../lib/history/index.ts';
import type { AuditError } from '../../lib/model/errors.ts';
import type { Finding } from '../../lib/model/finding.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import { planRepairs } from '../../lib/repair/plan.ts';
import { aFinding, aReport } from '../report/sample.ts';
import type { ApiObject, StubApiServer } from '../stub/api-server.ts';
import { storeOfTheKilled } from './killed.ts';
import { aPlaceToRepair, repairOptions, SETTLING } from './repairs.ts';

let stub: StubApiServer;
let cluster: Cluster;
let directory: string;
let store: DirectoryStore;

const FAULT = aFinding();
const acts = planRepairs(aReport({ findings: [FAULT] }), {}).acts;

function aPod(name: string, changes: { uid?: string; kind?: string | null; node?: string } = {}): ApiObject {
  const { uid = `uid-${name}`, kind = 'ReplicaSet', node = 'node-1' } = changes;
  return {
    metadata: {
      name,
      namespace: 'shop',
      uid,
      ...(kind === null ? {} : { ownerReferences: [{ kind, uid: 'uid-of-controller', controller: true }] }),
    },
    spec: { nodeName: node, terminationGracePeriodSeconds: 0 },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

function show(pod: ApiObject): void {
  stub.pods.set(`shop/${pod.metadata.name}`, pod);
}

beforeEach(async () => {
  ({ stub, cluster, directory, store } = await aPlaceToRepair());
  show(aPod('web-1'));
  stub.onEvicted = () => show(aPod('web-2'));
});

/** A report of one node: the fault is present as long as its pod is. */
function seen(findings: readonly Finding[] = stub.pods.has('shop/web-1') ? [FAULT] : []): ClusterReport {
  return aReport({ findings: [...findings] });
}

function ownOptions(): RepairOptions {
  return repairOptions({ runId: newRunId(new Date(), 'test'), store, look: async () => seen() });
}

async function tryRepair(changes: Partial<RepairOptions> = {}): Promise<ActResult[]> {
  return await carryOutAll(cluster, acts, { ...ownOptions(), ...changes });
}

const evictions = (): string[] => stub.requests.filter((request) => request.endsWith('/eviction'));
const unsettled = async (): Promise<unknown[]> => await halfDone(store, cluster, recentDays(new Date()));

describe('recreating a pod', { timeout: 30_000 }, () => {
  it('evicts it, waits for another of its controller, and looks at that', async () => {
    const looked: string[] = [];
    const results = await tryRepair({
      look: async (node) => {
        looked.push(`${node} ${[...stub.pods.keys()].join()}`);
        return seen();
      },
    });
    expect(results).toMatchObject([{ result: 'done', detail: expect.stringContaining('shop/web-2') }]);
    expect(looked).toEqual(['node-1 shop/web-1', 'node-1 shop/web-2']);
    expect(evictions()).toHaveLength(1);
    expect(stub.taken.size).toBe(0);
    expect(await unsettled()).toEqual([]);
  });

  it('rehearses all but the act', async () => {
    expect(await tryRepair({ rehearse: true })).toMatchObject([{ result: 'rehearsed' }]);
    expect(evictions()).toEqual([]);
    expect(await unsettled()).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['not seen again', () => ({ look: async () => seen([]) })],
    ['not seen again', () => ({ look: async () => seen([{ ...FAULT, confidence: 'suspected' }]) })],
    [
      'an exception of ann covers it',
      () => ({
        look: async () =>
          seen([{ ...FAULT, suppressed: { reason: 'known', owner: 'ann', expires: '2999-01-01' } }]),
      }),
    ],
    ['not seen again', () => ({ look: async () => seen([{ ...FAULT, partOf: 'a fault of the node' }]) })],
    [
      'could not be read completely',
      () => ({
        look: async () => ({
          ...seen(),
          coverage: {
            checks: [],
            nodes: [{ node: 'node-1', result: 'partial', reason: 'routes could not be read', remedy: null }],
          },
        }),
      }),
    ],
    ['pod is gone', () => void stub.pods.delete('shop/web-1')],
    [
      'replaced meanwhile',
      () => ({
        look: async () => {
          show(aPod('web-1', { uid: 'another' }));
          return seen();
        },
      }),
    ],
    [
      'being deleted',
      () => {
        const pod = aPod('web-1');
        pod.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
        show(pod);
      },
    ],
    ['on node node-2', () => show(aPod('web-1', { node: 'node-2' }))],
    ['no controller', () => show(aPod('web-1', { kind: null }))],
    ['a static pod', () => show(aPod('web-1', { kind: 'Node' }))],
    ['whether its Job makes it again', () => show(aPod('web-1', { kind: 'Job' }))],
  ])('is refused where what was planned is %s', async (words, turn) => {
    const changes = (turn() ?? {}) as Partial<RepairOptions>;
    expect(await tryRepair(changes)).toMatchObject([
      { result: 'refused', detail: expect.stringContaining(words) },
    ]);
    expect(evictions()).toEqual([]);
    expect(await unsettled()).toEqual([]);
  });

  it('is done for a named pod of any controller', async () => {
    show(aPod('web-1', { kind: 'CloneSet' }));
    expect(await tryRepair({ anyController: true })).toMatchObject([{ result: 'done' }]);
  });

  it('is a surprise where the next pod has a fault too, and nothing more is tried', async () => {
    const results = await carryOutAll(cluster, [...acts, ...acts], {
      ...ownOptions(),
      look: async () =>
        seen(
          stub.pods.has('shop/web-1') ? [FAULT] : [{ ...FAULT, object: { ...FAULT.object, name: 'web-2' } }],
        ),
    });
    expect(results).toMatchObject([
      { result: 'surprise', detail: expect.stringContaining('has pod-interface-missing') },
    ]);
    expect(evictions()).toHaveLength(1);
  });

  it('is a surprise where a disruption budget refuses', async () => {
    stub.fail({
      path: '/eviction',
      status: 429,
      headers: { 'retry-after': '60' },
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
    });
    expect(await tryRepair()).toMatchObject([
      { result: 'surprise', detail: expect.stringContaining('a disruption budget refuses') },
    ]);
    expect(stub.pods.has('shop/web-1')).toBe(true);
  });

  it('tells an API server that has too much to do from a budget that refuses', async () => {
    stub.fail({
      path: '/eviction',
      status: 429,
      headers: { 'retry-after': '60' },
      message: 'too many requests',
    });
    const [result] = await tryRepair();
    expect(result?.detail).toContain('too many requests');
    expect(result?.detail).not.toContain('budget');
  });

  it('takes another pod of its controller that was there before for no successor', async () => {
    show(aPod('web-0'));
    stub.onEvicted = () => setTimeout(() => show(aPod('web-2')), 1500);
    expect(await tryRepair()).toMatchObject([{ detail: expect.stringContaining('shop/web-2') }]);
  });
});

describe('two at once', { timeout: 30_000 }, () => {
  it('exclude each other, and the one that died gives way when its lease ends', async () => {
    const other = await Lease.take(cluster, 'netns-audit', 'netns-audit-remediate', 'bob');
    await expect(tryRepair()).rejects.toThrow('bob repairs this cluster already');
    expect(evictions()).toEqual([]);
    const [[path, lease] = ['', undefined]] = stub.taken;
    stub.taken.set(path, {
      ...lease,
      spec: { ...lease?.spec, renewTime: '2020-01-01T00:00:00.000000Z' },
    } as ApiObject);
    expect(await tryRepair()).toMatchObject([{ result: 'done' }]);
    await expect(other.renew()).rejects.toThrow('renew the lease');
  });
});

describe('the lease', { timeout: 30_000 }, () => {
  const by = `x${'y'.repeat(500)}`;

  it.each([
    [
      'where kubectl has a context for the cluster',
      ['--kubeconfig', '/my config', '--context', 'prod'],
      "wait: kubectl --kubeconfig '/my config' --context prod delete lease -n netns-audit netns-audit-remediate",
    ],
    [
      'where no kubeconfig was used',
      undefined,
      'wait: on cluster NAME: kubectl delete lease -n netns-audit netns-audit-remediate',
    ],
  ])('says how to end that of a process that was killed: %s', async (_, kubectl, remedy) => {
    await Lease.take(cluster, 'netns-audit', 'netns-audit-remediate', holderOf(by));
    const { kubectl: __, ...rest } = cluster;
    const reached = kubectl === undefined ? rest : { ...rest, kubectl };
    const refused = await Lease.take(reached, 'netns-audit', 'netns-audit-remediate', 'ann').catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({
      message: expect.stringContaining(`(process ${process.pid} on ${hostname()})`),
      remedy: expect.stringMatching(/^Wait until it is done\. If it was killed, its lease ends at 20/),
    });
    expect((refused as AuditError).remedy).toContain(remedy.replace('NAME', cluster.name));
    expect((refused as AuditError).message.length).toBeLessThan(400);
  });

  it('goes on where the answer to its renewal was lost', async () => {
    stub.fail({ method: 'PUT', path: '/leases/', lost: true });
    expect(await tryRepair()).toMatchObject([{ result: 'done' }]);
    expect(stub.taken.size).toBe(0);
  });
});

describe('whoever was killed', { timeout: 30_000 }, () => {
  it.each([
    ['before the pod was evicted', true, 'it was not evicted'],
    ['after it', false, 'its controller has 1 ready pods now'],
  ])('%s leaves what the next call tells, once', async (_, stays, words) => {
    const stopped = storeOfTheKilled(directory);
    if (stays) stub.fail({ path: '/eviction', status: 403, message: 'killed' });
    await expect(tryRepair({ store: stopped })).rejects.toThrow('killed');

    const left = await halfDone(store, cluster, recentDays(new Date()));
    expect(left).toMatchObject([{ by: 'ann', phase: 'begun', pod: { name: 'web-1' } }]);
    const [said] = await settleHalfDone(cluster, store, SETTLING);
    expect(said).toContain('ann began to recreate shop/web-1');
    expect(said).toContain(words);
    expect(await unsettled()).toEqual([]);
  });

  it('is not asked after in another cluster that has the name by now', async () => {
    const stopped = storeOfTheKilled(directory);
    await expect(tryRepair({ store: stopped })).rejects.toThrow('killed');
    expect(await unsettled()).toHaveLength(1);
    expect(await halfDone(store, { ...cluster, uid: 'another' }, recentDays(new Date()))).toEqual([]);
  });

  it('is not taken for dead while it still repairs, and its own end is what is kept', async () => {
    const settled: unknown[] = [];
    const results = await tryRepair({
      look: async () => {
        if (!stub.pods.has('shop/web-1')) {
          expect(await unsettled()).toHaveLength(1);
          settled.push(await settleHalfDone(cluster, store, SETTLING).catch((error: Error) => error.message));
        }
        return seen();
      },
    });
    expect(settled).toEqual([expect.stringMatching(/^ann .* repairs this cluster already$/)]);
    expect(results).toMatchObject([{ result: 'done' }]);
    expect(await unsettled()).toEqual([]);
  });

  it('does not overwrite what another call wrote of it after its lease had ended', async () => {
    const look = async () => {
      if (!stub.pods.has('shop/web-1')) {
        stub.taken.clear();
        await settleHalfDone(cluster, store, SETTLING);
      }
      return seen();
    };
    await expect(tryRepair({ look })).rejects.toThrow('was written by another call');
  });
});
