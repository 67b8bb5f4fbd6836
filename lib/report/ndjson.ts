/** One finding or node a line: what Athena and DuckDB read. */
import type { ClusterReport } from '../model/report.ts';
import { dayOf } from '../model/run-id.ts';
import { jsonText } from './escape.ts';

/** Rows of a report for Athena and DuckDB: one object a line, each with its cluster, run and day. */
export function rows(report: ClusterReport, of: 'findings' | 'nodes'): string {
  const run = {
    cluster: report.cluster.name,
    runId: report.runId,
    dt: dayOf(report.runId),
    // The nodes of a part are no sum of the cluster.
    ...(of === 'nodes' ? { scope: report.scope } : {}),
  };
  const items: readonly object[] = of === 'nodes' ? report.nodes : [...report.findings, ...report.resolved];
  return items.map((item) => `${jsonText({ ...run, ...item })}\n`).join('');
}
