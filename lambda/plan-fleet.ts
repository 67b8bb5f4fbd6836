/** State 1: names and claims the run. */
import { fleetPlanInputSchema, fleetPlanSchema } from '../lib/audit/fleet/messages.ts';
import { planFleet } from '../lib/audit/fleet/plan-fleet.ts';
import { environment, logDamage, logger, makeHandler } from './handler.ts';

const { store } = environment();

export const handler = makeHandler(fleetPlanInputSchema, fleetPlanSchema, async (input) => {
  const plan = await planFleet(store, input, logDamage);
  logger.info(plan.claimed ? 'claimed the run' : 'another execution does this run', { runId: plan.runId });
  return plan;
});
