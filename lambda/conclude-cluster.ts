/** State 4, for each cluster, whatever happened before: its report and one message. */
import { type FindingImporter, SnsNotifier } from '../lib/alert/index.ts';
import { concludeClusterOfFleet } from '../lib/audit/fleet/conclude-cluster.ts';
import { conclusionInputSchema, conclusionSchema } from '../lib/audit/fleet/messages.ts';
import { AuditError } from '../lib/model/errors.ts';
import { environment, logger, handler as make, metrics } from './handler.ts';

const { store, version, topicArn, region, https, productArn } = environment();
const deps = {
  notifier: new SnsNotifier(topicArn, { https }),
  importer: productArn === '' ? null : await importerOf(productArn),
  version,
  consoleRegion: region,
};

export const handler = make(conclusionInputSchema, conclusionSchema, async (input) => {
  metrics.addDimension('cluster', input.task.cluster.name);
  const conclusion = await concludeClusterOfFleet(store, input, deps).catch((error: unknown) => {
    if (error instanceof AuditError && error.code === 'ALERT') metrics.addMetric('AlertFailed', 'Count', 1);
    throw error;
  });
  const { findings, coverage, nodes } = conclusion;
  // Neither a run of counts alone nor one that read no node is an audit: it must not silence the alarm for one that is missing.
  const audit = input.task.checks === 'all' && nodes.audited + nodes.partial > 0;
  metrics.addMetric('AuditCompleted', 'Count', audit ? 1 : 0);
  metrics.addMetric('Coverage', 'Percent', coverage * 100);
  metrics.addMetric('CriticalFindings', 'Count', findings.critical);
  metrics.addMetric('HighFindings', 'Count', findings.high);
  metrics.addMetric('MediumFindings', 'Count', findings.medium);
  metrics.addMetric('LowFindings', 'Count', findings.low);
  metrics.addMetric('NewFindings', 'Count', conclusion.new);
  logger.info('concluded', { runId: input.task.runId, ...conclusion });
  return conclusion;
});

/** Its client is not read where findings go to no Security Hub. */
async function importerOf(arn: string): Promise<FindingImporter> {
  const { SecurityHubImporter } = await import('../lib/alert/finding-importer.ts');
  return new SecurityHubImporter(arn);
}
