/** Runs, one line each. */
import * as z from 'zod';
import { type ClusterSummary, clusterSummary } from '../model/cluster-summary.ts';
import { severities } from '../model/finding.ts';
import { isAbout, type Narrowing } from '../model/narrowing.ts';
import { type ClusterReport, nodeResults, verdicts } from '../model/report.ts';
import { dayOf } from '../model/run-id.ts';
import { damageOf, type OnDamage, parsedJson, unlessDamaged, unpacked } from './damage.ts';
import { keys, type Run } from './keys.ts';
import { latestRun, readAs } from './reports.ts';
import { runs } from './runs.ts';
import type { Store } from './store.ts';

/** The parts of a report that a list line needs; the rest is not parsed. */
const summarySchema = z.object({
  runId: z.string(),
  cluster: z.object({ name: z.string() }),
  scope: z.enum(['cluster', 'part']),
  startedAt: z.string(),
  verdict: z.enum(verdicts),
  coverage: z.object({ nodes: z.array(z.object({ result: z.enum(nodeResults) })) }),
  findings: z.array(
    z.object({
      check: z.string(),
      severity: z.enum(severities),
      state: z.string(),
      suppressed: z.unknown(),
      object: z.object({ kind: z.string(), name: z.string(), node: z.string().optional() }),
    }),
  ),
  resolved: z.array(z.unknown()),
});

/** With a check or node given, only its findings; the verdict is always that of the whole run. */
export type RunSummary = ClusterSummary & Pick<ClusterReport, 'runId' | 'scope' | 'startedAt'>;

/**
 * The newest readable run of the whole cluster; else the newest partial one. Null if there is no run
 * in this time.
 * @throws AuditError STORE if the store does not answer now
 */
export async function lastSummary(
  store: Store,
  cluster: string,
  since: string,
  until: string,
  onDamage: OnDamage,
): Promise<RunSummary | null> {
  const reported = new Set<string>();
  const reportOnce = (damage: Parameters<OnDamage>[0]): void => {
    if (!reported.has(damage.message)) onDamage(damage);
    reported.add(damage.message);
  };
  const read = async (run: Run): Promise<RunSummary | null> =>
    await unlessDamaged(() => summary(store, run), reportOnce);
  const latest = await unlessDamaged(() => latestRun(store, cluster), reportOnce);
  if (latest !== null && dayOf(latest.runId) >= since) {
    const whole = await read(latest);
    if (whole !== null) return whole;
  }
  let part: RunSummary | null = null;
  for await (const run of runs(store, [cluster], since, until, reportOnce)) {
    const found = await read(run);
    if (found?.scope === 'cluster') return found;
    part ??= found;
  }
  return part;
}

/** One run as one line; null if its report does not exist. @throws AuditError STORE if it cannot be read. */
async function summary(store: Store, run: Run, only: Narrowing = {}): Promise<RunSummary | null> {
  const report = await readAs(store, run, summarySchema);
  if (report === null) return null;
  const { runId, scope, startedAt } = report;
  return { ...clusterSummary(report, (finding) => isAbout(finding, only)), runId, scope, startedAt };
}

/** Reports read ahead: S3 has latency, and serves many in the same time. */
const AHEAD = 16;

/**
 * Whether a run may have matching findings. Its finding rows show it: they are few, while the reports of two years
 * take 15 seconds to read.
 */
async function isWanted(
  store: Store,
  run: Run,
  { check, node }: Narrowing,
  onDamage: OnDamage,
): Promise<boolean> {
  const names = [check, node].filter((name) => name !== undefined);
  if (names.length === 0) return true;
  const key = keys.findings(run);
  const rows = await unlessDamaged(async () => {
    const stored = await store.get(key);
    return stored === null ? null : unpacked(store, key, stored.body);
  }, onDamage);
  return rows === null || names.every((name) => rows.includes(JSON.stringify(name)));
}

/**
 * Runs as lines, in order, read on demand; for a check or node, only runs that may have findings
 * for it.
 *
 * @param only - filter: see {@link summary}
 * @param onDamage - called in order for reports that cannot be read and are left out
 * @throws AuditError STORE if the store does not answer now
 */
export async function* summaries(
  store: Store,
  all: AsyncIterable<Run>,
  only: Narrowing,
  onDamage: OnDamage,
): AsyncGenerator<RunSummary> {
  const reading: Promise<RunSummary | null>[] = [];
  const read = async (run: Run): Promise<RunSummary | null> =>
    (await isWanted(store, run, only, onDamage)) ? await summary(store, run, only) : null;
  try {
    for await (const run of all) {
      const line = read(run);
      // Awaited later; until then nobody would handle its failure.
      line.catch(() => {});
      reading.push(line);
      const due = reading.length < AHEAD ? undefined : reading.shift();
      const first = due === undefined ? null : await unlessDamaged(() => due, onDamage);
      if (first !== null) yield first;
    }
    for (;;) {
      const next = reading.shift();
      if (next === undefined) return;
      const line = await unlessDamaged(() => next, onDamage);
      if (line !== null) yield line;
    }
  } finally {
    // The caller has seen enough: ignore the outcome of the rest.
    await Promise.allSettled(reading);
  }
}

/**
 * Rows of a `.ndjson.gz` in the store; null if it does not exist. A damaged one is not read in part: a sum without some
 * nodes is wrong.
 *
 * @throws AuditError STORE that names the file and the line
 */
export async function readRows<T extends { cluster: string }>(
  store: Store,
  key: string,
  cluster: string,
  schema: z.ZodType<T>,
): Promise<T[] | null> {
  const stored = await store.get(key);
  if (stored === null) return null;
  return unpacked(store, key, stored.body)
    .split('\n')
    .flatMap((line, index) => {
      if (line === '') return [];
      const row = parsedJson(store, `${key} (line ${index + 1})`, Buffer.from(line), schema);
      if (row.cluster === cluster) return [row];
      throw damageOf(store, key, `has rows of cluster ${row.cluster}`);
    });
}
