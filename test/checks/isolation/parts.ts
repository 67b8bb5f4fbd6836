/** Sources of the isolation checks: one healthy pod on a node, and others. */
import type { ObservedPod, Pin, Sandbox } from '../../../lib/model/evidence.ts';
import { aHost, aPin, aPod, aSandbox } from '../evidence.ts';

export const OTHER_NAMESPACE = 4026532900;

/** A second pod, younger than the first, in its own namespace. */
export const other = {
  pod: aPod({ name: 'web-2', uid: '22222222-2222-4222-8222-222222222222' }),
  sandbox: aSandbox({
    id: 'b'.repeat(64),
    name: 'web-2',
    uid: '22222222-2222-4222-8222-222222222222',
    namespacePath: '/run/netns/cni-2',
    pid: 2000,
    networkNamespace: OTHER_NAMESPACE,
    createdAt: '2026-11-19T03:00:00Z',
    containers: [],
  }),
  pin: aPin({ path: '/run/netns/cni-2', inode: OTHER_NAMESPACE, mounted: [OTHER_NAMESPACE] }),
};

/** The node with its two pods; the argument replaces the first one's properties. */
export function twoPods(changes: { pod?: ObservedPod; sandbox?: Sandbox; pin?: Pin; second?: Sandbox } = {}) {
  return {
    pods: [changes.pod ?? aPod(), other.pod],
    sandboxes: [changes.sandbox ?? aSandbox(), changes.second ?? other.sandbox],
    pins: [changes.pin ?? aPin(), other.pin],
    host: aHost(),
  };
}

/** The first pod's sandbox with its container's processes elsewhere. */
export function withContainer(changes: Partial<Sandbox['containers'][number]>): Sandbox {
  const sandbox = aSandbox();
  return { ...sandbox, containers: sandbox.containers.map((container) => ({ ...container, ...changes })) };
}

/** The first pod with a container that may change its network. */
export function privileged(changes: Partial<ObservedPod> = {}): ObservedPod {
  const pod = aPod(changes);
  return { ...pod, containers: pod.containers.map((container) => ({ ...container, netAdmin: true })) };
}
