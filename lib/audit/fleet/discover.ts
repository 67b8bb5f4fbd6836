/** Looks for the clusters of a run and writes the result to the store, once. */
import { keys, type Store } from '../../history/index.ts';
import type { Discover, Found } from '../../model/discovery.ts';
import { scheduledRunId } from './scheduled-run.ts';

/**
 * @param find - asks AWS
 * @throws AuditError STORE, and what `find` throws
 */
export async function discoverFleet(
  store: Store,
  { scheduledTime, schedule, discover }: { scheduledTime: string; schedule: string; discover: Discover },
  find: (discover: Discover) => Promise<Found>,
): Promise<{ clusters: number; gaps: number }> {
  const found = await find(discover);
  const runId = scheduledRunId(store, { scheduledTime, schedule });
  await store.putOnce(keys.found(runId), Buffer.from(JSON.stringify(found)));
  return { clusters: found.clusters.length, gaps: found.gaps.length };
}
