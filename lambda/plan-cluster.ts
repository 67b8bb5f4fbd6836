/** State 2, for each cluster: chooses its nodes and splits them into batches. */
import { clusterPlanOutputSchema, taskSchema } from '../lib/audit/fleet/messages.ts';
import { planClusterOfFleet } from '../lib/audit/fleet/plan-cluster.ts';
import { connections } from './connections.ts';
import { environment, functionMetrics, logger, makeHandler, timeFor } from './handler.ts';

const { store, version } = environment();

export const handler = makeHandler(taskSchema, clusterPlanOutputSchema, async (task, context) => {
  const plan = await planClusterOfFleet(store, task, connections(version), timeFor(context));
  functionMetrics.addMetric('LeftoverPods', 'Count', plan.leftoverPods);
  logger.info('planned', { runId: task.runId, cluster: task.cluster.name, ...plan });
  return plan;
});
