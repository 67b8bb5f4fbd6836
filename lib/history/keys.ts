/** The keys of the store (the same in a directory and in S3) and the names of runs. */
import { dayOf } from '../model/run-id.ts';

/** A cluster's name as part of a key: an EKS ARN has `:` and `/`. Reversible, and never `.` or `..`. */
export function clusterKey(cluster: string): string {
  return encodeURIComponent(cluster).replaceAll('.', '%2E');
}

/** The name behind {@link clusterKey}. */
export function clusterOf(key: string): string {
  return decodeURIComponent(key);
}

export type Run = { readonly cluster: string; readonly runId: string };

const partition = ({ cluster, runId }: Run): string => `cluster=${clusterKey(cluster)}/dt=${dayOf(runId)}`;

export const keys = {
  report: (run: Run): string => `reports/${partition(run)}/${run.runId}/report.json`,
  reportPage: (run: Run): string => `reports/${partition(run)}/${run.runId}/report.html`,
  findings: (run: Run): string => `findings/${partition(run)}/${run.runId}.ndjson.gz`,
  nodes: (run: Run): string => `nodes/${partition(run)}/${run.runId}.ndjson.gz`,
  evidence: (run: Run, node: string): string =>
    `evidence/${partition(run)}/${run.runId}/${encodeURIComponent(node)}.tar.gz`,
  evidenceOf: (run: Run): string => `evidence/${partition(run)}/${run.runId}/`,
  latest: (cluster: string): string => `latest/cluster=${clusterKey(cluster)}.json`,
};
