/** What acts read from an audit of their node: right before they act, and as proof afterwards. */
import type { Finding } from '../model/finding.ts';
import type { ClusterReport } from '../model/report.ts';

/** Why an audit says too little of a node: `could not be read completely: …`; null if it was read in full. */
export function whyUnread({ coverage }: Pick<ClusterReport, 'coverage'>, node: string): string | null {
  const found = coverage.nodes.find((each) => each.node === node);
  return found?.result === 'audited'
    ? null
    : `could not be read completely: ${found?.reason ?? 'it is not listed'}`;
}

/**
 * The findings that give a reason to act now: sure ones, explained by no other. One that no exception covers is enough.
 *
 * @returns why there is none; null if there is
 */
export function whyNotAgain(
  { findings }: Pick<ClusterReport, 'findings'>,
  isSame: (finding: Finding) => boolean,
): string | null {
  const seen = findings.filter(
    (finding) => finding.confidence !== 'suspected' && finding.partOf === null && isSame(finding),
  );
  if (seen.length === 0) return 'the fault was not seen again';
  if (seen.every(({ suppressed }) => suppressed !== null))
    return `an exception of ${seen[0]?.suppressed?.owner} covers it`;
  return null;
}
