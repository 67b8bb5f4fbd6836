/** Runs in a line each. */
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

/** What a line of a list needs of a report: the rest is not looked at. */
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

/** With a check or a node asked for, its findings are those of it alone; its verdict is the one of the whole run. */
export type RunSummary = ClusterSummary & Pick<ClusterReport, 'runId' | 'scope' | 'startedAt'>;

/**
 * The newest run of the whole cluster that can be read; the newest of a part where there is none. Null where there is no run
 * since.
 */
export async function lastSummary(
  store: Store,
  cluster: string,
  since: string,
  until: string,
  onDamage: OnDamage,
): Promise<RunSummary | null> {
  const told = new Set<string>();
  const tell = (damage: Parameters<OnDamage>[0]): void => {
    if (!told.has(damage.message)) onDamage(damage);
    told.add(damage.message);
  };
  const read = async (run: Run): Promise<RunSummary | null> =>
    await unlessDamaged(() => summary(store, run), tell);
  const latest = await unlessDamaged(() => latestRun(store, cluster), tell);
  if (latest !== null && dayOf(latest.runId) >= since) {
    const whole = await read(latest);
    if (whole !== null) return whole;
  }
  let part: RunSummary | null = null;
  for await (const run of runs(store, [cluster], since, until, tell)) {
    const found = await read(run);
    if (found?.scope === 'cluster') return found;
    part ??= found;
  }
  return part;
}

/** One run in a line; null when its report is not there. @throws AuditError STORE when it cannot be read. */
export async function summary(store: Store, run: Run, only: Narrowing = {}): Promise<RunSummary | null> {
  const report = await readAs(store, run, summarySchema);
  if (report === null) return null;
  const { runId, scope, startedAt } = report;
  return { ...clusterSummary(report, (finding) => isAbout(finding, only)), runId, scope, startedAt };
}

/** Reports that are read ahead: S3 answers one after a while, and many as fast. */
const AHEAD = 16;

/**
 * Whether a run may have what is asked for. The rows of its findings tell that: they are few, and the reports of two years
 * take a quarter of a minute to read.
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
 * Runs in a line each, in their order, as long as somebody asks for more; of a check or node only those that may have findings
 * of it.
 *
 * @param only - what of them: see {@link summary}
 * @param onDamage - told in their order of reports that cannot be read, and are left out
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
      // Awaited in its turn; until then nobody is there to hear that it failed.
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
    // Whoever has seen enough does not want to hear what became of the rest.
    await Promise.allSettled(reading);
  }
}

/**
 * Rows of a `.ndjson.gz` of the store; null when it is not there. One that is damaged is not read in part: a sum without some
 * of its nodes is a wrong one.
 *
 * @throws AuditError STORE that names the file and the line
 */
export async function lines<T extends { cluster: string }>(
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
