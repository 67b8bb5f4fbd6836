/** The page of all clusters: for one run, or for the latest audit of each. */
import * as z from 'zod';
import {
  keys,
  lastSummary,
  type OnDamage,
  parsedJson,
  type RunSummary,
  runs,
  type Store,
  summaries,
  totalsBefore,
} from '../../history/index.ts';
import { DAY, dayBefore } from '../../model/days.ts';
import { unlessFailed } from '../../model/errors.ts';
import { forEachLimited } from '../../model/limit.ts';
import { verdicts } from '../../model/report.ts';
import { dayOf, timeOf } from '../../model/run-id.ts';
import { type Fleet, type FleetRow, fleetPage, type Night } from '../../report/index.ts';
import { consolePage, urlPath } from '../tell.ts';
import type { FleetReport } from './messages.ts';

const DAYS = 30;
const AT_ONCE = 8;
/** A nightly audit that is two days old was missed once. */
const STALE_DAYS = 2;

/**
 * The page of a run. Links are relative, or to the console where the store is a bucket.
 * @throws AuditError STORE
 */
export async function pageOfRun(
  store: Store,
  fleet: FleetReport,
  consoleRegion: string | null,
): Promise<string> {
  const days = daysBefore(Date.parse(timeOf(fleet.runId)));
  const past = await runsOfDays(store, days);
  const link = (report: string): string => {
    const page = report.replace(/report\.json$/, 'report.html');
    return consolePage(store, page, consoleRegion) ?? `../../${urlPath(page)}`;
  };
  const nightsOf = (cluster: string): (Night | null)[] =>
    days.map((day) => {
      const night = past.get(day)?.get(cluster);
      if (night === undefined) return null;
      const { verdict = 'incomplete', report } = night;
      return { day, verdict, href: report === undefined ? null : link(report) };
    });
  return fleetPage({
    at: timeOf(fleet.runId),
    runId: fleet.runId,
    gaps: fleet.gaps,
    rows: fleet.clusters.map((each) => {
      if (!('verdict' in each))
        return {
          ...nothingKnown,
          cluster: each.cluster,
          nights: nightsOf(each.cluster),
          note: `no report: ${each.reason}`,
        };
      return {
        ...each,
        startedAt: timeOf(fleet.runId),
        note: each.reached
          ? each.removed
            ? 'it is not there any more: this is its last report'
            : null
          : (each.reason ?? 'the cluster was not reached'),
        orphans: [
          ...days.map((day) => past.get(day)?.get(each.cluster)?.orphans ?? null),
          each.orphans ?? null,
        ],
        nights: nightsOf(each.cluster),
        href: link(each.report),
      };
    }),
  });
}

/**
 * The latest audit of each cluster, from any run.
 *
 * @param onDamage - called for unreadable reports: older ones are shown instead
 * @param hrefOf - URL of a report's page, by its key
 * @throws AuditError STORE if the store does not answer now
 */
export async function latestOfEach(
  store: Store,
  names: readonly string[],
  now: Date,
  hrefOf: (key: string) => string | null,
  onDamage: OnDamage,
): Promise<Fleet> {
  const rows = new Map<string, FleetRow>();
  const today = now.toISOString().slice(0, 10);
  const yearAgo = dayBefore(now.getTime(), 365);
  await forEachLimited(names, AT_ONCE, async (cluster) => {
    const last = await lastSummary(store, cluster, yearAgo, today, onDamage);
    if (last === null) {
      rows.set(cluster, { ...nothingKnown, cluster, note: 'no audit within a year' });
      return;
    }
    const days = Math.floor((now.getTime() - Date.parse(last.startedAt)) / DAY);
    const notes = [
      ...(days >= STALE_DAYS ? [`not audited for ${days} days`] : []),
      ...(last.scope === 'part' ? ['only a part of it was ever audited'] : []),
    ];
    const totals = (await totalsBefore(store, cluster, now.getTime())) ?? [];
    const nights = await nightsBefore(store, last, hrefOf);
    rows.set(cluster, {
      ...last,
      note: notes.length === 0 ? null : notes.join(', '),
      orphans: totals.map((each) => each.orphans),
      nights,
      href: hrefOf(keys.reportPage({ cluster, runId: last.runId })),
    });
  });
  return {
    at: now.toISOString(),
    runId: null,
    gaps: [],
    rows: names.flatMap((cluster) => rows.get(cluster) ?? []),
  };
}

const nothingKnown = {
  verdict: 'incomplete',
  startedAt: null,
  findings: { critical: 0, high: 0, medium: 0, low: 0 },
  new: 0,
  resolved: 0,
  nodes: { audited: 0, partial: 0, failed: 0, skipped: 0 },
  orphans: [],
  nights: [],
  href: null,
} as const;

/** The last full audit on each day before the last one; an unreadable report is an unknown night. */
async function nightsBefore(
  store: Store,
  last: RunSummary,
  hrefOf: (key: string) => string | null,
): Promise<(Night | null)[]> {
  const { cluster, runId } = last;
  const days = daysBefore(Date.parse(timeOf(runId)));
  const [since = ''] = days;
  const ignore = (): void => {};
  const found = new Map<string, Night>();
  const all = runs(store, [cluster], since, days.at(-1) ?? since, ignore);
  for await (const run of summaries(store, all, {}, ignore)) {
    const day = dayOf(run.runId);
    if (run.scope === 'cluster' && !found.has(day))
      found.set(day, {
        day,
        verdict: run.verdict,
        href: hrefOf(keys.reportPage({ cluster, runId: run.runId })),
      });
  }
  return days.map((day) => found.get(day) ?? null);
}

/** The thirty days before a time, oldest first. */
function daysBefore(time: number): string[] {
  return Array.from({ length: DAYS }, (_, n) => dayBefore(time, DAYS - n));
}

const pastSchema = z.object({
  clusters: z.array(
    z.object({
      cluster: z.string(),
      orphans: z.int().nullish(),
      verdict: z.enum(verdicts).optional(),
      report: z.string().optional(),
    }),
  ),
});
type PastCluster = z.infer<typeof pastSchema>['clusters'][number];

/** Clusters of each day's last run; unreadable ones are not drawn. */
async function runsOfDays(
  store: Store,
  days: readonly string[],
): Promise<Map<string, Map<string, PastCluster>>> {
  const found = new Map<string, Map<string, PastCluster>>();
  await forEachLimited(days, AT_ONCE, async (day) => {
    // A page with an incomplete chart is better than none.
    const run = await unlessFailed(
      () => lastFleetOf(store, day),
      (code) => code === 'STORE',
    );
    if (run !== null) found.set(day, new Map(run.map((each) => [each.cluster, each])));
  });
  return found;
}

async function lastFleetOf(store: Store, day: string): Promise<PastCluster[] | null> {
  let last: string | null = null;
  for await (const key of store.list(keys.fleetsOf(day))) if (key.endsWith('.json')) last = key;
  const stored = last === null ? null : await store.get(last);
  return last === null || stored === null ? null : parsedJson(store, last, stored.body, pastSchema).clusters;
}
