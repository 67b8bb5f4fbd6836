/** State 0, with discovery: looks for clusters and writes the result to the store. */
import { discoverFleet } from '../lib/audit/fleet/discover.ts';
import { discoveryInputSchema, discoveryOutputSchema } from '../lib/audit/fleet/messages.ts';
import { discoverClusters } from '../lib/cluster/discover.ts';
import { environment, functionMetrics, logger, makeHandler } from './handler.ts';

const { store, region } = environment();

export const handler = makeHandler(discoveryInputSchema, discoveryOutputSchema, async (input) => {
  const found = await discoverFleet(store, input, (discover) => discoverClusters(discover, region));
  functionMetrics.addMetric('ClustersFound', 'Count', found.clusters);
  functionMetrics.addMetric('DiscoveryGaps', 'Count', found.gaps);
  logger.info('looked for clusters', found);
  return found;
});
