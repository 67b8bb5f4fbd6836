/** What every check of where a pod's processes run asks first. */
import { ownKernel } from '../../computed/preconditions.ts';
import type { ObservedPod, Sandbox } from '../../model/evidence.ts';
import type { AuditedObject } from '../../model/finding.ts';
import { isSandboxOf } from '../../model/sandbox-owner.ts';
import { notApplicable, type Outcome, podObject } from '../define.ts';

export type Judged = { readonly pod: ObservedPod; readonly sandbox: Sandbox; readonly object: AuditedObject };

/** Calls `judge` with each settled pod that has a ready sandbox, and says why other running pods are not judged. */
export function judgePods(
  pods: readonly ObservedPod[],
  sandboxes: readonly Sandbox[],
  node: string,
  judge: (judged: Judged) => Outcome,
): Outcome[] {
  return pods.flatMap((pod): Outcome[] => {
    if (pod.phase === 'Succeeded' || pod.phase === 'Failed') return [];
    const object = podObject(pod, node);
    if (pod.unsettled !== null) return [notApplicable(object, pod.unsettled)];
    const sandbox = newestReady(sandboxes.filter((candidate) => isSandboxOf(candidate, pod)));
    if (sandbox === undefined)
      return [notApplicable(object, 'the pod has no ready sandbox: see sandbox-missing')];
    if (!sandbox.stable) return [notApplicable(object, 'the sandbox changed while it was looked at')];
    const handler = ownKernel(sandbox, pod);
    if (handler !== null)
      return [notApplicable(object, `the runtime ${handler} runs the pod in its own kernel`)];
    return [judge({ pod, sandbox, object })];
  });
}

function newestReady(sandboxes: readonly Sandbox[]): Sandbox | undefined {
  return sandboxes
    .filter(({ state }) => state === 'ready')
    .toSorted((a, b) => (b.createdAt ?? '').localeCompare(a.createdAt ?? ''))[0];
}
