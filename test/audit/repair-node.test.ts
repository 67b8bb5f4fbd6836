import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { carryOutAll, halfDone, recordsOfRun, recordsSince, settleHalfDone } from '../../lib/audit/index.ts';
import type { ActResult, RepairOptions } from '../../lib/audit/repair-act.ts';
import type { Cluster } from '../../lib/cluster/index.ts';
import { type DirectoryStore, keys } from '../../lib/history/index.ts';
import { AuditError } from '../../lib/model/errors.ts';
import type { Finding } from '../../lib/model/finding.ts';
import { repairRecordSchema } from '../../lib/model/repair-record.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import type { ObjectsAct } from '../../lib/repair/act.ts';
import { planRepairs } from '../../lib/repair/plan.ts';
import { planUndo } from '../../lib/repair/undo.ts';
import {
  aFinding,
  aLeakedPair,
  anOrphan,
  aReport,
  aStaleRoute,
  leakedRecords,
  lowLimits,
  lowThresholds,
  somethingLost,
} from '../report/sample.ts';
import type { ApiObject, StubApiServer } from '../stub/api-server.ts';
import { storeOfTheKilled } from './killed.ts';
import { aPlaceToRepair, repairOptions, SETTLING } from './repairs.ts';

let stub: StubApiServer;
let cluster: Cluster;
let directory: string;
let store: DirectoryStore;
let sent: ApiObject[];

const acts = planRepairs(aReport({ findings: [anOrphan(1), anOrphan(2)] }), {}).acts;
const [A, B] = [anOrphan(1).object.name, anOrphan(2).object.name];
const runId = newRunId(new Date(), 'test');

/** What the pod on the node says. */
let log: string;

beforeEach(async () => {
  ({ stub, cluster, directory, store } = await aPlaceToRepair());
  sent = [];
  log = `done ${A} veth1 10.1.1.1\nrefused ${B} process 7 (sleep) is in it\nend 2\n`;
  stub.ending = (pod) => {
    sent.push(pod);
    return { log };
  };
});

it('has no end in its record where it is interrupted before it could be proved', async () => {
  const kill = new AbortController();
  const look = async () => {
    kill.abort();
    throw new AuditError('ABORTED', 'interrupted', { remedy: 'Start again.' });
  };
  expect(await tryRepair({ look, signal: kill.signal })).toMatchObject([
    { result: 'surprise', detail: 'interrupted before the result was known' },
  ]);
  expect(await halfDone(store, cluster, SETTLING.days)).toHaveLength(1);
});

async function tryRepair(changes: Partial<RepairOptions> = {}): Promise<ActResult[]> {
  return await carryOutAll(cluster, acts, {
    ...repairOptions({ runId, store, look: async () => aReport() }),
    ...changes,
  });
}

const argumentsOf = (pod: ApiObject | undefined): string[] =>
  (pod?.spec as { containers: { args: string[] }[] } | undefined)?.containers[0]?.args ?? [];
const endOf = async () => {
  const stored = await store.get(keys.repair({ cluster: cluster.name, runId }, `node-1_${A}-ended`));
  return repairRecordSchema.parse(JSON.parse(Buffer.from(stored?.body ?? '').toString()));
};

describe('deleting orphaned namespaces', { timeout: 30_000 }, () => {
  it('sends one pod with all of them to the node, audits the node, and keeps what came of each', async () => {
    const looked: string[] = [];
    const results = await tryRepair({
      look: async (node) => {
        looked.push(node);
        return aReport();
      },
    });
    expect(results).toMatchObject([
      { result: 'done', detail: '1 deleted, 1 refused; an audit finds nothing of them' },
    ]);
    expect(looked).toEqual(['node-1']);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.metadata.namespace).toBe('netns-audit-remediate');
    expect(argumentsOf(sent[0])).toEqual([
      'act=1',
      'settle=900',
      'total=540',
      `orphan=${A}:1:1767323045`,
      `orphan=${B}:2:1767323045`,
    ]);
    expect(await endOf()).toMatchObject({
      phase: 'done',
      clusterUid: cluster.uid,
      by: 'ann',
      node: 'node-1',
      namespaces: [
        { name: A, inode: 1, result: 'done', detail: 'veth1 10.1.1.1' },
        { name: B, inode: 2, result: 'refused', detail: 'process 7 (sleep) is in it' },
      ],
    });
    expect(stub.pods.size).toBe(0);
    expect(stub.taken.size).toBe(0);
  });

  it('does not begin where a quota refuses its pod: with the rest of its time, it might not end', async () => {
    const message = 'pods "x" is forbidden: exceeded quota: objects, requested: count/pods=1';
    stub.fail({ method: 'POST', path: '/pods', status: 403, message, times: 100 });
    expect(await tryRepair()).toMatchObject([{ detail: expect.stringContaining('exceeded quota') }]);
    expect(stub.requests.filter((each) => /^POST .*\/pods$/.test(each))).toHaveLength(1);
  });

  it('takes no rehearsal for a repair, and no repair for a rehearsal', async () => {
    log = `would ${A} veth1 10.1.1.1\nrefused ${B} process 7 (sleep) is in it\nend 2\n`;
    expect(await tryRepair()).toMatchObject([{ result: 'surprise' }]);
    log = `done ${A} veth1 10.1.1.1\nrefused ${B} process 7 (sleep) is in it\nend 2\n`;
    expect(await tryRepair({ rehearse: true })).toMatchObject([{ result: 'unseen' }]);
  });

  it('rehearses by a pod that only looks, and writes nothing', async () => {
    log = `would ${A} veth1 10.1.1.1\nrefused ${B} process 7 (sleep) is in it\nend 2\n`;
    expect(await tryRepair({ rehearse: true })).toMatchObject([
      { result: 'rehearsed', detail: '1 would be deleted, 1 refused; nothing was changed' },
    ]);
    expect(argumentsOf(sent[0])[0]).toBe('act=0');
    expect(await store.get(keys.repair({ cluster: cluster.name, runId }, `node-1_${A}-begun`))).toBeNull();
  });

  it('is refused where the rehearsal finds none that would go', async () => {
    log = `refused ${A} it is open\nrefused ${B} it is open\nend 2\n`;
    expect(await tryRepair({ rehearse: true })).toMatchObject([{ result: 'refused' }]);
  });

  it.each([`would ${A} x`, `refused ${A} it is open`, `left ${A} not all could be looked at: x`])(
    'is not in order where the rehearsal could not look at all: %s',
    async (first) => {
      log = `${first}\nleft ${B} not all could be looked at: x\nend 2\n`;
      expect(await tryRepair({ rehearse: true })).toMatchObject([
        { result: 'unseen', detail: expect.stringContaining(' left; nothing was changed') },
      ]);
    },
  );

  it('is not taken for a fault of what was deleted, where a pod has got its address since', async () => {
    const pod = aFinding({ evidence: [{ what: 'address', actual: '10.1.1.1/24', source: 'ip' }] });
    expect(await tryRepair({ look: async () => aReport({ findings: [pod] }) })).toMatchObject([
      { result: 'done' },
    ]);
  });

  it.each<[string, string, Partial<RepairOptions>, string]>([
    ...(
      [
        ['its link', { kind: 'link', name: 'veth1', node: 'node-1' }, ''],
        ['the way to its link', { kind: 'address', name: '10.9.9.9', node: 'node-1', path: 'veth1' }, ''],
        ['its address', { kind: 'address', name: '10.1.1.1', node: 'node-1' }, ''],
        [
          'the record of its address',
          { kind: 'file', name: 'net', node: 'node-1' },
          '10.1.1.9, 10.1.1.1 (x)',
        ],
      ] as const
    ).map(([what, object, actual]): [string, string, Partial<RepairOptions>, string] => [
      `an audit finds ${what}`,
      `done ${A} veth1 10.1.1.1\nrefused ${B} it is open\nend 2\n`,
      {
        look: async () =>
          aReport({
            findings: [aFinding({ check: 'of-it', object, evidence: [{ what: 'x', actual, source: 'x' }] })],
          }),
      },
      'an audit finds of-it of them',
    ]),
    [
      'one fails',
      `failed ${A} CNI DEL of bridge failed\nleft ${B} another one\nend 2\n`,
      {},
      '1 failed, 1 left',
    ],
    ['the pod was cut short', `done ${A} x\n`, {}, 'it was cut short'],
    [
      'an audit finds it again',
      `done ${A} x\ndone ${B} x\nend 2\n`,
      { look: async () => aReport({ findings: [anOrphan(2)] }) },
      'an audit finds namespace-orphaned of them',
    ],
    [
      'the node could not be audited',
      `done ${A} x\ndone ${B} x\nend 2\n`,
      {
        look: async () =>
          aReport({
            coverage: {
              checks: [],
              nodes: [{ node: 'node-1', result: 'partial', reason: 'pins could not be read', remedy: null }],
            },
          }),
      },
      'afterwards node-1 could not be read completely: pins could not be read',
    ],
  ])('is a surprise where %s, and its end is kept', async (_, said, changes, words) => {
    log = said;
    expect(await tryRepair(changes)).toMatchObject([
      { result: 'surprise', detail: expect.stringContaining(words) },
    ]);
    expect(await endOf()).toMatchObject({ phase: 'failed' });
  });

  it('that was stopped is told by the next call, which ends its pod and completes it', async () => {
    const stopped = storeOfTheKilled(directory);
    await expect(tryRepair({ store: stopped })).rejects.toThrow('killed');
    for (const pod of sent) stub.pods.set(`netns-audit-remediate/${pod.metadata.name}`, pod);
    log = `refused ${A} its pin is gone\ndone ${B} no link no address\nend 2\n`;
    const [said] = await settleHalfDone(cluster, store, SETTLING);
    expect(said).toMatch(
      /^ann began to delete 2 orphaned namespaces on node-1 at .* and was stopped: its pod went on, and is removed now; it was completed: 1 were gone, 1 deleted now\.$/,
    );
    expect(argumentsOf(sent.at(-1))).toContain(`orphan=${B}:2:1767323045`);
    expect(stub.pods.size).toBe(0);
    expect(await halfDone(store, cluster, SETTLING.days)).toEqual([]);
  });

  it('that was stopped is settled where it was made, and pods of an audit there are left alone', async () => {
    const stopped = storeOfTheKilled(directory);
    await expect(tryRepair({ store: stopped, repairNamespace: 'repairs' })).rejects.toThrow('killed');
    const [pod] = sent;
    if (pod === undefined) throw new Error('no pod');
    const labels = { ...(pod.metadata.labels as object), 'app.kubernetes.io/component': 'probe' };
    const metadata = { ...pod.metadata, name: 'netns-audit-probe', labels };
    stub.pods.set(`repairs/${pod.metadata.name}`, pod);
    stub.pods.set('repairs/netns-audit-probe', { ...pod, metadata } as ApiObject);
    const [said] = await settleHalfDone(cluster, store, SETTLING);
    expect(said).toContain('its pod went on, and is removed now');
    expect([...stub.pods.keys()]).toEqual(['repairs/netns-audit-probe']);
  });
});

describe('deleting leaked pairs and freeing addresses', { timeout: 30_000 }, () => {
  const container = '1'.repeat(64);
  const [pairs, records] = [
    planRepairs(aReport({ findings: [aLeakedPair(1), aLeakedPair(2)] }), {}).acts,
    planRepairs(aReport({ findings: [leakedRecords()] }), {}).acts,
  ];
  const some = async (chosen: typeof acts, changes: Partial<RepairOptions> = {}): Promise<ActResult[]> =>
    await carryOutAll(cluster, chosen, {
      ...repairOptions({ runId, store, look: async () => aReport() }),
      ...changes,
    });

  it('tells the pod on the node exactly which, and keeps what came of each', async () => {
    log = 'done veth00000001 both ends are gone\nrefused veth00000002 it has an address\nend 2\n';
    expect(await some(pairs)).toMatchObject([
      { result: 'done', detail: expect.stringContaining('1 deleted, 1 refused') },
    ]);
    expect(argumentsOf(sent[0]).slice(3)).toEqual(['veth=veth00000001:1', 'veth=veth00000002:2']);
    const stored = await store.get(
      keys.repair({ cluster: cluster.name, runId }, 'node-1_veth00000001-ended'),
    );
    expect(repairRecordSchema.parse(JSON.parse(Buffer.from(stored?.body ?? '').toString()))).toMatchObject({
      act: 'delete-veths',
      phase: 'done',
      objects: [
        { name: 'veth00000001', result: 'done', detail: 'both ends are gone' },
        { name: 'veth00000002', result: 'refused', detail: 'it has an address' },
      ],
    });

    log = 'done lab/10.1.1.5 its record is gone\ndone lab/fd00::5 its record is gone\nend 2\n';
    expect(await some(records)).toMatchObject([{ result: 'done' }]);
    expect(argumentsOf(sent[1]).slice(3)).toEqual([
      `address=lab:10.1.1.5:${container}`,
      `address=lab:fd00::5:${container}`,
    ]);
  });

  it('is a surprise where an audit finds one of them again', async () => {
    log = 'done veth00000001 both ends are gone\ndone veth00000002 both ends are gone\nend 2\n';
    expect(await some(pairs, { look: async () => aReport({ findings: [aLeakedPair(2)] }) })).toMatchObject([
      { result: 'surprise', detail: expect.stringContaining('an audit finds veth-orphaned of them') },
    ]);
  });

  it('is a surprise where an audit finds the record of that container again', async () => {
    log = 'done lab/10.1.1.5 its record is gone\nrefused lab/fd00::5 it is gone\nend 2\n';
    expect(await some(records, { look: async () => aReport({ findings: [leakedRecords()] }) })).toMatchObject(
      [{ result: 'surprise' }],
    );
    expect(
      await store.get(keys.repair({ cluster: cluster.name, runId }, 'node-1_lab-10.1.1.5-ended')),
    ).not.toBeNull();
  });

  it('that was stopped is completed by the next call', async () => {
    log = 'done veth00000001 both ends are gone\ndone veth00000002 both ends are gone\nend 2\n';
    await expect(some(pairs, { store: storeOfTheKilled(directory) })).rejects.toThrow('killed');
    log = 'refused veth00000001 it is gone\ndone veth00000002 both ends are gone\nend 2\n';
    const [said] = await settleHalfDone(cluster, store, SETTLING);
    expect(said).toMatch(
      /^ann began to delete 2 leaked pairs on node-1 .* it was completed: 1 were gone, 1 deleted now\.$/,
    );
    expect(argumentsOf(sent.at(-1)).slice(3)).toEqual(['veth=veth00000001:1', 'veth=veth00000002:2']);
  });
});

describe('putting back what pods lost', { timeout: 30_000 }, () => {
  const lost = planRepairs(aReport({ findings: [somethingLost()] }), {}).acts;
  const [LEARNING, ISOLATED] = ['shop/web-1/learning', 'shop/web-1/isolated'];
  const UNDO = 'ip link set veth12345678 type bridge_slave learning off';
  const put = async (changes: Partial<RepairOptions> = {}): Promise<ActResult[]> =>
    await carryOutAll(cluster, lost, {
      ...repairOptions({ runId, store, look: async () => aReport() }),
      ...changes,
    });

  it('tells the pod on the node exactly what, and keeps what came of each and how to take it back', async () => {
    log = `done ${LEARNING} it is as it should be\ndone ${ISOLATED} it is as it should be\nend 2\n`;
    expect(await put()).toMatchObject([
      { result: 'done', detail: '2 put back; an audit finds them in order' },
    ]);
    const [pod] = sent;
    expect(argumentsOf(pod).slice(3)).toEqual([
      `restore-port-flag=${LEARNING},cni-00000000-0000-4000-8000-000000000001,4026532400,veth12345678,7,learning,on`,
      `restore-port-flag=${ISOLATED},cni-00000000-0000-4000-8000-000000000001,4026532400,veth12345678,7,isolated,off`,
    ]);
    const stored = await store.get(
      keys.repair({ cluster: cluster.name, runId }, 'node-1_shop-web-1-learning-ended'),
    );
    expect(repairRecordSchema.parse(JSON.parse(Buffer.from(stored?.body ?? '').toString()))).toMatchObject({
      act: 'restore',
      phase: 'done',
      objects: [
        { name: LEARNING, result: 'done', undo: UNDO },
        { name: ISOLATED, result: 'done' },
      ],
    });
  });

  it('is known and can be taken back, although the audit that is to prove it fails', async () => {
    log = `done ${LEARNING} it is as it should be\ndone ${ISOLATED} it is as it should be\nend 2\n`;
    const look = async (): Promise<never> => {
      throw new AuditError('CLUSTER_UNREACHABLE', 'the API server does not answer', { remedy: 'Wait.' });
    };
    expect(await put({ look })).toMatchObject([
      {
        result: 'surprise',
        detail: '2 put back; but no audit could prove it: the API server does not answer',
        answers: [{ word: 'done' }, { word: 'done' }],
      },
    ]);
    const { acts: back } = planUndo(await recordsOfRun(store, cluster, runId), undefined);
    expect(back).toMatchObject([{ kind: 'take-back', objects: [{ name: ISOLATED }, { name: LEARNING }] }]);
  });

  it('is a surprise where an audit finds the fault again, but not the fault of one that was refused', async () => {
    const look = async () => aReport({ findings: [somethingLost()] });
    log = `done ${LEARNING} it is as it should be\ndone ${ISOLATED} it is as it should be\nend 2\n`;
    expect(await put({ look })).toMatchObject([
      { result: 'surprise', detail: '2 put back; but an audit finds bridge-port-flags-wrong of them' },
    ]);
    log = `done ${LEARNING} it is as it should be\nrefused ${ISOLATED} its plugins isolate their ports\nend 2\n`;
    expect(await put({ look, runId: newRunId(new Date(), 'another') })).toMatchObject([
      { result: 'done', detail: '1 put back, 1 refused; an audit finds them in order' },
    ]);
  });

  it('is in order where nothing is left to do, and is not undone after another run has undone it', async () => {
    log = `refused ${LEARNING} it is as it should be\nrefused ${ISOLATED} it is as it should be\nend 2\n`;
    expect(await put()).toMatchObject([{ result: 'done', detail: '0 put back, 2 in order already' }]);
    log = `refused ${LEARNING} it is as it should be\nrefused ${ISOLATED} it is gone\nend 2\n`;
    expect(await put({ runId: newRunId(new Date(), 'other') })).toMatchObject([
      { result: 'done', detail: '0 put back, 1 in order already, 1 refused' },
    ]);
    const first = newRunId(new Date(), 'first');
    log = `done ${LEARNING} it is as it should be\ndone ${ISOLATED} it is as it should be\nend 2\n`;
    await put({ runId: first });
    const plan = async () =>
      planUndo(
        await recordsOfRun(store, cluster, first),
        undefined,
        await recordsSince(store, cluster, first),
      );
    const { acts: undo } = await plan();
    expect(undo).toHaveLength(1);
    const undoing = newRunId(new Date(), 'undoing');
    log = `done ${ISOLATED} it is as it was found\ndone ${LEARNING} it is as it was found\nend 2\n`;
    await carryOutAll(cluster, undo, repairOptions({ runId: undoing, store, look: async () => aReport() }));
    const { acts, kept } = await plan();
    expect(acts).toEqual([]);
    expect(kept).toHaveLength(2);
    expect(kept[0]?.why).toContain(`it was taken back by run ${undoing} at 20`);
  });

  it('that was stopped is completed by the next call', async () => {
    log = `done ${LEARNING} it is as it should be\ndone ${ISOLATED} it is as it should be\nend 2\n`;
    await expect(put({ store: storeOfTheKilled(directory) })).rejects.toThrow('killed');
    log = `refused ${LEARNING} it is as it should be\ndone ${ISOLATED} it is as it should be\nend 2\n`;
    const [said] = await settleHalfDone(cluster, store, SETTLING);
    expect(said).toMatch(
      /^ann began to put back 2 objects of pods on node-1 .* it was completed: 1 were as they should be, 1 put back now\.$/,
    );
    // So that what the next call put back can be taken back as well.
    const stored = await store.get(
      keys.repair({ cluster: cluster.name, runId }, 'node-1_shop-web-1-learning-ended'),
    );
    expect(JSON.parse(Buffer.from(stored?.body ?? '').toString())).toMatchObject({
      objects: [
        { name: LEARNING, result: 'refused', detail: 'it is as it should be' },
        { name: ISOLATED, result: 'done', undo: expect.stringContaining('isolated on') },
      ],
    });
  });

  it('is taken back, and an undo that was stopped is completed by the next call', async () => {
    log = `done ${LEARNING} it is as it should be\ndone ${ISOLATED} it is as it should be\nend 2\n`;
    await put();
    const { acts: undo } = planUndo(await recordsOfRun(store, cluster, runId), undefined);
    const undoing = newRunId(new Date(), 'undo');
    log = `done ${ISOLATED} it is as it was found\ndone ${LEARNING} it is as it was found\nend 2\n`;
    const stopped = storeOfTheKilled(directory);
    await expect(
      carryOutAll(cluster, undo, {
        ...repairOptions({ runId: undoing, store: stopped, look: async () => aReport() }),
      }),
    ).rejects.toThrow('killed');
    // One was taken back before the pod was killed, and the other was not.
    log = `refused ${ISOLATED} it is as it was found\ndone ${LEARNING} it is as it was found\nend 2\n`;
    const [said, another] = await settleHalfDone(cluster, store, SETTLING);
    expect(said).toMatch(
      /^ann began to take back 2 objects of pods on node-1 .* it was completed: 1 were as they were found, 1 taken back now\.$/,
    );
    expect(another).toBeUndefined();
    expect(argumentsOf(sent.at(-1)).slice(3)).toEqual([
      expect.stringContaining(`undo-port-flag=${ISOLATED},`),
      expect.stringContaining(`undo-port-flag=${LEARNING},`),
    ]);
    expect(await settleHalfDone(cluster, store, SETTLING)).toEqual([]);
  });
});

describe('deleting routes to addresses that nobody has', { timeout: 30_000 }, () => {
  const [first, second] = [aStaleRoute(1), aStaleRoute(2)] as const;
  const routes = planRepairs(aReport({ findings: [first, second] }), {}).acts;
  const argument = 'restore-stale-route=route-to-10.1.1.1,none,0,veth00000001,1,10.1.1.1,link';
  /** Audits find these, one after the other. */
  const tryRoutes = async (...looks: (readonly Finding[])[]): Promise<ActResult[]> =>
    await carryOutAll(cluster, routes, {
      ...repairOptions({
        runId,
        store,
        look: async () => aReport({ findings: [...(looks.shift() ?? [])] }),
      }),
    });

  it('is only tried for those that another audit finds', async () => {
    log = 'done route-to-10.1.1.1 it is as it should be\nend 1\n';
    expect(await tryRoutes([first], [])).toMatchObject([
      { result: 'done', detail: '1 deleted; an audit finds nothing of them' },
    ]);
    expect(argumentsOf(sent[0]).slice(3)).toEqual([argument]);
    const [record] = await recordsOfRun(store, cluster, runId);
    expect(record).toMatchObject({ act: 'delete-routes', objects: [{ argument, result: 'done' }] });
    expect(planUndo(record === undefined ? [] : [record], undefined)).toMatchObject({
      acts: [],
      kept: [{ why: expect.stringContaining('by hand') }],
    });
  });

  it.each<[string, string[], string, readonly Finding[]]>([
    [
      'again',
      [argument],
      'it was completed: 0 were gone, 1 deleted now; an audit does not find the other 1',
      [first],
    ],
    ['no more', [], 'an audit finds none of them; what it did not delete is found by the next audit', []],
  ])(
    'that was stopped is completed only for those that another audit finds (%s)',
    async (_, asked, words, found) => {
      log =
        'done route-to-10.1.1.1 it is as it should be\ndone route-to-10.1.1.2 it is as it should be\nend 2\n';
      const stopped = carryOutAll(cluster, routes, {
        ...repairOptions({
          runId,
          store: storeOfTheKilled(directory),
          look: async () => aReport({ findings: [first, second] }),
        }),
      });
      await expect(stopped).rejects.toThrow('killed');
      sent = [];
      log = 'done route-to-10.1.1.1 it is as it should be\nend 1\n';
      const look = async () => aReport({ findings: [...found] });
      const [said] = await settleHalfDone(cluster, store, { ...SETTLING, look });
      expect(said).toContain(words);
      expect(sent.flatMap((pod) => argumentsOf(pod).slice(3))).toEqual(asked);
      expect(await halfDone(store, cluster, SETTLING.days)).toEqual([]);
    },
  );

  it('that was stopped is not completed where the node cannot be audited', async () => {
    log =
      'done route-to-10.1.1.1 it is as it should be\ndone route-to-10.1.1.2 it is as it should be\nend 2\n';
    const seen = repairOptions({
      runId,
      store: storeOfTheKilled(directory),
      look: async () => aReport({ findings: [first, second] }),
    });
    await expect(carryOutAll(cluster, routes, seen)).rejects.toThrow('killed');
    sent = [];
    const node = {
      node: 'node-1',
      result: 'partial',
      reason: 'pins could not be read',
      remedy: null,
    } as const;
    const look = async () => aReport({ findings: [first], coverage: { checks: [], nodes: [node] } });
    const [said] = await settleHalfDone(cluster, store, { ...SETTLING, look });
    expect(said).toContain(
      'node-1 could not be read completely: pins could not be read; what it did not delete',
    );
    expect(sent).toEqual([]);
  });

  it('of two nodes have records of their own, where the routes have one name', async () => {
    log = 'done route-to-10.1.1.1 it is as it should be\nend 1\n';
    const [act] = planRepairs(aReport({ findings: [first] }), {}).acts;
    if (act?.kind !== 'delete-routes') throw new Error('no act');
    const looks = [[first], [], [first], []];
    const look = async (node: string) =>
      aReport({
        findings: [...(looks.shift() ?? [])],
        coverage: { checks: [], nodes: [{ node, result: 'audited', reason: null, remedy: null }] },
      });
    const results = await carryOutAll(cluster, [act, { ...act, node: 'node-2' }], {
      ...repairOptions({ runId, store, look }),
    });
    expect(results.map(({ result }) => result)).toEqual(['done', 'done']);
    const records = await recordsOfRun(store, cluster, runId);
    expect(records.map((record) => 'node' in record && record.node)).toEqual(['node-1', 'node-2']);
  });

  it('that an earlier version began is settled, and its record is read', async () => {
    const stopped = storeOfTheKilled(directory);
    log = 'done veth00000001 both ends are gone\nend 1\n';
    const pairs = planRepairs(aReport({ findings: [aLeakedPair(1)] }), {}).acts;
    const begun = { ...repairOptions({ runId, store: stopped, look: async () => aReport() }) };
    await expect(carryOutAll(cluster, pairs, begun)).rejects.toThrow('killed');
    const key = (object: string) => keys.repair({ cluster: cluster.name, runId }, `${object}-begun`);
    const kept = await store.get(key('node-1_veth00000001'));
    await rm(join(directory, key('node-1_veth00000001')));
    await store.putOnce(key('veth00000001'), kept?.body ?? Buffer.from(''));
    expect(await settleHalfDone(cluster, store, SETTLING)).toHaveLength(1);
    expect(await settleHalfDone(cluster, store, SETTLING)).toEqual([]);
    expect(await recordsOfRun(store, cluster, runId)).toMatchObject([{ phase: 'failed' }]);
  });

  it.each<[string, readonly Finding[]]>([
    ['finds none', []],
    [
      'has an exception',
      [aStaleRoute(1, { suppressed: { owner: 'a', reason: 'b', expires: '2027-01-01' } })],
    ],
    ['finds another cause', [aStaleRoute(1, { partOf: 'cause' })]],
    ['finds it by another link', [aStaleRoute(3)]],
  ])('is refused where the other audit %s', async (_, findings) => {
    expect(await tryRoutes(findings)).toMatchObject([
      { result: 'refused', detail: 'the fault was not seen again' },
    ]);
    expect(sent).toEqual([]);
  });

  it('is a surprise where an audit finds it afterwards', async () => {
    log = 'done route-to-10.1.1.1 it is as it should be\nend 1\n';
    expect(await tryRoutes([first], [first])).toMatchObject([
      { result: 'surprise', detail: expect.stringContaining('an audit finds host-route-stale of them') },
    ]);
  });
});

describe('raising limits', { timeout: 30_000 }, () => {
  const { acts: raise } = planRepairs(aReport({ findings: [lowLimits()] }), {});
  const NAME = 'user.max_net_namespaces';
  /** Audits find these, one after the other. */
  const tryRaise = async (...looks: (readonly Finding[])[]): Promise<ActResult[]> =>
    await carryOutAll(cluster, raise, {
      ...repairOptions({
        runId,
        store,
        look: async () => aReport({ findings: [...(looks.shift() ?? [])] }),
      }),
    });
  const capabilities = (pod: ApiObject | undefined): string[] =>
    (pod?.spec as { containers: { securityContext: { capabilities: { add: string[] } } }[] } | undefined)
      ?.containers[0]?.securityContext.capabilities.add ?? [];

  it('is proven by an audit, recorded, and can be taken back', async () => {
    log = `done ${NAME} it is as it should be\nend 1\n`;
    // What only a line of the kernel log tells of is no proof against it.
    expect(await tryRaise([lowLimits()], [lowLimits({ repair: null })])).toMatchObject([
      { result: 'done', detail: '1 raised; an audit finds them in order' },
    ]);
    expect(argumentsOf(sent[0]).slice(3)).toEqual([`restore-limits=${NAME},node,0,1000:2000`]);
    expect(capabilities(sent[0])).toContain('SYS_RESOURCE');
    const records = await recordsOfRun(store, cluster, runId);
    expect(records).toMatchObject([
      {
        act: 'raise-limits',
        objects: [{ name: NAME, result: 'done', undo: expect.stringContaining('=1000') }],
      },
    ]);
    const { acts: undo } = planUndo(records, undefined);
    log = `done ${NAME} it is as it was found\nend 1\n`;
    const undone = await carryOutAll(cluster, undo, {
      ...repairOptions({ runId: newRunId(new Date(), 'undo'), store, look: async () => aReport() }),
    });
    expect(undone).toMatchObject([{ result: 'done', detail: '1 taken back' }]);
    expect(argumentsOf(sent.at(-1)).slice(3)).toEqual([`undo-limits=${NAME},node,0,1000:2000`]);
    expect(capabilities(sent.at(-1))).toContain('SYS_RESOURCE');
  });

  it('is refused where what filled them is gone by now', async () => {
    expect(await tryRaise([])).toMatchObject([{ result: 'refused', detail: 'the fault was not seen again' }]);
    expect(sent).toEqual([]);
  });

  it('is a surprise where an audit would have them raised again', async () => {
    log = `done ${NAME} it is as it should be\nend 1\n`;
    expect(await tryRaise([lowLimits()], [lowLimits()])).toMatchObject([
      { result: 'surprise', detail: '1 raised; but an audit finds namespace-count-near-limit of them' },
    ]);
  });

  it('that was stopped is completed by the next call', async () => {
    log = `done ${NAME} it is as it should be\nend 1\n`;
    const look = async () => aReport({ findings: [lowLimits()] });
    const stopped = { ...repairOptions({ runId, store: storeOfTheKilled(directory), look }) };
    await expect(carryOutAll(cluster, raise, stopped)).rejects.toThrow('killed');
    log = `refused ${NAME} it is as it should be\nend 1\n`;
    const [said] = await settleHalfDone(cluster, store, SETTLING);
    expect(said).toMatch(
      /^ann began to raise 1 set of limits on node-1 .* it was completed: 1 were as they should be, 0 raised now\.$/,
    );
  });

  it('is completed by a pod for each part where one act was recorded for all', async () => {
    const parts = planRepairs(aReport({ findings: [lowThresholds(4), lowLimits()] }), {})
      .acts as ObjectsAct[];
    const [first] = parts;
    if (first === undefined) throw new Error('there is no act');
    const both = { ...first, objects: parts.flatMap(({ objects }) => objects) };
    const look = async () => aReport({ findings: [lowThresholds(4), lowLimits()] });
    log = `done ${first.objects[0]?.name} it is as it should be\nleft ${NAME} x\nend 2\n`;
    const stopped = { ...repairOptions({ runId, store: storeOfTheKilled(directory), look }) };
    await expect(carryOutAll(cluster, [both], stopped)).rejects.toThrow('killed');
    sent = [];
    stub.ending = (pod) => {
      sent.push(pod);
      const [name] = argumentsOf(pod)
        .slice(3)
        .map((each) => each.replace(/^.*=(.*),node,.*/, '$1'));
      return { log: `done ${name} it is as it should be\nend 1\n` };
    };
    const [said] = await settleHalfDone(cluster, store, SETTLING);
    expect(said).toContain('it was completed: 0 were as they should be, 2 raised now');
    expect(sent.map((pod) => capabilities(pod).includes('SYS_RESOURCE'))).toEqual([false, true]);
  });

  it('is all that a repair pod gets the capability for', async () => {
    await tryRepair();
    expect(capabilities(sent[0])).not.toContain('SYS_RESOURCE');
    expect(capabilities(sent[0])).toContain('SYS_ADMIN');
  });
});
