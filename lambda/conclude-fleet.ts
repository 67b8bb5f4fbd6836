/** State 5: one report of the whole run, and the digest if configured. */
import { SnsNotifier } from '../lib/alert/index.ts';
import { concludeFleet } from '../lib/audit/fleet/conclude-fleet.ts';
import { fleetReportSchema } from '../lib/audit/fleet/messages.ts';
import { environment, logger, handler as make, metrics } from './handler.ts';
import { concludedClustersSchema } from './step-error.ts';

const { store, topicArn, region, https } = environment();
const notifiers = topicArn === '' ? [] : [new SnsNotifier(topicArn, { https })];
const deps = { notifiers, consoleRegion: region };

export const handler = make(concludedClustersSchema, fleetReportSchema, async (input) => {
  const report = await concludeFleet(store, input, deps);
  metrics.addMetric('ClustersAudited', 'Count', report.clusters.length - report.lost);
  metrics.addMetric('ClustersLost', 'Count', report.lost);
  const reports = report.clusters.flatMap((each) => ('verdict' in each ? [each] : []));
  metrics.addMetric('ClustersUnreached', 'Count', reports.filter(({ reached }) => !reached).length);
  metrics.addMetric(
    'LowestCoverage',
    'Percent',
    100 * Math.min(1, ...reports.map(({ coverage }) => coverage)),
  );
  metrics.addMetric('DiscoveryGaps', 'Count', report.gaps.length);
  logger.info('concluded the run', { runId: report.runId, verdict: report.verdict, lost: report.lost });
  return report;
});
