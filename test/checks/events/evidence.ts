/** Events of the kubelet, and a pod that still waits for its sandbox. */
import type { ObservedPod } from '../../../lib/model/evidence.ts';
import type { Event } from '../../../lib/model/kubernetes.ts';
import { aPod } from '../evidence.ts';

export function anEvent(changes: Partial<Event> = {}): Event {
  return {
    reason: 'FailedCreatePodSandBox',
    message:
      'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "abc": plugin type="bridge" name="lab" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.244.1.1-10.244.1.254',
    kind: 'Pod',
    namespace: 'shop',
    name: 'web-1',
    uid: '11111111-1111-4111-8111-111111111111',
    node: 'node-1',
    count: 3,
    firstSeen: '2026-11-20T01:30:00Z',
    lastSeen: '2026-11-20T01:59:00Z',
    ...changes,
  };
}

/** In ContainerCreating for an hour. */
export function aWaitingPod(changes: Partial<ObservedPod> = {}): ObservedPod {
  const [container] = aPod().containers;
  if (container === undefined) throw new Error('aPod has a container');
  return aPod({
    phase: 'Pending',
    podIPs: [],
    ready: false,
    createdAt: '2026-11-20T01:00:00Z',
    containers: [
      { ...container, id: null, running: false, ready: false, startedAt: null, reason: 'ContainerCreating' },
    ],
    ...changes,
  });
}
