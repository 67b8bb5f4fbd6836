/** How a user narrows a report: to one check, one node, or both. Pure. */
import { nodeOf } from './finding.ts';

export type Narrowing = { readonly check?: string; readonly node?: string };

/** Whether a finding is of the requested check and on the requested node. */
export function isAbout(
  finding: { readonly check: string } & Parameters<typeof nodeOf>[0],
  asked: Narrowing,
): boolean {
  return (
    (asked.check === undefined || finding.check === asked.check) &&
    (asked.node === undefined || nodeOf(finding) === asked.node)
  );
}
