/** Reading reports back, and the pointer to the latest one. */
import * as z from 'zod';
import { type ClusterReport, reportSchema } from '../model/report.ts';
import { isRunId } from '../model/run-id.ts';
import { damageOf, parsedJson } from './damage.ts';
import { keys, type Run } from './keys.ts';
import type { Store } from './store.ts';

const pointerSchema = z.object({ runId: z.string().refine(isRunId, 'it names no run'), report: z.string() });

/** No valid pointer is longer. */
const LARGEST_POINTER = 64 * 1024;

/**
 * The run that a cluster's pointer names, and its etag. The pointer leads to a report of its own cluster, and
 * nowhere else.
 *
 * @throws AuditError STORE if it is damaged
 */
export async function readPointer(
  store: Store,
  cluster: string,
): Promise<{ runId: string; etag: string } | null> {
  const key = keys.latest(cluster);
  const stored = await store.get(key, LARGEST_POINTER);
  if (stored === null) return null;
  const remedy =
    'The next audit of the whole cluster writes it again. Until then the newest report that can be read counts.';
  try {
    const { runId, report } = parsedJson(store, key, stored.body, pointerSchema);
    if (report === keys.report({ cluster, runId })) return { runId, etag: stored.etag };
  } catch (error) {
    throw damageOf(store, key, 'is not a pointer to a report', { cause: error, remedy });
  }
  throw damageOf(store, key, 'leads to no report of its cluster', { remedy });
}

/** The latest run of the whole cluster under a name; null if there is none. @throws AuditError STORE */
export async function latestRun(store: Store, cluster: string): Promise<Run | null> {
  const pointer = await readPointer(store, cluster);
  return pointer === null ? null : { cluster, runId: pointer.runId };
}

/** The report of one run; null if it is not in the store. @throws AuditError STORE if the object is not that report. */
export async function reportOfRun(store: Store, run: Run): Promise<ClusterReport | null> {
  return await readAs(store, run, reportSchema);
}

/**
 * Like {@link reportOfRun}, but only the fields of the schema.
 * @throws AuditError STORE if the object is not that report
 */
export async function readAs<T extends Pick<ClusterReport, 'runId'> & { cluster: { name: string } }>(
  store: Store,
  run: Run,
  schema: z.ZodType<T>,
): Promise<T | null> {
  const key = keys.report(run);
  const stored = await store.get(key);
  if (stored === null) return null;
  const report = parsedJson(store, key, stored.body, schema);
  if (report.runId === run.runId && report.cluster.name === run.cluster) return report;
  throw damageOf(store, key, `is the report of run ${report.runId} of cluster ${report.cluster.name}`);
}
