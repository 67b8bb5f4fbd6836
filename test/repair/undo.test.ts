import { describe, expect, it } from 'vitest';
import type { RepairRecord } from '../../lib/model/repair-record.ts';
import { isTakenBack } from '../../lib/repair/act.ts';
import { planUndo } from '../../lib/repair/undo.ts';
import { leaked } from './calico.ts';
import { record } from './record.ts';

const told = 'cni-00000000-0000-4000-8000-000000000001,4026532400';
type Restored = Extract<RepairRecord, { objects: unknown }>;

const object = (name: string, changes: Partial<Restored['objects'][number]> = {}) => ({
  name: `shop/${name}`,
  argument: `restore-lo=shop/${name},${told},up`,
  undo: 'nsenter … ip link set lo down',
  result: 'done',
  detail: 'it is as it should be',
  ...changes,
});
const restored = (...objects: Restored['objects']): Restored => ({
  ...record,
  act: 'restore',
  node: 'node-1',
  repairNamespace: 'netns-audit-remediate',
  objects,
});

describe('what a run put back', () => {
  it('is taken back, the last one first', () => {
    const { acts, kept } = planUndo(
      [restored(object('a'), object('b')), { ...restored(object('c')), node: 'node-2' }],
      undefined,
    );
    expect(acts.map(({ node, objects }) => [node, objects.map(({ argument }) => argument)])).toEqual([
      ['node-2', [`undo-lo=shop/c,${told},up`]],
      ['node-1', [`undo-lo=shop/b,${told},up`, `undo-lo=shop/a,${told},up`]],
    ]);
    expect(acts.map(({ kind, refused }) => [kind, refused])).toEqual([
      ['take-back', null],
      ['take-back', null],
    ]);
    expect(kept).toEqual([]);
  });

  it('has limits that are lowered again', () => {
    const name = 'user.max_net_namespaces';
    const limits = object(name, { name, argument: `restore-limits=${name},node,0,1000:2000` });
    const { acts, kept } = planUndo([{ ...restored(limits), act: 'raise-limits' }], undefined);
    expect(acts).toMatchObject([
      { kind: 'take-back', objects: [{ name, argument: `undo-limits=${name},node,0,1000:2000` }] },
    ]);
    expect(kept).toEqual([]);
  });

  it.each([
    ['restore', `restore-lo=shop/a,${told},up`],
    ['raise-limits', 'restore-limits=user.max_net_namespaces,node,0,1000:2000'],
    ['delete-routes', 'restore-stale-route=route-to-10.1.1.1,none,0,veth00000001,1,10.1.1.1,link'],
    ['delete-veths', 'veth=veth00000001'],
  ] as const)('is offered to be taken back if that can be: %s', (act, argument) => {
    const { acts } = planUndo([{ ...restored(object('a', { argument })), act }], undefined);
    const done = { kind: act, node: 'node-1', findings: [], refused: null, objects: [] };
    expect(isTakenBack(done)).toBe(acts.length > 0);
  });

  it('has no reboot that could be taken back', () => {
    const { acts, kept } = planUndo(
      [
        {
          ...record,
          act: 'reboot-node',
          node: 'node-1',
          nodeUid: 'uid',
          repairNamespace: 'netns-audit-remediate',
          bootId: 'b',
          wasCordoned: false,
          known: [],
        },
      ],
      undefined,
    );
    expect(acts).toEqual([]);
    expect(kept).toEqual([{ what: 'the boot of node-1', why: 'no reboot can be taken back' }]);
  });

  it('has no drain that could be taken back, but lets pods on the node again by hand', () => {
    const drained = {
      ...record,
      act: 'drain-node',
      node: 'node-1',
      nodeUid: 'uid',
      wasCordoned: false,
    } as const;
    const { acts, kept } = planUndo([drained], undefined);
    expect(acts).toEqual([]);
    expect(kept).toEqual([
      {
        what: 'the drain of node-1',
        why: 'pods that were evicted do not come back; kubectl uncordon lets others on it',
      },
    ]);
  });

  it('is taken back on one node alone, where that is asked for', () => {
    const { acts } = planUndo(
      [restored(object('a')), { ...restored(object('c')), node: 'node-2' }],
      'node-2',
    );
    expect(acts.map(({ node }) => node)).toEqual(['node-2']);
  });

  it.each([
    ['the run did not change it', { result: 'refused', detail: 'it is gone' }],
    ['the run did not change it', { result: 'left', detail: 'the time was over' }],
    [
      'it is not known what became of it; by hand: nsenter … ip link set lo down',
      { result: 'failed', detail: 'it could not be put back' },
    ],
    ['by hand: nsenter … ip link set lo down', { result: null, detail: null }],
    ['right before it was killed; by hand: nsenter', { result: 'refused', detail: 'it is as it should be' }],
    ['this version does not know what it is', { argument: 'restore-later=x' }],
  ])('stays, and is named, where %s', (why, changes) => {
    const { acts, kept } = planUndo([restored(object('a', changes))], undefined);
    expect(acts).toEqual([]);
    expect(kept).toEqual([{ what: 'shop/a on node-1', why: expect.stringContaining(why) }]);
  });
});

describe('what another run did to an object since', () => {
  const since = (
    act: Restored['act'],
    result: string | null,
    hour: number,
    changes: Partial<Restored> = {},
  ): Restored => ({
    ...restored(object('a', { result })),
    act,
    runId: `run-${act}`,
    at: `2026-11-29T${hour}:00:00.000Z`,
    ...changes,
  });
  const why = (...later: Restored[]): unknown => {
    const { acts, kept } = planUndo([restored(object('a'))], undefined, later);
    return acts.length === 1 ? 'taken back' : kept;
  };
  const stays = (reason: string): unknown => [{ what: 'shop/a on node-1', why: reason }];

  it.each([
    ['take-back', 'done', 'it was taken back by run run-take-back at 2026-11-29T22:00:00.000Z'],
    ['restore', 'done', 'it was repaired again by run run-restore at 2026-11-29T22:00:00.000Z'],
    ['take-back', null, 'it is not known what became of it by run run-take-back at 2026-11-29T22:00:00.000Z'],
    [
      'take-back',
      'failed',
      'it is not known what became of it by run run-take-back at 2026-11-29T22:00:00.000Z',
    ],
  ] as const)('is not undone: %s, %s', (act, result, reason) => {
    expect(why(since(act, result, 22))).toEqual(stays(reason));
  });

  it('is named by the last of them', () => {
    expect(why(since('take-back', 'done', 22), since('restore', 'done', 23))).toEqual(
      stays('it was repaired again by run run-restore at 2026-11-29T23:00:00.000Z'),
    );
  });

  it.each([
    ['it was refused', [since('take-back', 'refused', 22)]],
    ['it was not tried', [since('take-back', 'left', 22)]],
    ['it is on another node', [since('take-back', 'done', 22, { node: 'node-2' })]],
    ['it is another object', [since('take-back', 'done', 22, { objects: [object('b')] })]],
    ['it was before', [since('take-back', 'done', 20)]],
  ])('does not matter where %s', (_, later) => {
    expect(why(...later)).toBe('taken back');
  });
});

describe('a route that a run deleted', () => {
  const argument = 'restore-stale-route=route-to-10.1.1.1,none,0,veth00000001,1,10.1.1.1,link';
  const undo = 'ip -4 route add 10.1.1.1 dev veth00000001 scope link';

  it.each([
    ['it is put back by hand, once it is sure that nobody has the address: ip -4 route add 10.1.1.1 dev', {}],
    ['the run did not change it', { result: 'refused', detail: 'it has changed since it was found' }],
    ['it is not known what became of it; by hand: ip -4 route add', { result: null, detail: null }],
  ])('is never added again by the tool: %s', (why, changes) => {
    const routes = {
      ...restored(object('a', { argument, undo, ...changes })),
      act: 'delete-routes',
    } as const;
    expect(planUndo([routes], undefined)).toEqual({
      acts: [],
      kept: [{ what: 'shop/a on node-1', why: expect.stringContaining(why) }],
    });
  });
});

describe('what else a run did', () => {
  const pod = { namespace: 'shop', name: 'web-1', uid: 'u', node: 'node-1', controllerUid: 'c' };
  const place = { node: 'node-1', repairNamespace: 'netns-audit-remediate' };
  const gone = [{ name: 'cni-1', inode: 1, made: 1, result: 'done', detail: null }];

  it.each<[string, string, RepairRecord]>([
    ['shop/web-1', 'does not come back', { ...record, act: 'recreate-pod', pod }],
    ['the agent shop/web-1', 'does not come back', { ...record, act: 'restart-agent', pod }],
    [
      'cni-1 on node-1',
      'does not come back',
      { ...record, act: 'delete-namespaces', ...place, namespaces: gone },
    ],
    [
      '10-244-1-8-30/10.244.1.9 on node-1',
      'nobody needs an address that no pod has; the record has what Calico had on file',
      {
        ...record,
        act: 'release-allocations',
        node: 'node-1',
        seenAt: '2026-11-29T20:00:00.000Z',
        allocations: [
          { ...leaked, name: '10-244-1-8-30/10.244.1.9', before: null, result: 'done', detail: null },
        ],
      },
    ],
    ['shop/a on node-1', 'does not come back', { ...restored(object('a')), act: 'delete-veths' }],
    ['shop/a on node-1', 'remediate puts it back again', { ...restored(object('a')), act: 'take-back' }],
  ])('is named: %s %s', (what, why, record) => {
    expect(planUndo([record], undefined)).toEqual({
      acts: [],
      kept: [{ what, why: expect.stringContaining(why) }],
    });
  });
});
