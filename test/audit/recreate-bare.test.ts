import { beforeEach, describe, expect, it } from 'vitest';
import { carryOutAll, halfDone, recordsOfRun, settleHalfDone } from '../../lib/audit/index.ts';
import type { ActResult, RepairOptions } from '../../lib/audit/repair-act.ts';
import type { Cluster } from '../../lib/cluster/index.ts';
import type { DirectoryStore } from '../../lib/history/index.ts';
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
const runId = newRunId(new Date(), 'test');
const READY = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };

const barePod = (metadata: object = {}, spec: object = {}): ApiObject => ({
  metadata: { name: 'web-1', namespace: 'shop', uid: 'uid-web-1', labels: { app: 'web' }, ...metadata },
  spec: { nodeName: 'node-1', terminationGracePeriodSeconds: 0, containers: [{ name: 'main' }], ...spec },
  status: READY,
});
const there = (): ApiObject | undefined => stub.pods.get('shop/web-1');
const changing = (): string[] => stub.requests.filter((request) => /^POST .*\/pods(?:[/?]|$)/.test(request));

beforeEach(async () => {
  ({ stub, cluster, directory, store } = await aPlaceToRepair());
  stub.pods.set('shop/web-1', barePod());
  stub.ending = () => ({ status: READY });
});

const options = (changes: Partial<RepairOptions> = {}): RepairOptions => ({
  ...repairOptions({
    runId,
    store,
    look: async () => aReport({ findings: there()?.metadata.uid === 'uid-web-1' ? [FAULT] : [] }),
  }),
  anyController: true,
  ...changes,
});
const tryRepair = async (changes: Partial<RepairOptions> = {}): Promise<ActResult[]> =>
  await carryOutAll(cluster, acts, options(changes));

describe('recreating a pod that no controller makes again', { timeout: 30_000 }, () => {
  it('creates it again from its manifest, which is recorded, and looks at the new one', async () => {
    expect(await tryRepair()).toMatchObject([
      { result: 'done', detail: 'shop/web-1 replaced it on node-1; nothing is wrong with it' },
    ]);
    expect(there()?.metadata.uid).not.toBe('uid-web-1');
    expect(there()).toMatchObject({
      metadata: { labels: { app: 'web' } },
      spec: { nodeName: 'node-1', containers: [{ name: 'main' }] },
    });
    expect(changing()).toEqual([
      'POST /api/v1/namespaces/shop/pods?dryRun=All',
      'POST /api/v1/namespaces/shop/pods/web-1/eviction',
      'POST /api/v1/namespaces/shop/pods',
    ]);
    expect(await recordsOfRun(store, cluster, runId)).toMatchObject([
      { act: 'recreate-pod', phase: 'done', manifest: { kind: 'Pod', metadata: { name: 'web-1' } } },
    ]);
  });

  it('is only asked about by a rehearsal', async () => {
    expect(await tryRepair({ rehearse: true })).toMatchObject([
      { result: 'rehearsed', detail: expect.stringContaining('on the same node, from its own manifest') },
    ]);
    expect(changing()).toEqual(['POST /api/v1/namespaces/shop/pods?dryRun=All']);
  });

  it.each<[string, string, () => unknown]>([
    ['nobody names it', 'name it with --pod', () => ({ anyController: false })],
    [
      'it has a finalizer',
      'before it goes: a/b',
      () => void stub.pods.set('shop/web-1', barePod({ finalizers: ['a/b'] })),
    ],
    [
      'it keeps data',
      '--lose-pod shop/web-1',
      () => void stub.pods.set('shop/web-1', barePod({}, { volumes: [{ name: 'data', emptyDir: {} }] })),
    ],
    [
      'the server would not admit it',
      'it would not be admitted again: ',
      () => stub.fail({ method: 'POST', path: 'dryRun', status: 403, message: 'pods is forbidden' }),
    ],
    [
      'it was replaced',
      'the pod was replaced meanwhile',
      () => ({
        look: async () => {
          stub.pods.set('shop/web-1', barePod({ uid: 'another' }));
          return aReport({ findings: [FAULT] });
        },
      }),
    ],
  ])('is refused where %s', async (_, words, turn) => {
    const changes = (turn() ?? {}) as Partial<RepairOptions>;
    expect(await tryRepair(changes)).toMatchObject([
      { result: 'refused', detail: expect.stringContaining(words) },
    ]);
    expect(changing().filter((request) => !request.includes('dryRun'))).toEqual([]);
    expect(await halfDone(store, cluster, SETTLING.days)).toEqual([]);
  });

  it('loses data that may be lost', async () => {
    stub.pods.set('shop/web-1', barePod({}, { volumes: [{ name: 'data', emptyDir: {} }] }));
    const mayLose = [{ namespace: 'shop', name: 'web-1' }];
    expect(await tryRepair({ mayLose })).toMatchObject([{ result: 'done' }]);
  });

  it('is a surprise where somebody else creates a pod of its name', async () => {
    stub.onEvicted = () => stub.pods.set('shop/web-1', barePod({ uid: 'of-somebody' }));
    expect(await tryRepair()).toMatchObject([
      { result: 'surprise', detail: 'evicted, but somebody has created a pod of its name meanwhile' },
    ]);
    expect(there()?.metadata.uid).toBe('of-somebody');
  });

  it('is a surprise where the new one has a fault too', async () => {
    expect(await tryRepair({ look: async () => aReport({ findings: [FAULT] }) })).toMatchObject([
      { result: 'surprise', detail: expect.stringContaining(FAULT.check) },
    ]);
  });
});

describe('a bare pod whose repair was killed', { timeout: 30_000 }, () => {
  const settled = async (): Promise<string[]> => {
    const said = await settleHalfDone(cluster, store, SETTLING);
    expect(await settleHalfDone(cluster, store, SETTLING)).toEqual([]);
    return said;
  };
  /** It writes how the repair begins, and not how it ends. */
  const kill = async (): Promise<void> => {
    await expect(tryRepair({ store: storeOfTheKilled(directory) })).rejects.toThrow('killed');
  };

  it('is created again by the next call if it was evicted', async () => {
    await kill();
    stub.pods.delete('shop/web-1');
    expect(await settled()).toEqual([
      expect.stringContaining('it was evicted, and is created again and ready now'),
    ]);
    expect(there()).toMatchObject({ spec: { nodeName: 'node-1', containers: [{ name: 'main' }] } });
  });

  it('is left alone if it is there already', async () => {
    await kill();
    const { length } = changing();
    expect(await settled()).toEqual([expect.stringContaining('a pod of its name is ready')]);
    expect(changing()).toHaveLength(length);
  });

  it('is left alone if it was not evicted', async () => {
    await kill();
    stub.pods.set('shop/web-1', barePod());
    const { length } = changing();
    expect(await settled()).toEqual([expect.stringContaining('it was not evicted')]);
    expect(changing()).toHaveLength(length);
  });
});
