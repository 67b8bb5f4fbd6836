/** Begins a run: names it, claims it, and cuts it into clusters. */
import * as z from 'zod';
import { keys, type Store } from '../../history/index.ts';
import { newRunId } from '../../model/run-id.ts';
import { type FleetPlan, type FleetPlanInput, fleetPlanInputSchema } from './messages.ts';
import { keepExceptions } from './work.ts';

const claimSchema = z.object({ execution: z.string() });

/** Of all that begin the run of one schedule and time, the first one does it. */
export async function planFleet(store: Store, input: FleetPlanInput): Promise<FleetPlan> {
  const { scheduledTime, schedule, execution, start, clusters, settings, exceptions, digest } =
    fleetPlanInputSchema.parse(input);
  const runId = newRunId(new Date(scheduledTime), schedule);
  const claim = keys.claim(runId);
  await store.putOnce(claim, Buffer.from(JSON.stringify({ execution })));
  // Read back, as the first answer may have got lost: then the second attempt meets its own claim.
  const held = await store.get(claim);
  const claimed =
    held !== null && claimSchema.parse(JSON.parse(Buffer.from(held.body).toString())).execution === execution;
  if (claimed) await keepExceptions(store, runId, exceptions);
  return {
    runId,
    claimed,
    tasks: claimed ? clusters.map((cluster) => ({ runId, checks: start.checks, cluster, settings })) : [],
    // Counts by the hour are no occasion.
    digest: digest && start.checks === 'all',
  };
}
