/** Whether a namespace could be created on the node. */
import type { Part, Sandbox, Sources } from '../model/evidence.ts';
import { parseCreation } from './parse/kernel.ts';
import type { Reader } from './reader.ts';

/** @param sandboxes - those created or deleted meanwhile may explain a slow creation */
export function creationEvidence(
  { steps, raw, need, part }: Reader,
  sandboxes: Part<Sandbox[]>,
): Part<Sources['creation']> {
  const meanwhile =
    sandboxes.status === 'present'
      ? sandboxes.value.filter(({ network, stable }) => network === 'pod' && !stable).length
      : 0;
  const milliseconds = steps.hung.get('creation');
  // A creation that hangs is not a failed source: it is the finding.
  if (milliseconds !== undefined)
    return { status: 'present', value: { ok: false, milliseconds, error: 'did not end', meanwhile } };
  if (raw('kernel/creation') === null && !steps.problems.has('creation'))
    return { status: 'absent', reason: 'not asked for' };
  return part('creation', () => ({ ...parseCreation(need('kernel/creation')), meanwhile }));
}
