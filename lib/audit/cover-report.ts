/** Applies current exceptions to an earlier report: repairs must leave alone what they cover. */
import { catalogue } from '../checks/catalogue.ts';
import { type Cluster, listNodes } from '../cluster/index.ts';
import { exceptionsFor, labelKey, matchesOf, suppress } from '../diagnosis/exceptions.ts';
import type { Exception } from '../model/exception.ts';
import type { ClusterReport } from '../model/report.ts';

const checks = new Map(catalogue.map((check) => [check.id, check]));

/**
 * What an exception covered in the report stays covered. Node labels are current; a pod's labels are read when its node
 * is audited again, right before the pod is recreated.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function coverReport(
  cluster: Cluster,
  report: ClusterReport,
  exceptions: readonly Exception[],
  signal?: AbortSignal,
): Promise<ClusterReport> {
  const holding = exceptionsFor(exceptions, cluster.name);
  if (holding.length === 0) return report;
  const asksForLabels = holding.some(({ labels }) => labels !== undefined);
  const nodes = asksForLabels ? await listNodes(cluster, signal === undefined ? {} : { signal }) : [];
  const labels = new Map(nodes.map((node) => [labelKey(node.name, node.name), node.labels]));
  const matches = matchesOf(holding, report.findings, { checks, labels });
  const covered = suppress(report.findings, matches, new Date().toISOString());
  const findings = report.findings.map((finding, index) => ({
    ...finding,
    suppressed: finding.suppressed ?? covered[index]?.suppressed ?? null,
  }));
  return { ...report, findings };
}
