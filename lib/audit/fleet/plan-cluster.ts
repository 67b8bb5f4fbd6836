/** Plans one cluster of a fleet and splits it into batches. */
import { latestReport, latestReportOf, type Run, type Store } from '../../history/index.ts';
import { NO_NETWORK_POLICIES } from '../../model/crossing.ts';
import { timeOf } from '../../model/run-id.ts';
import { SETTLE_SECONDS } from '../../model/settle.ts';
import type { PlannedNode } from '../plan.ts';
import { planCluster } from '../plan-cluster.ts';
import { type Connections, withCluster } from './connections.ts';
import type { ClusterPlanOutput, Task } from './messages.ts';
import { batchesKey, keepPlan } from './work.ts';

/** The input of a state is at most 256 KiB. */
const BATCH_BYTES = 150_000;

/** @throws AuditError CLUSTER_*, AWS, STORE */
export async function planClusterOfFleet(
  store: Store,
  task: Task,
  connections: Connections,
  signal: AbortSignal,
): Promise<ClusterPlanOutput> {
  const run = { cluster: task.cluster.name, runId: task.runId };
  if (task.removed) return await planRemoved(store, run, connections);
  return await withCluster(task.cluster, connections, signal, async (cluster) => {
    const previous = await latestReport(store, cluster, connections.onDamage);
    const plan = await planCluster(cluster, {
      runId: task.runId,
      namespace: task.settings.probe.namespace,
      selection: { names: [], labels: [] },
      checks: task.checks,
      settleSeconds: SETTLE_SECONDS,
      active: task.checks === 'all' ? task.settings.probe.active : [],
      previousRunId: previous?.runId ?? null,
      auditorVersion: connections.version,
      signal,
    });
    const batches = cut(plan.nodes, task.settings.concurrency.nodesPerBatch);
    const held = await keepPlan(
      store,
      run,
      {
        record: plan.record,
        events: [...plan.events],
        facts: plan.facts,
        cniRecords: plan.cniRecords,
        serviceEndpoints: plan.serviceEndpoints,
        networkPolicies: plan.networkPolicies,
      },
      batches.map((nodes, batch) => ({ task, batch, nodes })),
    );
    return {
      batches: batchesKey(run),
      count: held.batches.length,
      nodes: held.batches.flat().length,
      leftoverPods: plan.swept.length,
    };
  });
}

/** A removed cluster has no nodes, which resolves its open findings. */
async function planRemoved(store: Store, run: Run, connections: Connections): Promise<ClusterPlanOutput> {
  const previous = await latestReportOf(store, run.cluster, connections.onDamage);
  const record = {
    version: connections.version,
    runId: run.runId,
    cluster: previous?.cluster ?? { name: run.cluster, uid: '', version: '' },
    scope: 'cluster' as const,
    startedAt: timeOf(run.runId),
    settleSeconds: SETTLE_SECONDS,
    active: [],
    previousRunId: previous?.runId ?? null,
  };
  const facts = { nodes: [], dnsServices: null, dnsServicesUnread: 'the cluster is not there any more' };
  const none = { status: 'absent', reason: facts.dnsServicesUnread } as const;
  const cniRecords = { takenAt: record.startedAt, ciliumEndpoints: none, calicoBlocks: none, unconfirmed: 0 };
  await keepPlan(
    store,
    run,
    {
      record,
      events: [],
      facts,
      cniRecords,
      serviceEndpoints: none,
      networkPolicies: NO_NETWORK_POLICIES,
    },
    [],
  );
  return { batches: batchesKey(run), count: 0, nodes: 0, leftoverPods: 0 };
}

/** Batches of at most `size` nodes, small enough to be a state's input. */
export function cut(nodes: readonly PlannedNode[], size: number): PlannedNode[][] {
  const batches: PlannedNode[][] = [];
  let bytes = 0;
  for (const planned of nodes) {
    const length = Buffer.byteLength(JSON.stringify(planned));
    const last = batches.at(-1);
    if (last === undefined || last.length >= size || bytes + length > BATCH_BYTES) {
      batches.push([planned]);
      bytes = length;
    } else {
      last.push(planned);
      bytes += length;
    }
  }
  return batches;
}
