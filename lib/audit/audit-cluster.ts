/** The audit of one cluster in one process: plan, gather, diagnose, compare. The caller publishes. */
import type { Cluster } from '../cluster/index.ts';
import type { Exception } from '../model/exception.ts';
import type { NodeResult } from '../model/node-result.ts';
import type { ClusterReport, NodeCoverage } from '../model/report.ts';
import type { RunRecord } from '../probe/index.ts';
import { auditBatch, type BatchOptions } from './audit-batch.ts';
import { concludeRun } from './conclude-run.ts';
import type { Gathered } from './judge-node.ts';
import { type PlanOptions, planCluster } from './plan-cluster.ts';

export type AuditOptions = Omit<PlanOptions, 'previousRunId'> &
  Omit<BatchOptions, 'onNode' | 'outOfTime'> & {
    readonly previous: ClusterReport | null;
    readonly exceptions: readonly Exception[];
    readonly onProgress: (progress: Progress) => void;
    /** Called with everything gathered from a node, to be kept. */
    readonly onGathered: (gathered: Gathered, record: RunRecord) => Promise<void>;
  };

export type Progress =
  | { readonly kind: 'swept'; readonly pods: readonly string[] }
  | { readonly kind: 'planned'; readonly nodes: number; readonly skipped: number }
  | {
      readonly kind: 'node';
      readonly coverage: NodeCoverage;
      readonly done: number;
      readonly nodes: number;
      readonly findings: number;
    };

/**
 * @throws AuditError CLUSTER_*, ABORTED if the cluster as a whole cannot be audited; errors of nodes are in
 * the coverage
 */
export async function auditCluster(cluster: Cluster, options: AuditOptions): Promise<ClusterReport> {
  const { previous, exceptions, onProgress } = options;
  const plan = await planCluster(cluster, { ...options, previousRunId: previous?.runId ?? null });
  if (plan.swept.length > 0) onProgress({ kind: 'swept', pods: plan.swept });
  const skipped = plan.nodes.filter((planned) => planned.coverage !== null).length;
  onProgress({ kind: 'planned', nodes: plan.nodes.length - skipped, skipped });
  const results: NodeResult[] = [];
  await auditBatch(cluster, plan, {
    ...options,
    async onNode(gathered, result) {
      results.push(result);
      await options.onGathered(gathered, plan.record);
      onProgress({
        kind: 'node',
        coverage: result.coverage,
        done: results.length,
        nodes: plan.nodes.length,
        findings: result.failures.length,
      });
    },
  });
  return concludeRun({
    record: plan.record,
    finishedAt: new Date().toISOString(),
    results,
    previous,
    exceptions,
    kubectl: cluster.kubectl ?? null,
  });
}
