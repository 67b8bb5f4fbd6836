/** Which pod of the API a sandbox of the runtime is, and its repair. */
import type { Sandbox } from '../model/evidence.ts';
import type { RemedyStep } from '../model/finding.ts';
import type { Event, Pod } from '../model/kubernetes.ts';
import { command, onNode, recreatePod } from './remedies.ts';

/** By uid; the sandbox of a static pod carries the hash of its manifest, as its uid in the API is the mirror's. */
export function isSandboxOf(sandbox: Pick<Sandbox, 'namespace' | 'name' | 'uid'>, pod: Pod): boolean {
  if (sandbox.uid === pod.uid) return true;
  const isStatic = pod.controller === 'Node' || 'kubernetes.io/config.mirror' in pod.annotations;
  return isStatic && sandbox.namespace === pod.namespace && sandbox.name === pod.name;
}

/** A kubelet needs a second or two for a pod, and longer with a rollout on its hands. */
const STOPPING_MILLISECONDS = 120_000;

/**
 * Whether the kubelet said a moment ago that it stops the pod's containers. With a grace period of 0 the API forgets
 * the pod at once, and what is left on the node is being taken down.
 */
export function isBeingStopped(
  sandbox: Pick<Sandbox, 'uid'>,
  events: readonly Event[],
  now: number,
): boolean {
  return events.some(
    ({ reason, uid, lastSeen }) =>
      reason === 'Killing' &&
      uid === sandbox.uid &&
      lastSeen !== null &&
      now - Date.parse(lastSeen) < STOPPING_MILLISECONDS,
  );
}

/** Recreates the pod; where the API knows none, stops the sandbox itself. */
export function recreateSandbox(sandbox: Sandbox, pods: readonly Pod[], node: string): RemedyStep[] {
  const pod = pods.find((candidate) => isSandboxOf(sandbox, candidate));
  return pod === undefined ? [stopSandbox(sandbox, node)] : recreatePod(pod);
}

/** Stops one sandbox: CNI DEL, then the processes; the kubelet makes a new one if the pod is still wanted. */
export function stopSandbox(sandbox: Pick<Sandbox, 'id'>, node: string): RemedyStep {
  return onNode(node, 'stop the sandbox', command('crictl', 'stopp', sandbox.id));
}
