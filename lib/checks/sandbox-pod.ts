/** Which pod of the API a sandbox of the runtime is, and its repair. */
import type { Sandbox } from '../model/evidence.ts';
import type { RemedyStep } from '../model/finding.ts';
import type { Pod } from '../model/kubernetes.ts';
import { command, onNode, recreatePod } from './remedies.ts';

/** By uid; the sandbox of a static pod carries the hash of its manifest, as its uid in the API is the mirror's. */
export function isSandboxOf(sandbox: Pick<Sandbox, 'namespace' | 'name' | 'uid'>, pod: Pod): boolean {
  if (sandbox.uid === pod.uid) return true;
  const isStatic = pod.controller === 'Node' || 'kubernetes.io/config.mirror' in pod.annotations;
  return isStatic && sandbox.namespace === pod.namespace && sandbox.name === pod.name;
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
