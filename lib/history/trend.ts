/** A node metric over time, read from the rows of one run per column. */
import * as z from 'zod';
import { DAY } from '../model/days.ts';
import { forEachLimited } from '../model/limit.ts';
import { isRunId, timeOf } from '../model/run-id.ts';
import { type OnDamage, unlessDamaged } from './damage.ts';
import { keys, type Run } from './keys.ts';
import { readRows } from './list.ts';
import type { Grouping, Metric } from './metrics.ts';
import { latestRun } from './reports.ts';
import type { Store } from './store.ts';

const rowSchema = z.object({
  cluster: z.string(),
  // Rows of the first versions lack it.
  scope: z.enum(['cluster', 'part']).default('cluster'),
  node: z.string(),
  pods: z.number(),
  namespaces: z.number().nullable(),
  orphans: z.number().nullable(),
  limit: z.number().nullable(),
  kernel: z.string(),
  cni: z.string().nullable(),
  ami: z.string().nullable(),
  nodegroup: z.string().nullable(),
});
export type NodeRow = z.infer<typeof rowSchema>;

export type Series = {
  readonly name: string;
  /** One value per column, oldest first; null if no run has it. */
  readonly values: readonly (number | null)[];
};

/** A time span, in milliseconds: includes `from`, excludes `to`. */
export type Column = { readonly from: number; readonly to: number };

/** Time in columns of equal length, oldest first. Pure. */
export function columnsOf(from: Date, to: Date, count: number): Column[] {
  const step = Math.max(1, (to.getTime() - from.getTime()) / count);
  return Array.from({ length: count }, (_, index) => ({
    from: from.getTime() + index * step,
    to: from.getTime() + (index + 1) * step,
  }));
}

/** Days (UTC) that a column touches, newest first. Pure. */
function daysOf({ from, to }: Column): string[] {
  const days: string[] = [];
  for (let day = Math.floor((to - 1) / DAY); day >= Math.floor(from / DAY); day -= 1)
    days.push(new Date(day * DAY).toISOString().slice(0, 10));
  return days;
}

/**
 * Rows of the newest run of each column; the days between are not even listed. A sum over a cluster needs a run of all
 * of it: if the newest is partial, the one before is read.
 * @throws AuditError STORE if the store does not answer now
 */
export async function trendRows(
  store: Store,
  cluster: string,
  columns: readonly Column[],
  partsToo: boolean,
  onDamage: OnDamage,
): Promise<NodeRow[][]> {
  const found = await readColumns(store, cluster, columns, partsToo, onDamage, (rows) => rows);
  return found.map((rows) => rows ?? []);
}

/**
 * Like {@link trendRows}, with `take` applied to the rows; null for a column without a run. Another run of
 * the column replaces one with damaged rows.
 * @throws AuditError STORE if the store does not answer now
 */
export async function readColumns<T>(
  store: Store,
  cluster: string,
  columns: readonly Column[],
  partsToo: boolean,
  onDamage: OnDamage,
  take: (rows: NodeRow[], run: Run) => T,
): Promise<(T | null)[]> {
  const oldest = (await unlessDamaged(() => oldestDay(store, cluster), onDamage)) ?? LATER;
  const whole = partsToo ? null : await unlessDamaged(() => latestRun(store, cluster), onDamage);
  const listed = new Map<string, Promise<Run[]>>();
  const runsOf = (day: string): Promise<Run[]> => {
    const found =
      listed.get(day) ??
      unlessDamaged(() => runsOfDay(store, cluster, day), onDamage).then((runs) => runs ?? []);
    listed.set(day, found);
    return found;
  };
  const read = async (column: Column): Promise<T | null> => {
    for (const day of daysOf(column).filter((each) => each >= oldest)) {
      for (const run of likeliestFirst(await runsOf(day), whole)) {
        const time = Date.parse(timeOf(run.runId));
        if (time < column.from || time >= column.to) continue;
        const read = (): Promise<NodeRow[] | null> => readRows(store, keys.nodes(run), cluster, rowSchema);
        const rows = (await unlessDamaged(read, onDamage)) ?? [];
        if (rows.length > 0 && (partsToo || rows[0]?.scope === 'cluster')) return take(rows, run);
      }
    }
    return null;
  };
  const found = columns.map((): T | null => null);
  await forEachLimited(columns.entries(), AT_ONCE, async ([index, column]) => {
    found[index] = await read(column);
  });
  return found;
}

/** Node files to read at once: that of a large cluster has megabytes. */
const AT_ONCE = 8;

/** A day with more runs than this has hourly ones, partial or counts only, beside the audit to find. */
const MANY = 4;

/** Newest first; on a day with many runs, first those at the hour of the latest audit of the whole cluster. */
function likeliestFirst(runs: readonly Run[], whole: Run | null): readonly Run[] {
  if (whole === null || runs.length <= MANY) return runs;
  const hour = (run: Run): number => Date.parse(timeOf(run.runId)) % DAY;
  const apart = (run: Run): number => {
    const distance = Math.abs(hour(run) - hour(whole));
    return Math.min(distance, DAY - distance);
  };
  return runs.toSorted((a, b) => apart(a) - apart(b));
}

/** Keys are listed in order, so the first is of the oldest day; after any day if there is none. */
async function oldestDay(store: Store, cluster: string): Promise<string> {
  for await (const key of store.list(keys.reportsOf(cluster, '')))
    return /\/dt=([^/]+)\//.exec(key)?.[1] ?? '';
  return LATER;
}

/** After any day. */
const LATER = '9999';

/** Newest first. */
async function runsOfDay(store: Store, cluster: string, day: string): Promise<Run[]> {
  const found: Run[] = [];
  for await (const key of store.list(keys.rowsOf('nodes', day, cluster))) {
    const runId = /\/([^/]+)\.ndjson\.gz$/.exec(key)?.[1];
    if (runId !== undefined && isRunId(runId)) found.push({ cluster, runId });
  }
  return found.toReversed();
}

/** Values of a metric in each column, for each cluster, node, AMI…; the largest last value first. Pure. */
export function series(columns: readonly (readonly NodeRow[])[], metric: Metric, by: Grouping): Series[] {
  const groups = columns.map((rows) => Map.groupBy(rows, (row) => row[by] ?? 'unknown'));
  const names = new Set(groups.flatMap((column) => [...column.keys()]));
  return [...names]
    .map((name) => ({ name, values: groups.map((column) => value(column.get(name) ?? [], metric)) }))
    .toSorted((a, b) => last(b) - last(a) || (a.name < b.name ? -1 : 1));
}

/** The last known value. */
export function last({ values }: Series): number {
  return values.findLast((each) => each !== null) ?? 0;
}

/** Sums over nodes; for `usage`, percent of the limit, the fullest node. Null if no node has data. */
function value(rows: readonly NodeRow[], metric: Metric): number | null {
  if (rows.length === 0) return null;
  if (metric === 'nodes') return rows.length;
  const known = rows
    .map((row) =>
      metric !== 'usage'
        ? row[metric]
        : row.namespaces === null || row.limit === null || row.limit === 0
          ? null
          : (100 * row.namespaces) / row.limit,
    )
    .filter((each) => each !== null);
  if (known.length === 0) return null;
  return metric === 'usage'
    ? Math.round(known.reduce((a, b) => Math.max(a, b)) * 10) / 10
    : known.reduce((sum, each) => sum + each, 0);
}
