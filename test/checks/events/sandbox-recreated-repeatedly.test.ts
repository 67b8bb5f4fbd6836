import { describe, expect, it } from 'vitest';
import { sandboxRecreatedRepeatedly } from '../../../lib/checks/events/sandbox-recreated-repeatedly.ts';
import type { ObservedPod } from '../../../lib/model/evidence.ts';
import type { Event } from '../../../lib/model/kubernetes.ts';
import { aPod, context, failures } from '../evidence.ts';
import { anEvent } from './evidence.ts';

const run = (events: Event[], pod: ObservedPod = aPod()) =>
  sandboxRecreatedRepeatedly.run({ events, pods: [pod] }, context);
const changed = (changes: Partial<Event> = {}) =>
  anEvent({
    reason: 'SandboxChanged',
    message: 'Pod sandbox changed, it will be killed and re-created.',
    count: 6,
    ...changes,
  });

describe('sandbox-recreated-repeatedly', () => {
  it('finds a pod whose sandbox was made anew six times within the hour', () => {
    const [found] = failures(run([changed()]));
    expect(found?.detail).toBe(
      'The kubelet recreated the sandbox 6 times, 2026-11-20T01:30:00Z to 2026-11-20T01:59:00Z.',
    );
  });

  it.each([
    ['was made anew five times', changed({ count: 5 })],
    ['was made anew once, as after a reboot', changed({ count: 1 })],
    ['was made anew twelve times in a day', changed({ count: 12, firstSeen: '2026-11-19T02:00:00Z' })],
    [
      'has been quiet for an hour',
      changed({ firstSeen: '2026-11-20T00:20:00Z', lastSeen: '2026-11-20T00:50:00Z' }),
    ],
  ])('passes a pod that %s', (_, event) => {
    expect(run([event])[0]?.result).toBe('pass');
  });

  it('leaves it to sandbox-create-failing when the new one cannot be made', () => {
    expect(run([changed(), anEvent()])[0]?.result).toBe('notApplicable');
  });

  it('does not judge a pod that is being deleted or has ended', () => {
    expect(run([changed()], aPod({ deletionTimestamp: '2026-11-20T01:59:00Z' }))[0]?.result).toBe(
      'notApplicable',
    );
    expect(run([changed()], aPod({ phase: 'Succeeded' }))[0]?.result).toBe('notApplicable');
  });
});
