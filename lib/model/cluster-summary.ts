/** One cluster in one line: for lists of runs, the fleet's report and page, and the message about all clusters. */
import * as z from 'zod';
import { type Finding, isCounted, severities } from './finding.ts';
import { type ClusterReport, type NodeCoverage, nodeResults, verdicts } from './report.ts';

export const clusterSummarySchema = z.object({
  cluster: z.string(),
  verdict: z.enum(verdicts),
  /** Number of nodes, by the outcome of their audit. */
  nodes: z.record(z.enum(nodeResults), z.int()),
  /** Number of active findings, by severity. */
  findings: z.record(z.enum(severities), z.int()),
  /** Number of active findings that the previous run did not have. */
  new: z.int(),
  resolved: z.int(),
});
export type ClusterSummary = z.infer<typeof clusterSummarySchema>;

/** The parts of a report that a summary needs. */
type Summarized<One> = Pick<ClusterReport, 'verdict'> & {
  readonly cluster: Pick<ClusterReport['cluster'], 'name'>;
  readonly coverage: { readonly nodes: readonly Pick<NodeCoverage, 'result'>[] };
  readonly findings: readonly One[];
  readonly resolved: readonly unknown[];
};

/** @param keeps - which findings to count; all by default */
export function clusterSummary<One extends Parameters<typeof isCounted>[0] & Pick<Finding, 'severity'>>(
  report: Summarized<One>,
  keeps: (finding: One) => boolean = () => true,
): ClusterSummary {
  const active = report.findings.filter((finding) => isCounted(finding) && keeps(finding));
  const bySeverity = (severity: (typeof severities)[number]): number =>
    active.filter((finding) => finding.severity === severity).length;
  const byResult = (result: (typeof nodeResults)[number]): number =>
    report.coverage.nodes.filter((node) => node.result === result).length;
  return {
    cluster: report.cluster.name,
    verdict: report.verdict,
    nodes: {
      audited: byResult('audited'),
      partial: byResult('partial'),
      skipped: byResult('skipped'),
      failed: byResult('failed'),
    },
    findings: {
      critical: bySeverity('critical'),
      high: bySeverity('high'),
      medium: bySeverity('medium'),
      low: bySeverity('low'),
    },
    new: active.filter(({ state }) => state === 'new').length,
    resolved: report.resolved.length,
  };
}
