/** The latest report of a cluster: the baseline of the next audit, and the pointer that each audit moves. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DAY } from '../model/days.ts';
import { AuditError } from '../model/errors.ts';
import type { ClusterReport } from '../model/report.ts';
import { timeOf } from '../model/run-id.ts';
import { damageOf, type OnDamage, unlessDamaged } from './damage.ts';
import { keys, type Run } from './keys.ts';
import { readPointer, reportOfRun } from './reports.ts';
import { hasReports, runs } from './runs.ts';
import type { Store } from './store.ts';

/** A run this far in the future got its name from a wrong clock. */
const AHEAD_MILLISECONDS = DAY;
/** Runs to try as a replacement: two days of hourly ones. */
const LOOKED_AT = 50;

/**
 * The cluster's latest report, like {@link latestReportOf}; null also if it is of another cluster under the same name.
 * @throws AuditError STORE if the store does not answer now
 */
export async function latestReport(
  store: Store,
  cluster: { name: string; uid: string },
  onDamage: OnDamage,
): Promise<ClusterReport | null> {
  const found = await latestReportOf(store, cluster.name, onDamage);
  return found?.cluster.uid === cluster.uid ? found : null;
}

/**
 * The latest report under a name, for a cluster that cannot confirm its identity. If it or its pointer is
 * damaged or gone, returns the newest readable report of the whole cluster: one lost file must not lose what
 * is known about a cluster.
 *
 * @param onDamage - called with what is damaged, and what replaces it
 * @throws AuditError STORE if the store does not answer now
 */
export async function latestReportOf(
  store: Store,
  cluster: string,
  onDamage: OnDamage,
): Promise<ClusterReport | null> {
  const damages: AuditError[] = [];
  const found = await unlessDamaged(
    () => pointedTo(store, cluster),
    (damage) => damages.push(damage),
  );
  if (found !== null) return found;
  // With partial audits only, there is no pointer, and none is missing.
  const missing = damages.length === 0;
  const instead = await newestReport(store, cluster, (damage) => damages.push(damage));
  if (missing && instead === null && damages.length === 0) return null;
  if (missing && instead !== null)
    damages.unshift(
      damageOf(store, keys.latest(cluster), 'is gone', {
        remedy: 'The next audit of the whole cluster writes it again.',
      }),
    );
  for (const damage of distinct(damages))
    onDamage(
      new AuditError('STORE', damage.message, {
        cause: damage,
        remedy: `${damage.remedy}\n${
          instead === null
            ? `No other report of ${cluster} can be read: there is nothing to compare with, and what is open counts as new.`
            : `Run ${instead.runId} is used instead.`
        }`,
      }),
    );
  return instead;
}

function distinct(damages: readonly AuditError[]): AuditError[] {
  return [...new Map(damages.map((damage) => [damage.message, damage])).values()];
}

async function pointedTo(store: Store, cluster: string): Promise<ClusterReport | null> {
  const pointer = await readPointer(store, cluster);
  if (pointer === null) return null;
  const run = { cluster, runId: pointer.runId };
  const report = await reportOfRun(store, run);
  if (report !== null) return report;
  throw damageOf(store, keys.report(run), 'is gone, and the latest report', {
    remedy: 'Restore it from a backup, or wait until the next audit of the whole cluster writes another.',
  });
}

/**
 * The newest readable report of the whole cluster, among those of the last year and the newest runs.
 * @throws AuditError STORE if the store does not answer now
 */
export async function newestReport(
  store: Store,
  cluster: string,
  onDamage: OnDamage,
  now = Date.now(),
): Promise<ClusterReport | null> {
  const there = await unlessDamaged(() => hasReports(store, cluster), onDamage);
  if (there !== true) return null;
  const day = (time: number): string => new Date(time).toISOString().slice(0, 10);
  const until = now + AHEAD_MILLISECONDS;
  let looked = 0;
  for await (const run of runs(store, [cluster], day(now - 365 * DAY), day(until), onDamage)) {
    if (Date.parse(timeOf(run.runId)) > until) continue;
    const report = await unlessDamaged(() => reportOfRun(store, run), onDamage);
    if (report?.scope === 'cluster') return report;
    looked += 1;
    if (looked === LOOKED_AT) return null;
  }
  return null;
}

/**
 * Moves the pointer forward in time, never back: of two simultaneous runs the later one is the latest.
 * Ignores a run of the future: every run until then would be compared with it. Rewrites a damaged pointer to
 * this run, or to a later readable one.
 * @throws AuditError STORE
 */
export async function pointToLatest(store: Store, run: Run, now = Date.now()): Promise<void> {
  const isAhead = (runId: string): boolean => Date.parse(timeOf(runId)) > now + AHEAD_MILLISECONDS;
  for (let tries = 0; tries < 20; tries += 1) {
    const before = await unlessDamaged(
      () => readPointer(store, run.cluster),
      () => {},
    );
    if (before !== null && before.runId >= run.runId && !isAhead(before.runId)) return;
    // Null also means damaged: then only the etag is needed.
    const etag = before?.etag ?? (await store.get(keys.latest(run.cluster)))?.etag ?? null;
    const target = before === null && etag !== null ? await laterOf(store, run, now) : run;
    const pointer = Buffer.from(`${JSON.stringify({ runId: target.runId, report: keys.report(target) })}\n`);
    if (await store.replace(keys.latest(run.cluster), pointer, etag)) return;
    await sleep(50 * Math.random() * (tries + 1));
  }
  throw new AuditError(
    'STORE',
    `${store.location}: the pointer to the latest report of ${run.cluster} could not be moved`,
    {
      retryable: true,
      remedy: 'Other runs keep moving it; the report itself is written. Run it again.',
    },
  );
}

async function laterOf(store: Store, run: Run, now: number): Promise<Run> {
  const newest = await newestReport(store, run.cluster, () => {}, now);
  return newest !== null && newest.runId > run.runId ? { cluster: run.cluster, runId: newest.runId } : run;
}
