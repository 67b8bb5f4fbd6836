/** State 5: one report of the whole run, and the digest if configured. */
import { SnsNotifier } from '../lib/alert/index.ts';
import { concludeFleet } from '../lib/audit/fleet/conclude-fleet.ts';
import { fleetReportSchema, isRead } from '../lib/audit/fleet/messages.ts';
import { environment, functionMetrics, logger, makeHandler } from './handler.ts';
import { concludedClustersSchema } from './step-error.ts';

const { store, topicArn, region, https } = environment();
const notifiers = topicArn === '' ? [] : [new SnsNotifier(topicArn, { https })];
const deps = { notifiers, consoleRegion: region };

export const handler = makeHandler(concludedClustersSchema, fleetReportSchema, async (input) => {
  const report = await concludeFleet(store, input, deps);
  const reports = report.clusters.flatMap((each) => ('verdict' in each ? [each] : []));
  // Runs of counts alone must not silence the alarms for audits that are missing.
  if (report.checks === 'all') {
    functionMetrics.addMetric('ClustersInRun', 'Count', report.clusters.length);
    functionMetrics.addMetric('ClustersMissed', 'Count', reports.filter((each) => !isRead(each)).length);
  }
  functionMetrics.addMetric('ClustersLost', 'Count', report.lost);
  functionMetrics.addMetric(
    'LowestCoverage',
    'Percent',
    100 * Math.min(1, ...reports.map(({ coverage }) => coverage)),
  );
  functionMetrics.addMetric('DiscoveryGaps', 'Count', report.gaps.length);
  logger.info('concluded the run', { runId: report.runId, verdict: report.verdict, lost: report.lost });
  return report;
});
