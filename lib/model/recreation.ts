/** Findings that a new pod repairs: the tool can make it, and reports say so. */
import type { Finding } from './finding.ts';
import { command } from './shell.ts';

/**
 * Whether all that its remedy changes is to delete the pod, by the very command for this pod. Where more is to be done, as to
 * other pods that shared its network, the deletion alone would leave them broken.
 */
export function isRepairedByNewPod({ object, remedy }: Pick<Finding, 'object' | 'remedy'>): boolean {
  if (object.kind !== 'pod' || object.namespace === undefined) return false;
  const [only, more] = remedy.filter(({ purpose }) => purpose === 'repair');
  if (more !== undefined) return false;
  return only?.command === command('kubectl', 'delete', 'pod', '-n', object.namespace, object.name);
}
