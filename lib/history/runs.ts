/** The clusters and runs of a store, newest first, listing no more than asked for. */
import { monthBefore } from '../model/days.ts';
import { dayOf, isRunId } from '../model/run-id.ts';
import { type OnDamage, unlessDamaged } from './damage.ts';
import { clusterOf, keys, type Run } from './keys.ts';
import type { Store } from './store.ts';

/**
 * Clusters by name: those with a latest report; if there are none, those with partial audits.
 * @throws AuditError STORE
 */
export async function clusters(store: Store): Promise<string[]> {
  const names: string[] = [];
  for await (const key of store.list('latest/cluster=')) {
    const name = /^latest\/cluster=([^/]+)\.json$/.exec(key)?.[1];
    const cluster = name === undefined ? null : clusterOf(name);
    if (cluster !== null) names.push(cluster);
  }
  if (names.length > 0) return names.sort();
  // With partial audits only, there are few reports: all can be listed.
  const parts = new Set<string>();
  for await (const key of store.list('reports/cluster=')) {
    const name = /^reports\/cluster=([^/]+)\//.exec(key)?.[1];
    const cluster = name === undefined ? null : clusterOf(name);
    if (cluster !== null) parts.add(cluster);
  }
  return [...parts].sort();
}

/**
 * Runs of the clusters, newest first, month by month backwards: years not asked for are not listed.
 *
 * @param since - the oldest day, `YYYY-MM-DD`
 * @param until - the newest day
 * @param onDamage - called for folders that cannot be listed
 * @throws AuditError STORE if the store does not answer now
 */
export async function* runs(
  store: Store,
  names: readonly string[],
  since: string,
  until: string,
  onDamage: OnDamage,
): AsyncGenerator<Run> {
  const days = await Promise.all(
    names.map(async (cluster) => (await unlessDamaged(() => oldestDay(store, cluster), onDamage)) ?? LATER),
  );
  // Skip the months before the first report, however long ago `since` is.
  const [first = LATER] = days.toSorted();
  const from = since > first ? since : first;
  for (let month = until.slice(0, 7); month >= from.slice(0, 7); month = monthBefore(month)) {
    const found = await Promise.all(
      names.map((cluster) => unlessDamaged(() => runsOfMonth(store, cluster, month), onDamage)),
    );
    yield* found
      .flatMap((each) => each ?? [])
      .filter(({ runId }) => dayOf(runId) >= since && dayOf(runId) <= until)
      .toSorted((a, b) => (a.runId > b.runId ? -1 : 1));
  }
}

/** After any day. */
const LATER = '9999-12-31';

/** Keys are listed in order, so the first is of the oldest day; after any day if there is none. */
async function oldestDay(store: Store, cluster: string): Promise<string> {
  for await (const key of store.list(keys.reportsOf(cluster, '')))
    return /\/dt=([^/]+)\//.exec(key)?.[1] ?? LATER;
  return LATER;
}

/** Whether the store has any report of the cluster. @throws AuditError STORE */
export async function hasReports(store: Store, cluster: string): Promise<boolean> {
  return (await oldestDay(store, cluster)) !== LATER;
}

async function runsOfMonth(store: Store, cluster: string, month: string): Promise<Run[]> {
  const found: Run[] = [];
  for await (const key of store.list(keys.reportsOf(cluster, month))) {
    const runId = /\/([^/]+)\/report\.json$/.exec(key)?.[1];
    if (runId !== undefined && isRunId(runId)) found.push({ cluster, runId });
  }
  return found;
}
