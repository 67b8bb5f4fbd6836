/** One finding or node per line: the format of Athena and DuckDB. */
import type { ClusterReport } from '../model/report.ts';
import { dayOf } from '../model/run-id.ts';
import { fitted } from '../model/tables.ts';
import { jsonText } from './escape.ts';

/** Rows of a report for Athena and DuckDB: one object per line, each with its cluster, run and day. */
export function rows(report: ClusterReport, of: 'findings' | 'nodes'): string {
  return [...eachRow(report, of)].join('');
}

/**
 * The same one by one: if every pod of a large cluster has a finding, together they are hundreds of megabytes
 * of text.
 */
export function* eachRow(report: ClusterReport, of: 'findings' | 'nodes'): Generator<string> {
  const run = {
    cluster: report.cluster.name,
    runId: report.runId,
    dt: dayOf(report.runId),
    // The nodes of a partial audit do not add up to the cluster.
    ...(of === 'nodes' ? { scope: report.scope } : {}),
  };
  const items: readonly object[] =
    of === 'nodes'
      ? report.nodes
      : // What the tool could repair is of use to the tool alone, replicas and lastWithout to those who read a report.
        [...report.findings, ...report.resolved].map(
          ({ repair: _, replicas: __, lastWithout: ___, ...finding }) => finding,
        );
  for (const item of items) yield `${jsonText(fitted(of, { ...run, ...item }))}\n`;
}
