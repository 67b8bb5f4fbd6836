import { describe, expect, it } from 'vitest';
import { sandboxKillFailing } from '../../../lib/checks/events/sandbox-kill-failing.ts';
import type { ObservedPod, Sandbox } from '../../../lib/model/evidence.ts';
import type { Event } from '../../../lib/model/kubernetes.ts';
import { aPod, aSandbox, context, failures } from '../evidence.ts';
import { anEvent, aWaitingPod } from './evidence.ts';

const run = (events: Event[], pod: ObservedPod, sandboxes: Sandbox[] = [aSandbox()]) =>
  sandboxKillFailing.run({ events, pods: [pod], sandboxes }, context);
const failed = (changes: Partial<Event> = {}) =>
  anEvent({
    reason: 'FailedKillPod',
    message:
      'error killing pod: failed to "KillPodSandbox" for "1": KillPodSandboxError: failed to destroy network for sandbox "abc": plugin type="cilium-cni" failed (delete): refused',
    ...changes,
  });
const terminating = aPod({ deletionTimestamp: '2026-11-20T01:58:00Z' });

describe('sandbox-kill-failing', () => {
  it('finds a pod that is being deleted and whose sandbox cannot be removed', () => {
    const [found] = failures(run([failed()], terminating));
    expect(found?.detail).toMatch(
      /^3 failed attempts, because the CNI plugin cilium-cni fails to take the network/,
    );
  });

  it('finds a namespace that another mount namespace holds', () => {
    const busy = failed({
      reason: 'FailedSync',
      message:
        'error determining status: failed to get sandbox ip: check network namespace closed: remove netns: unlinkat /run/netns/x: device or resource busy',
    });
    expect(failures(run([busy], aWaitingPod()))[0]?.detail).toContain(
      'another mount namespace holds the mount',
    );
  });

  it('passes once or twice, and a pod that runs with a new sandbox', () => {
    expect(run([failed({ count: 2 })], terminating)[0]?.result).toBe('pass');
    expect(run([failed()], aPod())[0]?.result).toBe('pass');
  });

  it('leaves a pod that is long past its grace period to sandbox-stuck-terminating', () => {
    const stuck = aPod({ deletionTimestamp: '2026-11-20T01:00:00Z' });
    expect(run([failed()], stuck)[0]?.result).toBe('notApplicable');
    expect(failures(run([failed()], stuck, []))).toHaveLength(1);
  });

  it('takes no notice of containers that cannot be killed, or other reasons', () => {
    expect(
      run([failed({ message: 'error killing pod: failed to "KillContainer" for "main"' })], terminating),
    ).toEqual([]);
    expect(run([anEvent({ reason: 'FailedSync', message: 'error syncing' })], terminating)).toEqual([]);
  });
});
