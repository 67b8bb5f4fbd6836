/** State 4, for each cluster, whatever happened before: its report and one message. */
import * as z from 'zod';
import { type EventBus, type FindingImporter, SnsNotifier } from '../lib/alert/index.ts';
import { concludeClusterOfFleet } from '../lib/audit/fleet/conclude-cluster.ts';
import {
  type Conclusion,
  conclusionSchema,
  isRead,
  type Task,
  taskSchema,
} from '../lib/audit/fleet/messages.ts';
import { AuditError } from '../lib/model/errors.ts';
import { environment, functionMetrics, logDamage, logger, makeHandler, timeFor } from './handler.ts';
import { failureOf, stepErrorSchema } from './step-error.ts';

const { store, version, topicArn, region, https, productArn, events } = environment();
const deps = {
  notifiers: [new SnsNotifier(topicArn, { https })],
  importer: productArn === '' ? null : await importerOf(productArn),
  bus: events ? await eventBus() : null,
  version,
  consoleRegion: region,
  onDamage: logDamage,
};

const inputSchema = z.object({
  task: taskSchema,
  /** The error that ended the cluster's plan or all its batches; null or missing when none did. */
  error: stepErrorSchema.nullish(),
});

export const handler = makeHandler(inputSchema, conclusionSchema, async ({ task, error }, context) => {
  const conclusion = await concludeClusterOfFleet(
    store,
    { task, failure: error == null ? null : failureOf(error) },
    { ...deps, signal: timeFor(context), onReport: (concluded) => emit(task, concluded) },
  ).catch((thrown: unknown) => {
    if (thrown instanceof AuditError && thrown.code === 'ALERT')
      functionMetrics.addMetric('AlertFailed', 'Count', 1);
    throw thrown;
  });
  logger.info('concluded', { runId: task.runId, ...conclusion });
  return conclusion;
});

/**
 * Immediately, as steps after the report may fail or end the function. A retried state emits the same values
 * again: alarms and the dashboard use their minimum or maximum, or whether there is any.
 */
function emit(task: Task, concluded: Omit<Conclusion, 'told'>): void {
  const { findings, coverage } = concluded;
  // Neither a run of counts alone nor one that read no node is an audit.
  const audit = task.checks === 'all' && isRead(concluded);
  const own = metricsOf(task).addMetric('AuditCompleted', 'Count', audit ? 1 : 0);
  own.addMetric('Coverage', 'Percent', coverage * 100);
  own.addMetric('CriticalFindings', 'Count', findings.critical);
  own.addMetric('HighFindings', 'Count', findings.high);
  own.addMetric('MediumFindings', 'Count', findings.medium);
  own.addMetric('LowFindings', 'Count', findings.low);
  own.addMetric('NewFindings', 'Count', concluded.new);
  own.publishStoredMetrics();
}

/** Publishing clears the dimensions, so they are set each time. */
const metricsOf = ({ cluster }: Task): typeof functionMetrics =>
  functionMetrics.addDimension('cluster', cluster.name);

/** The client loads only where findings go to Security Hub. */
async function importerOf(arn: string): Promise<FindingImporter> {
  const { SecurityHubImporter } = await import('../lib/alert/finding-importer.ts');
  return new SecurityHubImporter(arn);
}

/** Likewise for EventBridge. */
async function eventBus(): Promise<EventBus> {
  const { EventBridgeBus } = await import('../lib/alert/event-bus.ts');
  return new EventBridgeBus();
}
