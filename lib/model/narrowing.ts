/** How a user narrows a report: to one check, one node, or both. Pure. */
import type { Finding } from './finding.ts';

export type Narrowing = { readonly check?: string; readonly node?: string };

type Placed = Pick<Finding, 'check'> & {
  readonly object: { readonly kind: string; readonly name: string; readonly node?: string | undefined };
};

/** Whether a finding is of the requested check and on the requested node. */
export function isAbout({ check, object }: Placed, asked: Narrowing): boolean {
  return (
    (asked.check === undefined || check === asked.check) &&
    (asked.node === undefined ||
      object.node === asked.node ||
      (object.kind === 'node' && object.name === asked.node))
  );
}
