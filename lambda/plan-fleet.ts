/** State 1: names and claims the run. */
import { fleetPlanInputSchema, fleetPlanSchema } from '../lib/audit/fleet/messages.ts';
import { planFleet } from '../lib/audit/fleet/plan-fleet.ts';
import { environment, logger, handler as make, warnOfDamage } from './handler.ts';

const { store } = environment();

export const handler = make(fleetPlanInputSchema, fleetPlanSchema, async (input) => {
  const plan = await planFleet(store, input, warnOfDamage);
  logger.info(plan.claimed ? 'claimed the run' : 'another execution does this run', { runId: plan.runId });
  return plan;
});
