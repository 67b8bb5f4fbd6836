/** Builds a run's report from the results of its nodes, whichever processes audited them. */
import { diagnoseCluster } from '../diagnosis/diagnose-cluster.ts';
import type { CheckSet } from '../model/check-set.ts';
import type { Exception } from '../model/exception.ts';
import type { KubectlOptions } from '../model/kubectl.ts';
import type { NodeResult } from '../model/node-result.ts';
import type { ClusterReport } from '../model/report.ts';
import type { RunRecord } from '../probe/index.ts';
import { checksFor } from './checks-for.ts';

/** Pure. `results` is read once and may stream. */
export function concludeRun(run: {
  readonly record: RunRecord;
  /** As in its batches. @default all */
  readonly checks?: CheckSet;
  readonly finishedAt: string;
  readonly results: Iterable<NodeResult>;
  /** The report to compare with. */
  readonly previous: ClusterReport | null;
  readonly exceptions: readonly Exception[];
  /** @default null: no kubeconfig was used */
  readonly kubectl?: KubectlOptions | null;
}): ClusterReport {
  const { record } = run;
  return diagnoseCluster({
    runId: record.runId,
    cluster: record.cluster,
    scope: record.scope,
    startedAt: record.startedAt,
    finishedAt: run.finishedAt,
    auditorVersion: record.version,
    results: run.results,
    checks: checksFor(record.active, run.checks),
    previous: run.previous,
    settleSeconds: record.settleSeconds,
    exceptions: run.exceptions,
    kubectl: run.kubectl ?? null,
  });
}
