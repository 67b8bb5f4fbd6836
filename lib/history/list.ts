/** Which runs a store has, newest first, listing no more of it than is asked for. */
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { AuditError } from '../model/errors.ts';
import { severities } from '../model/finding.ts';
import { nodeResults, verdicts } from '../model/report.ts';
import { dayOf } from '../model/run-id.ts';
import { clusterOf, keys, type Run } from './keys.ts';
import { isAbout, type Narrowing } from './narrow.ts';
import { latestRun } from './reports.ts';
import type { Store } from './store.ts';

/** Clusters by name: those that have a latest report; where there is none, those of which parts were audited. */
export async function clusters(store: Store): Promise<string[]> {
  const names: string[] = [];
  for await (const key of store.list('latest/cluster=')) {
    const name = /^latest\/cluster=([^/]+)\.json$/.exec(key)?.[1];
    const cluster = name === undefined ? null : clusterOf(name);
    if (cluster !== null) names.push(cluster);
  }
  if (names.length > 0) return names.sort();
  // Whoever only ever audited parts has few reports: they can all be listed.
  const parts = new Set<string>();
  for await (const key of store.list('reports/cluster=')) {
    const name = /^reports\/cluster=([^/]+)\//.exec(key)?.[1];
    const cluster = name === undefined ? null : clusterOf(name);
    if (cluster !== null) parts.add(cluster);
  }
  return [...parts].sort();
}

/**
 * Runs of the clusters, newest first, month by month backwards: a year that is not asked for is not listed.
 *
 * @param since - the oldest day, `YYYY-MM-DD`
 * @param until - the newest day
 */
export async function* runs(
  store: Store,
  names: readonly string[],
  since: string,
  until: string,
): AsyncGenerator<Run> {
  const days = await Promise.all(names.map((cluster) => oldestDay(store, cluster)));
  // Nobody waits for the months before the first report, however long ago `since` is.
  const [first = LATER] = days.toSorted();
  const from = since > first ? since : first;
  for (let month = until.slice(0, 7); month >= from.slice(0, 7); month = monthBefore(month)) {
    const found = await Promise.all(names.map((cluster) => runsOfMonth(store, cluster, month)));
    yield* found
      .flat()
      .filter(({ runId }) => dayOf(runId) >= since && dayOf(runId) <= until)
      .toSorted((a, b) => (a.runId > b.runId ? -1 : 1));
  }
}

/** After any day. */
const LATER = '9999-12-31';

/** Keys are listed in order, so the first is of the oldest day; after any day where there is none. */
async function oldestDay(store: Store, cluster: string): Promise<string> {
  for await (const key of store.list(keys.reportsOf(cluster, '')))
    return /\/dt=([^/]+)\//.exec(key)?.[1] ?? LATER;
  return LATER;
}

/** Whether the store has any report of the cluster. */
export async function hasReports(store: Store, cluster: string): Promise<boolean> {
  return (await oldestDay(store, cluster)) !== LATER;
}

async function runsOfMonth(store: Store, cluster: string, month: string): Promise<Run[]> {
  const found: Run[] = [];
  for await (const key of store.list(keys.reportsOf(cluster, month))) {
    const runId = /\/([^/]+)\/report\.json$/.exec(key)?.[1];
    if (runId !== undefined) found.push({ cluster, runId });
  }
  return found;
}

function monthBefore(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return number === 1 ? `${year - 1}-12` : `${year}-${String(number - 1).padStart(2, '0')}`;
}

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

export type RunSummary = {
  readonly cluster: string;
  readonly runId: string;
  readonly scope: 'cluster' | 'part';
  readonly startedAt: string;
  readonly verdict: (typeof verdicts)[number];
  /** Findings that count, by severity; with a check or a node asked for, only those of it. */
  readonly findings: Readonly<Record<(typeof severities)[number], number>>;
  /** Of them, those that the run before had not. */
  readonly new: number;
  readonly resolved: number;
  readonly nodes: Readonly<Record<(typeof nodeResults)[number], number>>;
};

/** The newest run of the whole cluster; the newest of a part where there is none. Null where there is no run since. */
export async function lastSummary(
  store: Store,
  cluster: string,
  since: string,
  until: string,
): Promise<RunSummary | null> {
  const latest = await latestRun(store, cluster);
  const whole = latest === null || dayOf(latest.runId) < since ? null : await summary(store, latest);
  if (whole !== null) return whole;
  let part: RunSummary | null = null;
  for await (const run of runs(store, [cluster], since, until)) {
    const found = await summary(store, run);
    if (found?.scope === 'cluster') return found;
    part ??= found;
  }
  return part;
}

/** One run in a line; null when its report is not there. @throws AuditError STORE when it cannot be read. */
export async function summary(store: Store, run: Run, only: Narrowing = {}): Promise<RunSummary | null> {
  const stored = await store.get(keys.report(run));
  if (stored === null) return null;
  const report = parsed(store, keys.report(run), () =>
    summarySchema.parse(JSON.parse(Buffer.from(stored.body).toString())),
  );
  const asked = report.findings.filter(
    (finding) => finding.state !== 'pending' && finding.suppressed === null && isAbout(finding, only),
  );
  const bySeverity = (severity: string): number =>
    asked.filter((finding) => finding.severity === severity).length;
  const byResult = (result: string): number =>
    report.coverage.nodes.filter((node) => node.result === result).length;
  return {
    cluster: report.cluster.name,
    runId: report.runId,
    scope: report.scope,
    startedAt: report.startedAt,
    verdict: report.verdict,
    findings: {
      critical: bySeverity('critical'),
      high: bySeverity('high'),
      medium: bySeverity('medium'),
      low: bySeverity('low'),
    },
    new: asked.filter(({ state }) => state === 'new').length,
    resolved: report.resolved.length,
    nodes: {
      audited: byResult('audited'),
      partial: byResult('partial'),
      skipped: byResult('skipped'),
      failed: byResult('failed'),
    },
  };
}

/** Reports that are read ahead: S3 answers one after a while, and many as fast. */
const AHEAD = 16;

/**
 * Whether a run may have what is asked for. The rows of its findings tell that: they are few, and the reports of two years
 * take a quarter of a minute to read.
 */
async function isWanted(store: Store, run: Run, { check, node }: Narrowing): Promise<boolean> {
  const names = [check, node].filter((name) => name !== undefined);
  const stored = names.length === 0 ? null : await store.get(keys.findings(run));
  if (stored === null) return true;
  const rows = parsed(store, keys.findings(run), () => unpacked(stored.body));
  return names.every((name) => rows.includes(JSON.stringify(name)));
}

/**
 * Runs in a line each, in their order, as long as somebody asks for more; of a check or node only those that may have findings
 * of it.
 *
 * @param only - what of them: see {@link summary}
 * @throws AuditError STORE when one cannot be read
 */
export async function* summaries(
  store: Store,
  all: AsyncIterable<Run>,
  only: Narrowing,
): AsyncGenerator<RunSummary> {
  const reading: Promise<RunSummary | null>[] = [];
  try {
    for await (const run of all) {
      const line = isWanted(store, run, only).then((wanted) => (wanted ? summary(store, run, only) : null));
      // Awaited in its turn; until then nobody is there to hear that it failed.
      line.catch(() => {});
      reading.push(line);
      const first = reading.length < AHEAD ? null : await reading.shift();
      if (first != null) yield first;
    }
    for (;;) {
      const next = reading.shift();
      if (next === undefined) return;
      const line = await next;
      if (line !== null) yield line;
    }
  } finally {
    // Whoever has seen enough does not want to hear what became of the rest.
    await Promise.allSettled(reading);
  }
}

/** Enough for the rows of the largest clusters; a file that unpacks to more is none of ours. */
const LARGEST = 512 * 1024 * 1024;

/** Lines of a `.ndjson.gz` of the store; null when it is not there. @throws AuditError STORE when it cannot be read. */
export async function lines<T>(store: Store, key: string, schema: z.ZodType<T>): Promise<T[] | null> {
  const stored = await store.get(key);
  if (stored === null) return null;
  return parsed(store, key, () =>
    unpacked(stored.body)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => schema.parse(JSON.parse(line))),
  );
}

function unpacked(body: Uint8Array): string {
  return gunzipSync(body, { maxOutputLength: LARGEST }).toString();
}

function parsed<T>(store: Store, key: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new AuditError(
      'STORE',
      `${store.location}/${key} is damaged, or of a version that is not known here`,
      {
        cause: error,
        remedy: 'Update netns-auditor, or move the file away.',
      },
    );
  }
}
