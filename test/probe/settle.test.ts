import { describe, expect, test } from 'vitest';
import type { Sandbox } from '../../lib/model/evidence.ts';
import type { Pod, Snapshot } from '../../lib/model/kubernetes.ts';
import { observePods, observeSandboxes } from '../../lib/probe/settle.ts';
import { aNode, aPod, aSandbox } from '../checks/evidence.ts';

function snapshot(...pods: Partial<Pod>[]): Snapshot {
  const all = pods.map((changes) => {
    const { unsettled: _, ...pod } = aPod(changes);
    return pod;
  });
  return { takenAt: '2026-11-20T02:00:00Z', node: aNode(), pods: all, events: [] };
}
const why = (before: Partial<Pod>, after: Partial<Pod>, sandboxes = [aSandbox()]) =>
  observePods({ before: snapshot(before), after: snapshot(after) }, sandboxes, 300)[0]?.unsettled;

describe('a pod is judged', () => {
  test('when it stood in both snapshots unchanged', () => {
    expect(why({}, {})).toBeNull();
  });

  test.each([
    ['ahead', '2026-11-20T03:00:00Z', '2026-11-20T02:50:00Z', '2026-11-20T02:59:00Z'],
    ['behind', '2026-11-20T01:00:00Z', '2026-11-20T00:50:00Z', '2026-11-20T00:59:00Z'],
  ])('by the clock of its node, be it %s by an hour', (_, nodeTime, old, young) => {
    const at = (startedAt: string) =>
      observePods(
        { before: snapshot({ startedAt }), after: snapshot({ startedAt }) },
        [aSandbox({ createdAt: startedAt })],
        300,
        nodeTime,
      )[0]?.unsettled;
    expect(at(old)).toBeNull();
    expect(at(young)).toContain('younger');
  });

  test('or counted as too young, and as nothing else', () => {
    const observed = (startedAt: string, deletionTimestamp: string | null) =>
      observePods(
        { before: snapshot({ startedAt }), after: snapshot({ startedAt, deletionTimestamp }) },
        [],
        300,
      )[0]?.isYoung;
    expect(observed('2026-11-20T01:59:00Z', null)).toBe(true);
    expect(observed('2026-11-20T01:59:00Z', '2026-11-20T01:59:30Z')).toBeUndefined();
    expect(observed('2026-11-20T01:00:00Z', null)).toBeUndefined();
  });

  test('though its containers crash all the time: its network stands still', () => {
    const containers = aPod().containers.map((container) => ({
      ...container,
      running: false,
      ready: false,
      restarts: 99,
    }));
    expect(why({}, { ready: false, containers })).toBeNull();
  });
});

describe('a pod is not judged', () => {
  test.each<[string, Partial<Pod>, string]>([
    ['replaced by another of the same name', { uid: 'other' }, 'replaced'],
    ['moved', { node: 'node-2' }, 'node'],
    ['given other addresses', { podIPs: ['10.244.1.9'] }, 'addresses'],
    ['being deleted', { deletionTimestamp: '2026-11-20T01:59:00Z' }, 'deleted'],
    ['started a minute ago', { startedAt: '2026-11-20T01:59:00Z' }, 'younger'],
    [
      "the audit's own",
      {
        labels: { 'app.kubernetes.io/name': 'netns-auditor' },
        annotations: { 'netns-auditor/expires': '2026-11-20T02:05:00Z' },
        controller: null,
      },
      'audit',
    ],
  ])('when it was %s', (_, change, reason) => {
    expect(why({}, change)).toContain(reason);
  });

  test("but is when it only bears the audit's label: nobody hides that way", () => {
    const labels = { 'app.kubernetes.io/name': 'netns-auditor' };
    expect(why({ labels }, { labels })).toBeNull();
  });

  test('when its sandbox was replaced meanwhile, or is new', () => {
    expect(why({}, {}, [aSandbox({ stable: false })])).toContain('sandbox');
    expect(why({}, {}, [aSandbox({ createdAt: '2026-11-20T01:59:30Z' })])).toContain('younger');
  });

  test('when the sandbox of a static pod was, which has another uid in the API', () => {
    const pod = { controller: 'Node' };
    const uid = '0123456789abcdef0123456789abcdef';
    expect(why(pod, pod, [aSandbox({ uid })])).toBeNull();
    expect(why(pod, pod, [aSandbox({ uid, stable: false })])).toContain('sandbox');
    expect(why(pod, pod, [aSandbox({ uid, createdAt: '2026-11-20T01:59:30Z' })])).toContain('younger');
  });

  test('when only one of the snapshots has it', () => {
    const [gone] = observePods({ before: snapshot({}), after: snapshot() }, null, 300);
    const [added] = observePods({ before: snapshot(), after: snapshot({}) }, null, 300);
    expect(gone?.unsettled).toContain('gone');
    expect(added?.unsettled).toContain('did not exist yet');
  });

  test('and counts as being deleted when it was gone the second time, replaced or not', () => {
    const deleted = (after: Snapshot) =>
      observePods({ before: snapshot({}), after }, null, 300).find(({ uid }) => uid === aPod().uid)
        ?.deletionTimestamp;
    expect(deleted(snapshot())).toBe('2026-11-20T02:00:00Z');
    expect(deleted(snapshot({ uid: 'other' }))).toBe('2026-11-20T02:00:00Z');
    expect(deleted(snapshot({}))).toBeNull();
  });
});

describe('a sandbox without a pod in either list', () => {
  /** The lists were read 40 seconds apart, 30 of which the probe took, on a node whose clock is an hour behind. */
  const stable = (createdAt: string, pods: Partial<Pod>[] = [], state: Sandbox['state'] = 'ready') => {
    const before = snapshot(...pods);
    const [sandbox] = observeSandboxes(
      [aSandbox({ createdAt, state })],
      { before, after: { ...snapshot(), takenAt: '2026-11-20T02:00:40Z' } },
      { startedAt: '2026-11-20T01:00:05Z', milliseconds: 30_000 },
    );
    return sandbox?.stable;
  };

  test('is not judged when its pod may have come and gone between them', () => {
    expect(stable('2026-11-20T00:59:55Z')).toBe(false);
    expect(stable('2026-11-20T01:00:20Z')).toBe(false);
  });

  test('is judged when it is older than the first, or was stopped, or its pod was known', () => {
    expect(stable('2026-11-20T00:59:55Z', [], 'stopped')).toBe(true);
    expect(stable('2026-11-20T00:59:53Z')).toBe(true);
    expect(stable('2026-11-20T00:59:55Z', [{}])).toBe(true);
  });
});
