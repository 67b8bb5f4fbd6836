import { describe, expect, it } from 'vitest';
import { sandboxCreateFailing } from '../../../lib/checks/events/sandbox-create-failing.ts';
import type { ObservedPod } from '../../../lib/model/evidence.ts';
import type { Event } from '../../../lib/model/kubernetes.ts';
import { aPod, context, failures } from '../evidence.ts';
import { anEvent, aWaitingPod } from './evidence.ts';

const run = (events: Event[], pods: ObservedPod[] = [aWaitingPod()]) =>
  sandboxCreateFailing.run({ events, pods }, context);

describe('sandbox-create-failing', () => {
  it('finds a pod whose sandbox failed three times, and says why and what to do', () => {
    const [found] = failures(run([anEvent()]));
    expect(found?.detail).toMatch(
      /^3 failed attempts, because the node's range of addresses is used up\. Last: Failed to create/,
    );
    expect(found?.remedy[0]?.command).toBe('kubectl cordon node-1');
  });

  it('adds up events whose messages differ by the id of the sandbox', () => {
    const events = ['a', 'b', 'c'].map((id) =>
      anEvent({ count: 1, message: `failed to setup network for sandbox "${id}": x` }),
    );
    expect(failures(run(events))).toHaveLength(1);
    expect(failures(run(events.slice(1)))).toEqual([]);
  });

  it('finds three pods of the node that failed once each for the same cause', () => {
    const pods = ['a', 'b', 'c'].map((uid) => aWaitingPod({ name: uid, uid }));
    const events = pods.map(({ name, uid }) => anEvent({ name, uid, count: 1 }));
    expect(failures(run(events, pods))).toHaveLength(3);
    expect(failures(run(events.slice(1), pods))).toEqual([]);
  });

  it('finds no pods that a busy agent put off once each, but one that it put off three times', () => {
    const message =
      'failed to setup network for sandbox "a": plugin type="cilium-cni" failed (add): unable to create endpoint: [PUT /endpoint/{id}][429] putEndpointIdTooManyRequests';
    const pods = ['a', 'b', 'c'].map((uid) => aWaitingPod({ name: uid, uid }));
    const events = pods.map(({ name, uid }) => anEvent({ name, uid, count: 1, message }));
    expect(failures(run(events, pods))).toEqual([]);
    const [found] = failures(run([anEvent({ count: 3, message })]));
    expect(found?.detail).toContain(
      'because the agent of the CNI plugin cilium-cni was asked for too much at once',
    );
  });

  it.each([
    ['runs by now', aPod()],
    [
      'got a sandbox, and now cannot pull its image',
      aWaitingPod({
        containers: aWaitingPod().containers.map((each) => ({ ...each, reason: 'ImagePullBackOff' })),
      }),
    ],
  ])('passes a pod that %s', (_, pod) => {
    expect(run([anEvent()], [pod])[0]?.result).toBe('pass');
  });

  it.each([
    ['is being deleted', aWaitingPod({ deletionTimestamp: '2026-11-20T01:58:00Z' })],
    ['has ended', aWaitingPod({ phase: 'Failed' })],
    ['is too young', aWaitingPod({ createdAt: '2026-11-20T01:58:00Z' })],
  ])('does not judge a pod that %s', (_, pod) => {
    expect(run([anEvent()], [pod])[0]?.result).toBe('notApplicable');
  });

  it('does not count events of an earlier pod of the same name, or of days ago, or of pods that are gone', () => {
    expect(run([anEvent({ uid: 'earlier' })])).toEqual([]);
    expect(run([anEvent({ lastSeen: '2026-11-18T01:00:00Z' })])).toEqual([]);
    expect(run([anEvent()], [])).toEqual([]);
  });

  it('quotes a message in one line, and cuts it', () => {
    const [found] = failures(run([anEvent({ message: `\u001b[2J\n${'x'.repeat(5000)}` })]));
    expect(found?.detail).not.toMatch(/\p{Cc}/u);
    expect(found?.detail.length).toBeLessThan(500);
  });
});
