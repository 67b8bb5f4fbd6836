import { describe, expect, it } from 'vitest';
import { sandboxGhost } from '../../../lib/checks/runtime/sandbox-ghost.ts';
import type { Sandbox } from '../../../lib/model/evidence.ts';
import type { Event } from '../../../lib/model/kubernetes.ts';
import { anEvent, aPod, aSandbox, context, failures } from '../evidence.ts';

const others = [aPod({ name: 'other', uid: 'other' })];
const run = (changes: Partial<Sandbox> = {}, pods = others, events: Event[] = []) =>
  sandboxGhost.run({ sandboxes: [aSandbox(changes)], pods, events }, context);

describe('sandbox-ghost', () => {
  it('passes the sandbox of a pod in the API', () => {
    expect(run({}, [aPod()])[0]?.result).toBe('pass');
    expect(run({ uid: '0'.repeat(32) }, [aPod({ controller: 'Node' })])[0]?.result).toBe('pass');
  });

  it('finds what a forced deletion left running', () => {
    const [found] = failures(run());
    expect(found).toMatchObject({ confidence: 'confirmed', object: { namespace: 'shop', name: 'web-1' } });
    expect(found?.detail).toContain('Still running: main');
    expect(found?.remedy.at(-2)?.command).toBe(`crictl stopp ${'a'.repeat(64)}`);
  });

  it('tells it from the pod that has its name now', () => {
    expect(failures(run({}, [aPod({ uid: 'new' })]))[0]?.detail).toContain(
      'the pod of that name is another (new)',
    );
  });

  it('is unknown where no sandbox could be read: that of the probe is always there', () => {
    const outcomes = sandboxGhost.run({ sandboxes: [], pods: others, events: [] }, context);
    expect(outcomes).toMatchObject([{ result: 'unknown', object: { kind: 'node' } }]);
  });

  it.each<[string, Partial<Sandbox>]>([
    ['a sandbox not made by a kubelet', { uid: '' }],
    ['a static pod without its mirror', { uid: '0123456789abcdef0123456789abcdef' }],
    ['the auditor’s own pod', { namespace: 'netns-audit' }],
    ['the auditor’s own pod in another namespace', { name: 'netns-audit-node-1-9e60c2e89833' }],
    ['a sandbox that changed meanwhile', { stable: false }],
    ['a young one', { createdAt: '2026-11-20T01:58:00Z' }],
  ])('does not judge %s', (_, changes) => {
    expect(run(changes)[0]?.result).toBe('notApplicable');
  });

  it('waits for a kubelet that has just begun to take it down, but not for ever', () => {
    const event = (reason: string, lastSeen: string) => anEvent({ reason, uid: aSandbox().uid, lastSeen });
    const killing = event('Killing', '2026-11-20T01:59:00Z');
    expect(run({}, others, [killing])[0]?.result).toBe('notApplicable');
    expect(failures(run({}, others, [event('Killing', '2026-11-20T01:50:00Z')]))).toHaveLength(1);
    const failed = event('FailedKillPod', '2026-11-20T01:59:10Z');
    expect(failures(run({}, others, [killing, failed]))).toHaveLength(1);
  });

  it('leaves stopped sandboxes to sandbox-stale', () => {
    expect(run({ state: 'stopped' })).toEqual([]);
  });

  it('does not know when the API listed no pod at all', () => {
    expect(run({}, [])[0]?.result).toBe('unknown');
  });

  it('does not wonder about a drained node, where the probe is alone', () => {
    expect(run({ namespace: 'netns-audit' }, []).map(({ result }) => result)).toEqual(['notApplicable']);
  });
});
