/** Findings that a new pod repairs: the tool can make it, and reports say so. */
import type { Finding } from './finding.ts';
import { command } from './shell.ts';

/** Whether the first thing that its remedy changes is to delete the pod, by the very command for this pod. */
export function isRepairedByNewPod({ object, remedy }: Pick<Finding, 'object' | 'remedy'>): boolean {
  if (object.kind !== 'pod' || object.namespace === undefined) return false;
  const first = remedy.find(({ purpose }) => purpose === 'repair');
  return first?.command === command('kubectl', 'delete', 'pod', '-n', object.namespace, object.name);
}
