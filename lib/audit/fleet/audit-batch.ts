/** Audits one batch of a cluster and writes the result to the store. */
import type { Store } from '../../history/index.ts';
import { AuditError } from '../../model/errors.ts';
import type { NodeResult } from '../../model/node-result.ts';
import { auditBatch } from '../audit-batch.ts';
import { keepEvidence } from '../evidence-files.ts';
import { type Connections, withCluster } from './connections.ts';
import type { Batch, BatchOutput } from './messages.ts';
import { keepResults, readPlan, readResults } from './work.ts';

/**
 * A finished batch does not run again.
 *
 * @param outOfTime - aborted early enough before the function ends: pods are removed and finished results kept
 * @throws AuditError CLUSTER_*, AWS, STORE
 */
export async function auditBatchOfFleet(
  store: Store,
  { task, batch, nodes }: Batch,
  connections: Connections,
  outOfTime: AbortSignal,
): Promise<BatchOutput> {
  const run = { cluster: task.cluster.name, runId: task.runId };
  const done = await readResults(store, run, batch);
  if (done !== null) return summary(done());
  const plan = await readPlan(store, run);
  if (plan === null) {
    throw new AuditError('STORE', `${store.location} has no plan of run ${run.runId} for ${run.cluster}`, {
      remedy: 'Start the state machine, not this function.',
    });
  }
  const { probe, concurrency } = task.settings;
  const results: NodeResult[] = [];
  await withCluster(task.cluster, connections, outOfTime, (cluster) =>
    auditBatch(
      cluster,
      {
        record: plan.record,
        nodes,
        events: plan.events,
        facts: plan.facts,
        cniRecords: plan.cniRecords,
        serviceEndpoints: plan.serviceEndpoints,
        networkPolicies: plan.networkPolicies,
      },
      {
        checks: task.checks,
        batch,
        namespace: probe.namespace,
        image: probe.image,
        pullSecret: probe.pullSecret ?? null,
        privileged: probe.privileged,
        deadlineSeconds: probe.deadlineSeconds,
        concurrency: concurrency.nodes,
        signal: new AbortController().signal,
        outOfTime,
        async onNode(gathered, result) {
          results.push(result);
          // For counts the node rows are enough: hourly evidence would fill most of the store.
          if (task.checks === 'all') await keepEvidence(store, run, gathered, plan.record);
        },
      },
    ),
  );
  await keepResults(store, run, batch, results);
  return summary(results);
}

function summary(results: readonly NodeResult[]): BatchOutput {
  const failed = results.filter((result) => result.coverage.result === 'failed').length;
  return { audited: results.length - failed, failed };
}
