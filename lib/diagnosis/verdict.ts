/** One word for a cluster. */
import { counts, type Finding, isAtLeast, type Severity } from '../model/finding.ts';
import type { ClusterReport, Verdict } from '../model/report.ts';

/**
 * A node that failed or was read in part, or a check that could not decide. Skipped nodes are no gap, and a cluster without
 * nodes (scaled to zero, Fargate alone) has none; but whoever asks for some nodes and gets none has one.
 */
export function isIncomplete({ scope, coverage }: Pick<ClusterReport, 'scope' | 'coverage'>): boolean {
  return (
    coverage.nodes.some((node) => node.result === 'failed' || node.result === 'partial') ||
    (scope === 'part' && coverage.nodes.every((node) => node.result === 'skipped')) ||
    coverage.checks.some((check) => check.unknown > 0)
  );
}

/** `incomplete` is what isIncomplete says of the report that the findings are of. */
export function verdict(findings: readonly Finding[], incomplete: boolean): Verdict {
  const open = findings.filter(counts);
  if (open.some((finding) => finding.severity === 'critical')) return 'critical';
  if (incomplete) return 'incomplete';
  return open.some((finding) => isAtLeast(finding.severity, 'medium')) ? 'degraded' : 'healthy';
}

/** Whether the report has a finding that counts at or above the threshold. */
export function hasFindings(report: ClusterReport, threshold: Severity): boolean {
  return report.findings.some((finding) => counts(finding) && isAtLeast(finding.severity, threshold));
}
