/** Puts a run into the store: evidence first, the report last, so that a report is complete or not there. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { AuditError } from '../model/errors.ts';
import { type ClusterReport, reportSchema } from '../model/report.ts';
import { dayOf, keys } from './keys.ts';
import type { Store } from './store.ts';

const pointerSchema = z.object({ runId: z.string(), report: z.string() });
const encode = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value)}\n`);

/** Rows of a report for Athena and DuckDB: one object a line, each with its cluster, run and day. */
export function rows(report: ClusterReport, of: 'findings' | 'nodes'): string {
  const run = { cluster: report.cluster.name, runId: report.runId, dt: dayOf(report.runId) };
  const items: readonly object[] = of === 'nodes' ? report.nodes : [...report.findings, ...report.resolved];
  return items.map((item) => `${JSON.stringify({ ...run, ...item })}\n`).join('');
}

/** Writes what the run concluded; whatever is there already stays. A run of a part never becomes the latest. */
export async function publish(store: Store, report: ClusterReport): Promise<void> {
  const run = { cluster: report.cluster.name, runId: report.runId };
  for (const of of ['findings', 'nodes'] as const)
    await store.putOnce(keys[of](run), gzipSync(rows(report, of)));
  await store.putOnce(keys.report(run), encode(report));
  if (report.scope === 'cluster') await point(store, run);
}

/** Moves the pointer forward in time, never back: of two runs at once the later one is the latest. */
async function point(store: Store, run: { cluster: string; runId: string }): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const before = await store.get(keys.latest(run.cluster));
    if (
      before !== null &&
      pointerSchema.parse(JSON.parse(Buffer.from(before.body).toString())).runId >= run.runId
    )
      return;
    const pointer = encode({ runId: run.runId, report: keys.report(run) });
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

/** The cluster's latest report; null when there is none, or it is of another cluster under the same name. */
export async function latestReport(
  store: Store,
  cluster: { name: string; uid: string },
): Promise<ClusterReport | null> {
  const pointer = await store.get(keys.latest(cluster.name));
  if (pointer === null) return null;
  const { report } = pointerSchema.parse(JSON.parse(Buffer.from(pointer.body).toString()));
  const found = await readReport(store, report);
  return found?.cluster.uid === cluster.uid ? found : null;
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

/** Lines of a gzipped NDJSON object. */
export function unzipLines(body: Uint8Array): unknown[] {
  return gunzipSync(body)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}
