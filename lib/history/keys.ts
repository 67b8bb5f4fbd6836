/** The keys of the store (the same in a directory and in S3). */
import { createHash } from 'node:crypto';
import { dayOf } from '../model/run-id.ts';
import type { Table } from '../model/tables.ts';

/**
 * The longest name in a path: file systems allow 255 bytes; `cluster=`, `.json` and the temporary names of a
 * writer need some.
 */
const LONGEST = 180;

/**
 * Encodes any name as one part of a path: an EKS ARN has `:` and `/`. Reversible, and never `.` or `..`. A
 * name too long or malformed ends in `@` and its digest, which no other name does; only its start can be
 * decoded.
 */
function pathPart(name: string): string {
  const text = encodeURIComponent(name.toWellFormed()).replaceAll('.', '%2E');
  if (text.length <= LONGEST && name.isWellFormed()) return text;
  const digest = createHash('sha256').update(name, 'utf16le').digest('hex').slice(0, 32);
  return `${wholeCharacters(text.slice(0, LONGEST - digest.length - 1))}@${digest}`;
}

/** Drops the character that the cut split: decodeURIComponent rejects a partial one. */
function wholeCharacters(text: string): string {
  for (let end = text.length; end > 0; end -= 1) {
    try {
      decodeURIComponent(text.slice(0, end));
      return text.slice(0, end);
    } catch {
      // A character has at most four bytes, such as `%F0%9F%98%80`.
    }
  }
  return '';
}

/** A cluster's name as part of a key. */
export function clusterKey(cluster: string): string {
  return pathPart(cluster);
}

/** The name behind {@link clusterKey}; null if somebody else created the key. */
export function clusterOf(key: string): string | null {
  try {
    return decodeURIComponent(key);
  } catch {
    return null;
  }
}

export type Run = { readonly cluster: string; readonly runId: string };

const partition = ({ cluster, runId }: Run): string => `cluster=${clusterKey(cluster)}/dt=${dayOf(runId)}`;
/** Rows are mostly queried by day, so the day comes first: SQL need not know which clusters there are. */
const rowsOf = (cluster: string, day: string): string => `dt=${day}/cluster=${clusterKey(cluster)}/`;

/** Prefixes of stored objects, and how long each is kept: as reports, evidence or work, or (null) for good. */
export const PREFIXES = {
  reports: 'reports',
  findings: 'reports',
  nodes: 'reports',
  fleet: 'reports',
  alerts: 'reports',
  remedies: 'reports',
  evidence: 'evidence',
  work: 'work',
  latest: null,
} as const;

export const keys = {
  report: (run: Run): string => `reports/${partition(run)}/${run.runId}/report.json`,
  /** Prefix of the reports of a month (`YYYY-MM`) or day; of all if empty. */
  reportsOf: (cluster: string, time: string): string => `reports/cluster=${clusterKey(cluster)}/dt=${time}`,
  reportPage: (run: Run): string => `reports/${partition(run)}/${run.runId}/report.html`,
  findings: (run: Run): string => `findings/${rowsOf(run.cluster, dayOf(run.runId))}${run.runId}.ndjson.gz`,
  nodes: (run: Run): string => `nodes/${rowsOf(run.cluster, dayOf(run.runId))}${run.runId}.ndjson.gz`,
  /** Prefix of the rows of a day, for one cluster or all. */
  rowsOf: (table: Table, day: string, cluster?: string): string =>
    `${table}/${cluster === undefined ? `dt=${day}/` : rowsOf(cluster, day)}`,
  evidence: (run: Run, node: string): string =>
    `evidence/${partition(run)}/${run.runId}/${pathPart(node)}.tar.gz`,
  evidenceOf: (run: Run): string => `evidence/${partition(run)}/${run.runId}/`,
  alerts: (run: Run): string => `alerts/${partition(run)}/${run.runId}.json`,
  /** Names the last record written. */
  lastAlert: (cluster: string): string => `alerts/cluster=${clusterKey(cluster)}/last.json`,
  /** Prefix of the records of a month (`YYYY-MM`); of all if empty. */
  alertsOf: (cluster: string, time: string): string => `alerts/cluster=${clusterKey(cluster)}/dt=${time}`,
  /** @param part - the object, and whether its repair began or ended */
  repair: (run: Run, part: string): string => `remedies/${partition(run)}/${run.runId}/${part}.json`,
  /** Prefix of all repairs of a cluster. */
  allRepairsOf: (cluster: string): string => `remedies/cluster=${clusterKey(cluster)}/`,
  /** Prefix of the repairs of a day. */
  repairsOf: (cluster: string, day: string): string => `remedies/cluster=${clusterKey(cluster)}/dt=${day}/`,
  fleet: (runId: string): string => `fleet/dt=${dayOf(runId)}/${runId}.json`,
  fleetPage: (runId: string): string => `fleet/dt=${dayOf(runId)}/${runId}.html`,
  /** Prefix of the runs of a day. */
  fleetsOf: (day: string): string => `fleet/dt=${day}/`,
  claim: (runId: string): string => `work/${runId}/claim.json`,
  exceptions: (runId: string): string => `work/${runId}/exceptions.json`,
  /** Clusters that a run found. */
  found: (runId: string): string => `work/${runId}/found.json`,
  /** The targets of a run: an array that the states process one by one. */
  tasks: (runId: string): string => `work/${runId}/tasks.json`,
  /** Clusters that earlier runs found. */
  register: (): string => 'latest/found-clusters.json',
  work: (run: Run, part: string): string => `work/${run.runId}/${clusterKey(run.cluster)}/${part}`,
  latest: (cluster: string): string => `latest/cluster=${clusterKey(cluster)}.json`,
};
