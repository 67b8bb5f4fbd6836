/** Reading reports back, and the pointer to the latest one. */
import * as z from 'zod';
import { AuditError } from '../model/errors.ts';
import { type ClusterReport, reportSchema } from '../model/report.ts';
import { timeOf } from '../model/run-id.ts';
import { keys, type Run } from './keys.ts';
import type { Store } from './store.ts';

const pointerSchema = z.object({ runId: z.string(), report: z.string() });

/** The cluster's latest report; null when there is none, or it is of another cluster under the same name. */
export async function latestReport(
  store: Store,
  cluster: { name: string; uid: string },
): Promise<ClusterReport | null> {
  const found = await latestReportOf(store, cluster.name);
  return found?.cluster.uid === cluster.uid ? found : null;
}

/** The latest report under a name, for a cluster that cannot be asked whether it still is the same one. */
export async function latestReportOf(store: Store, cluster: string): Promise<ClusterReport | null> {
  const pointer = await readPointer(store, cluster);
  return pointer === null ? null : await readReport(store, pointer.report);
}

/** The latest run of the whole cluster under a name; null when there is none. */
export async function latestRun(store: Store, cluster: string): Promise<Run | null> {
  const pointer = await readPointer(store, cluster);
  return pointer === null ? null : { cluster, runId: pointer.runId };
}

async function readPointer(
  store: Store,
  cluster: string,
): Promise<{ runId: string; report: string; etag: string } | null> {
  const key = keys.latest(cluster);
  const stored = await store.get(key);
  if (stored === null) return null;
  try {
    return { ...pointerSchema.parse(JSON.parse(Buffer.from(stored.body).toString())), etag: stored.etag };
  } catch (error) {
    throw new AuditError('STORE', `${store.location}/${key} is no pointer to a report`, {
      cause: error,
      remedy: 'Move the file away: the next run writes it anew. The reports themselves are not touched.',
    });
  }
}

/** @throws AuditError STORE when what is there is no report. */
export async function readReport(store: Store, key: string): Promise<ClusterReport | null> {
  const stored = await store.get(key);
  if (stored === null) return null;
  try {
    return reportSchema.parse(JSON.parse(Buffer.from(stored.body).toString()));
  } catch (error) {
    throw new AuditError('STORE', `${store.location}/${key} is no report of a version that is known here`, {
      cause: error,
      remedy: 'Update netns-auditor, or move the file away.',
    });
  }
}

/** A run this far in the future was named by a clock that was wrong. */
const AHEAD_MILLISECONDS = 86_400_000;

/**
 * Moves the pointer forward in time, never back: of two runs at once the later one is the latest. A run of the future is
 * none: all that came after it would be compared with it for as long.
 */
export async function pointToLatest(store: Store, run: Run, now = Date.now()): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const before = await readPointer(store, run.cluster);
    const isAhead = (runId: string): boolean => Date.parse(timeOf(runId)) > now + AHEAD_MILLISECONDS;
    if (before !== null && before.runId >= run.runId && !isAhead(before.runId)) return;
    const pointer = Buffer.from(`${JSON.stringify({ runId: run.runId, report: keys.report(run) })}\n`);
    if (await store.replace(keys.latest(run.cluster), pointer, before?.etag ?? null)) return;
    await new Promise((resolve) => setTimeout(resolve, 50 * Math.random() * (tries + 1)));
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

/** The report of one run; null when it is not in the store. */
export async function reportOfRun(store: Store, run: Run): Promise<ClusterReport | null> {
  return await readReport(store, keys.report(run));
}
