/** State 3, for each batch: gathers and judges its nodes. */
import { auditBatchOfFleet } from '../lib/audit/fleet/audit-batch.ts';
import { batchOutputSchema, batchSchema } from '../lib/audit/fleet/messages.ts';
import { connections } from './connections.ts';
import { environment, logger, makeHandler, timeFor } from './handler.ts';

const { store, version } = environment();

export const handler = makeHandler(batchSchema, batchOutputSchema, async (batch, context) => {
  const { runId, cluster } = batch.task;
  logger.appendKeys({ runId, cluster: cluster.name, batch: batch.batch });
  const done = await auditBatchOfFleet(store, batch, connections(version), timeFor(context));
  logger.info('audited', done);
  return done;
});
