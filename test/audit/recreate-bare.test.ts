import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { carryOutAll, halfDone, recordedBare, recordsOfRun, settleHalfDone } from '../../lib/audit/index.ts';
import type { ActResult, RepairOptions } from '../../lib/audit/repair-act.ts';
import type { Cluster } from '../../lib/cluster/index.ts';
import { type DirectoryStore, keys } from '../../lib/history/index.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import type { Act } from '../../lib/repair/act.ts';
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
/** Of somebody else. */
const another = (): ApiObject => barePod({ uid: 'of-somebody' }, { containers: [{ name: 'other' }] });
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

  it.each([
    ['as soon as it is gone', () => stub.pods.set('shop/web-1', another())],
    [
      'right before it does',
      () => {
        stub.onRequest = (request) => {
          if (request === 'POST /api/v1/namespaces/shop/pods') stub.pods.set('shop/web-1', another());
        };
      },
    ],
  ])('is a surprise where somebody else creates a pod of its name %s', async (_, create) => {
    stub.onEvicted = () => void create();
    expect(await tryRepair()).toMatchObject([
      {
        result: 'surprise',
        detail: expect.stringMatching(
          /^evicted, but somebody has created a pod of its name .* the manifest is in .*-begun\.json$/,
        ),
      },
    ]);
    expect(there()?.metadata.uid).toBe('of-somebody');
  });

  it('has an end where a budget refuses', async () => {
    const message = "Cannot evict pod as it would violate the pod's disruption budget.";
    stub.fail({ path: '/eviction', status: 429, message, headers: { 'retry-after': '60' } });
    expect(await tryRepair()).toMatchObject([
      { result: 'surprise', detail: expect.stringContaining('a disruption budget refuses') },
    ]);
    expect(await halfDone(store, cluster, SETTLING.days)).toEqual([]);
  });

  it('takes the pod for its own if the answer to its request was lost', async () => {
    stub.fail({ method: 'POST', path: /\/pods$/, lost: true });
    expect(await tryRepair()).toMatchObject([{ result: 'done' }]);
  });

  it.each([
    ['a quota is full', { method: 'POST', path: /\/pods$/, status: 403, message: 'exceeded quota' }],
    ['a quota was changed', { method: 'POST', path: /\/pods$/, status: 409, message: 'Conflict' }],
  ])('tries again where %s at first', async (_, fault) => {
    stub.fail({ ...fault, times: 3 });
    expect(await tryRepair()).toMatchObject([{ result: 'done' }]);
    expect(await halfDone(store, cluster, SETTLING.days)).toEqual([]);
  });

  it('tries again where pods cannot be listed at first', async () => {
    stub.onEvicted = () => stub.fail({ method: 'GET', path: '/shop/pods', status: 403, times: 3 });
    expect(await tryRepair()).toMatchObject([{ result: 'done' }]);
  });

  it('is a surprise where the new one has a fault too', async () => {
    expect(await tryRepair({ look: async () => aReport({ findings: [FAULT] }) })).toMatchObject([
      { result: 'surprise', detail: expect.stringContaining(FAULT.check) },
    ]);
  });
});

describe('a bare pod that is evicted and not created again', { timeout: 30_000 }, () => {
  const SHORT = { ...SETTLING.pace, create: 100 };
  const noCreation = { method: 'POST', path: /\/pods$/, status: 403, message: 'exceeded quota' } as const;

  it.each<[string, string, (stop: () => void) => void]>([
    [
      'a quota stays full',
      'could not be created again: .* exceeded quota',
      () => stub.fail({ ...noCreation, times: 99 }),
    ],
    [
      'the server does not understand it',
      'not created again: .* invalid',
      () => stub.fail({ ...noCreation, status: 422, message: 'invalid' }),
    ],
    [
      'pods cannot be listed',
      'whether it is gone is not known: .* nobody may',
      () => {
        stub.onEvicted = () =>
          stub.fail({ method: 'GET', path: '/shop/pods', status: 403, message: 'nobody may', times: 99 });
      },
    ],
    [
      'it does not end',
      'still Terminating',
      () => {
        stub.onEvicted = (pod) =>
          stub.pods.set(
            'shop/web-1',
            barePod({ ...pod.metadata, deletionTimestamp: '2026-11-30T00:00:00Z' }),
          );
      },
    ],
    [
      'somebody interrupts it',
      'not created again: interrupted',
      (stop) => {
        stub.onEvicted = () => {
          stub.onRequest = (request) => {
            if (request.startsWith('GET /api/v1/namespaces/shop/pods')) stop();
          };
        };
      },
    ],
    [
      'the answer to its eviction is lost',
      'whether it was evicted is not known',
      () => stub.fail({ method: 'POST', path: '/eviction', status: 500, times: 999 }),
    ],
  ])('where %s keeps its record open, and says how to create it', async (_, words, turn) => {
    const interrupt = new AbortController();
    turn(() => interrupt.abort());
    const [result] = await tryRepair({ pace: SHORT, signal: interrupt.signal });
    expect(result).toMatchObject({ result: 'surprise', detail: expect.stringMatching(words) });
    expect(await halfDone(store, cluster, SETTLING.days)).toMatchObject([{ phase: 'begun' }]);
    expect(result?.detail).toContain('name it with --pod shop/web-1 --apply');
    const typed = /\((jq .*) \| kubectl create -f -\)$/.exec(result?.detail ?? '')?.[1] ?? '';
    expect(JSON.parse(execFileSync('sh', ['-c', typed], { encoding: 'utf8' }))).toMatchObject({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'shop', name: 'web-1' },
      spec: { nodeName: 'node-1' },
    });
  });
});

describe('a bare pod whose repair was killed', { timeout: 30_000 }, () => {
  /** It writes how the repair begins, and not how it ends. */
  const kill = async (): Promise<void> => {
    await expect(tryRepair({ store: storeOfTheKilled(directory) })).rejects.toThrow('killed');
  };
  const settled = async (): Promise<string[]> => await settleHalfDone(cluster, store, SETTLING);
  const open = async () => await halfDone(store, cluster, SETTLING.days);
  const named = async () =>
    await recordedBare(cluster, store, { namespace: 'shop', name: 'web-1' }, SETTLING.days);
  const again = async (changes: Partial<RepairOptions> = {}): Promise<ActResult[]> => {
    const recorded = await named();
    if (recorded === null) throw new Error('nothing to create');
    const act: Act = {
      kind: 'recreate-pod',
      pod: recorded.record.pod,
      node: recorded.record.pod.node,
      findings: [],
      refused: null,
      recorded,
    };
    return await carryOutAll(cluster, [act], options({ runId: newRunId(new Date(), 'again'), ...changes }));
  };
  /** Somebody who may write into the store. */
  const rewrite = async (change: (record: Record<string, unknown>) => unknown): Promise<void> => {
    const key = keys.repair({ cluster: 'stub', runId }, 'uid-web-1-begun');
    const file = `${directory}/${key}`;
    const record: unknown = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify(change(record as Record<string, unknown>)));
  };

  it('is not created by the next call, which says how each time', async () => {
    await kill();
    stub.pods.delete('shop/web-1');
    const { length } = changing();
    for (const _ of [1, 2])
      expect(await settled()).toEqual([
        expect.stringMatching(
          /did not end: it was evicted and not created again, or it may have been deleted by somebody: .*--pod shop\/web-1 --apply.*jq \.manifest /,
        ),
      ]);
    expect(changing()).toHaveLength(length);
    expect(await open()).toHaveLength(1);
  });

  it('is created by a call that names it, which ends its record', async () => {
    await kill();
    stub.pods.delete('shop/web-1');
    expect(await again()).toMatchObject([
      { result: 'done', detail: 'shop/web-1 replaced it on node-1; nothing is wrong with it' },
    ]);
    expect(there()).toMatchObject({ spec: { nodeName: 'node-1', containers: [{ name: 'main' }] } });
    expect(await open()).toEqual([]);
    expect(await recordsOfRun(store, cluster, runId)).toMatchObject([
      { phase: 'failed', outcome: expect.stringContaining('created again by run ') },
    ]);
  });

  it('leaves one open record if that call cannot create it either', async () => {
    await kill();
    stub.pods.delete('shop/web-1');
    stub.fail({ method: 'POST', path: /\/pods$/, status: 403, message: 'exceeded quota', times: 99 });
    expect(await again({ pace: { ...SETTLING.pace, create: 100 } })).toMatchObject([{ result: 'surprise' }]);
    expect(await open()).toMatchObject([{ checks: [FAULT.check], manifest: { kind: 'Pod' } }]);
  });

  it('is only asked about by a rehearsal that names it', async () => {
    await kill();
    stub.pods.delete('shop/web-1');
    expect(await again({ rehearse: true })).toMatchObject([{ result: 'rehearsed' }]);
    expect(there()).toBeUndefined();
    expect(await open()).toHaveLength(1);
  });

  it('is left alone if it is there already', async () => {
    await kill();
    const { length } = changing();
    expect(await named()).toBeNull();
    expect(await settled()).toEqual([expect.stringContaining('a pod of its name is ready')]);
    expect(await settled()).toEqual([]);
    expect(changing()).toHaveLength(length);
  });

  it('is left alone if it was not evicted', async () => {
    await kill();
    stub.pods.set('shop/web-1', barePod());
    const { length } = changing();
    expect(await named()).toBeNull();
    expect(await settled()).toEqual([expect.stringContaining('it was not evicted')]);
    expect(await settled()).toEqual([]);
    expect(changing()).toHaveLength(length);
  });

  it('holds up no other repair if nobody can look for it', async () => {
    await kill();
    stub.pods.delete('shop/web-1');
    stub.fail({ method: 'GET', path: '/shop/pods', status: 403, message: 'nobody may' });
    expect(await settled()).toEqual([expect.stringMatching(/what came of it is not known: .*nobody may/)]);
    expect(await open()).toHaveLength(1);
    expect(stub.taken.size).toBe(0);
  });

  it.each<[string, object]>([
    ['namespace', { metadata: { name: 'web-1', namespace: 'kube-system' } }],
    ['name', { metadata: { name: 'web-2', namespace: 'shop' } }],
    ['node', { spec: { nodeName: 'node-2', containers: [] } }],
    ['kind', { kind: 'Secret' }],
  ])('is not created if its record names another %s', async (_, change) => {
    await kill();
    stub.pods.delete('shop/web-1');
    await rewrite((record) => ({ ...record, manifest: { ...(record.manifest as object), ...change } }));
    expect(await named()).toBeNull();
    expect(await settled()).toEqual([expect.stringContaining('is not one of this pod')]);
    expect(await open()).toHaveLength(1);
  });

  it('is asked again whether it can be created', async () => {
    await kill();
    stub.pods.delete('shop/web-1');
    await rewrite((record) => ({
      ...record,
      manifest: {
        ...(record.manifest as object),
        metadata: { namespace: 'shop', name: 'web-1', annotations: { 'kubernetes.io/config.mirror': 'x' } },
      },
    }));
    expect(await again()).toMatchObject([
      { result: 'refused', detail: expect.stringContaining('a static pod') },
    ]);
    expect(there()).toBeUndefined();
  });

  it('is not created by two calls', async () => {
    await kill();
    stub.pods.delete('shop/web-1');
    const recorded = await named();
    await again();
    if (recorded === null) throw new Error('nothing to create');
    stub.pods.delete('shop/web-1');
    const { pod } = recorded.record;
    const act: Act = { kind: 'recreate-pod', pod, node: pod.node, findings: [], refused: null, recorded };
    expect(await carryOutAll(cluster, [act], options())).toMatchObject([
      { result: 'refused', detail: 'another call has ended its repair meanwhile' },
    ]);
    expect(there()).toBeUndefined();
  });
});
