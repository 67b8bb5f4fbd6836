/** What acts read from an audit of their node: right before they act, and as proof afterwards. */
import { messageOf } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import type { ClusterReport } from '../model/report.ts';
import type { ActContext } from './repair-act.ts';

/** Why an audit says too little of a node: `could not be read completely: …`; null if it was read in full. */
export function whyUnread({ coverage }: Pick<ClusterReport, 'coverage'>, node: string): string | null {
  const found = coverage.nodes.find((each) => each.node === node);
  return found?.result === 'audited'
    ? null
    : `could not be read completely: ${found?.reason ?? 'it is not listed'}`;
}

/**
 * The audit that proves what was done on a node.
 *
 * @returns why nothing could be proven, to follow what was done: that is known all the same, and how it is undone
 * @throws AuditError ABORTED
 */
export async function auditAfter(
  node: string,
  { look, renew, signal }: Pick<ActContext, 'look' | 'renew' | 'signal'>,
): Promise<ClusterReport | string> {
  let report: ClusterReport;
  try {
    await renew();
    report = await look(node);
  } catch (error) {
    if (signal.aborted) throw error;
    return `but no audit could prove it: ${messageOf(error)}`;
  }
  const unread = whyUnread(report, node);
  return unread === null ? report : `but afterwards ${node} ${unread}`;
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
