/** Repairs of a sandbox. */
import type { Sandbox } from '../../model/evidence.ts';
import type { RemedyStep } from '../../model/finding.ts';
import type { Pod } from '../../model/kubernetes.ts';
import { isSandboxOf } from '../../model/sandbox-owner.ts';
import type { Step } from '../define.ts';
import { command, recreatePod, repairOnNode } from './steps.ts';

/** Recreates the pod; if the API does not know it, stops the sandbox itself. */
export function recreateSandbox(sandbox: Sandbox, pods: readonly Pod[], node: string): Step[] {
  const pod = pods.find((candidate) => isSandboxOf(sandbox, candidate));
  return pod === undefined ? [stopSandbox(sandbox, node)] : recreatePod(pod);
}

/** Stops one sandbox: CNI DEL, then its processes. The kubelet creates a new one if the pod is still wanted. */
export function stopSandbox(sandbox: Pick<Sandbox, 'id'>, node: string): RemedyStep {
  return repairOnNode(node, 'stop the sandbox', command('crictl', 'stopp', sandbox.id));
}
