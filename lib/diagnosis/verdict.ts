/** One word for a cluster, and the order in which its findings are read. */
import { type Finding, isAtLeast, type Severity, severities } from '../model/finding.ts';
import type { ClusterReport, Verdict } from '../model/report.ts';

/** Whether a finding counts: a second observation is not awaited, and no exception covers it. */
export function counts(finding: Finding): boolean {
  return finding.state !== 'pending' && finding.suppressed === null;
}

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

/** Worst first, then by check and object: the same findings are always in the same order. */
export function order(a: Finding, b: Finding): number {
  return (
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    text(a.check, b.check) ||
    text(a.object.node ?? '', b.object.node ?? '') ||
    text(a.object.namespace ?? '', b.object.namespace ?? '') ||
    text(a.object.name, b.object.name) ||
    text(a.fingerprint, b.fingerprint)
  );
}

function text(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
