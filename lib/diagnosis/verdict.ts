/** One word for a cluster. */
import { type Finding, isAtLeast, isCounted, type Severity } from '../model/finding.ts';
import type { ClusterReport, Verdict } from '../model/report.ts';

/**
 * A node failed or was only partly read, or a check could not decide. Skipped nodes are no gap, and a cluster without
 * nodes (scaled to zero, only Fargate) has none; but a request for some nodes that finds none has one.
 */
export function isIncomplete({ scope, coverage }: Pick<ClusterReport, 'scope' | 'coverage'>): boolean {
  return (
    coverage.nodes.some((node) => node.result === 'failed' || node.result === 'partial') ||
    (scope === 'part' && coverage.nodes.every((node) => node.result === 'skipped')) ||
    coverage.checks.some((check) => check.unknown > 0)
  );
}

/** `incomplete` is the result of isIncomplete for the findings' report. */
export function verdict(findings: readonly Finding[], incomplete: boolean): Verdict {
  const open = findings.filter(isCounted);
  if (open.some((finding) => finding.severity === 'critical')) return 'critical';
  if (incomplete) return 'incomplete';
  return open.some((finding) => isAtLeast(finding.severity, 'medium')) ? 'degraded' : 'healthy';
}

/** Whether the report has an active finding at or above the threshold. */
export function hasFindings(report: ClusterReport, threshold: Severity): boolean {
  return report.findings.some((finding) => isCounted(finding) && isAtLeast(finding.severity, threshold));
}
