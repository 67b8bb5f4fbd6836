/** Some nodes of a planned run: snapshots, probes, snapshots again and judges each. */
import { type Cluster, isNodeGone, listKillings, listPodsOnNode, ProbePods } from '../cluster/index.ts';
import type { CheckSet } from '../model/check-set.ts';
import { AuditError, unlessFailed } from '../model/errors.ts';
import type { ClusterFacts, Event, Node, Pod, Snapshot } from '../model/kubernetes.ts';
import { forEachLimited, shared } from '../model/limit.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import type { NodeResult } from '../model/node-result.ts';
import { NODE_REMOVED } from '../model/report.ts';
import type { ServiceEndpoints } from '../model/service-endpoints.ts';
import { checksFor } from './checks-for.ts';
import { crossPlans } from './cross-plans.ts';
import { withLaterEndpoints } from './dns-endpoints.ts';
import { type GatherOptions, gatherNode, type NodeAudit } from './gather-node.ts';
import { Judge, type Judging } from './judge.ts';
import { failedCoverage, type Gathered, judgeByApi, notProbed } from './judge-node.ts';
import { cniRecordsOf } from './node-cni-records.ts';
import type { PlannedNode } from './plan.ts';
import type { ClusterPlan } from './plan-cluster.ts';

/** How pods run; the plan has the run's name and how it judges. */
type ProbeOptions = Omit<GatherOptions, 'runId' | 'active' | 'settleSeconds' | 'checks' | 'crossPlan'>;

export type BatchOptions = ProbeOptions & {
  /** @default all */
  readonly checks?: CheckSet;
  /** Its number, where the run has several; each watches its own pods. */
  readonly batch?: number;
  /** Nodes probed at once. */
  readonly concurrency: number;
  /** Ends the batch: removes its pods and throws ABORTED. */
  readonly signal: AbortSignal;
  /** Ends the batch in time: removes its pods; unfinished nodes count as failed. */
  readonly outOfTime?: AbortSignal;
  /** Limits of judging one bundle. @default JUDGING */
  readonly judging?: Partial<Judging>;
  /** Called with everything gathered from a node, to be kept, and its result. */
  readonly onNode: (gathered: Gathered, result: NodeResult) => Promise<void>;
};

/** By node name, or by the pod's namespace and name. */
type EventsByObject = ReadonlyMap<string, readonly Event[]>;

/**
 * One batch from snapshots to results. Long, as its steps share the pods, the judge and the signal of the batch.
 *
 * @throws AuditError ABORTED; the coverage of each node has its own errors.
 */
export async function auditBatch(cluster: Cluster, plan: ClusterPlan, options: BatchOptions): Promise<void> {
  const { record } = plan;
  const events: EventsByObject = Map.groupBy(plan.events, ({ kind, namespace, name }) =>
    kind === 'Node' ? name : namespacedName({ namespace: namespace ?? '', name }),
  );
  const gatherOptions: GatherOptions = {
    ...options,
    runId: record.runId,
    active: record.active,
    settleSeconds: record.settleSeconds,
    checks: options.checks ?? 'all',
  };
  const checks = checksFor(record.active, options.checks);
  const signal =
    options.outOfTime === undefined ? options.signal : AbortSignal.any([options.signal, options.outOfTime]);
  const pods = ProbePods.start(cluster, {
    namespace: options.namespace,
    runId: record.runId,
    ...(options.batch === undefined ? {} : { batch: options.batch }),
    signal,
  });
  const look = async (node: Node, since: string): Promise<Snapshot> =>
    snapshotOf(node, await listPodsOnNode(cluster, node.name, { signal, since }), events);
  // Nodes that end together share the answer.
  const factsNow = shared(() => readFacts(cluster, plan.facts, signal));
  const withFacts = async (snapshot: Snapshot): Promise<Snapshot> => ({
    ...snapshot,
    cluster: await factsNow(),
    serviceEndpoints: endpointsOf(plan.serviceEndpoints, snapshot.pods),
    cniRecords: await cniRecordsOf(cluster, plan.cniRecords, snapshot, { signal }),
  });
  // The first snapshot may be a moment old: pods that changed meanwhile are not judged.
  const first = (node: Node): Promise<Snapshot> => look(node, pods.newestRevision);
  const neighbours = crossPlans(cluster, plan, signal);
  const judge = new Judge(options.judging);
  const killings = shared(() => listKillings(cluster, { signal }));

  async function gather(planned: PlannedNode): Promise<NodeAudit> {
    const { node, coverage } = planned;
    const bare = snapshotOf(node, [], events);
    try {
      if (coverage === null) {
        const before = await first(node);
        const crossPlan = await neighbours.plan(planned, before.pods);
        return await gatherNode(
          pods,
          before,
          {
            snapshot: async (since) => ({
              ...(await withFacts(await look(node, since))),
              ...(await neighbours.after(crossPlan, since)),
            }),
            killings: async () => (await killings()).filter((event) => event.node === node.name),
          },
          (work) => judge.judge(work, signal),
          { ...gatherOptions, crossPlan },
        );
      }
      return unjudged(notProbed(coverage.result === 'failed' ? await first(node) : bare, coverage));
    } catch (error) {
      if (options.signal.aborted) throw error;
      const why = options.outOfTime?.aborted ? late(node) : failedCoverage(node.name, error);
      return unjudged(notProbed(bare, why));
    }
  }

  /** A node removed meanwhile by an autoscaler or an upgrade did not fail: there is nothing left to audit. */
  async function excused(audit: NodeAudit): Promise<NodeAudit> {
    const { gathered } = audit;
    const { node } = gathered.before;
    if (gathered.coverage?.result !== 'failed' || signal.aborted) return audit;
    const isGone = await unlessFailed(() => isNodeGone(cluster, node, { signal }));
    return isGone === true ? unjudged({ ...gathered, coverage: removed(node) }) : audit;
  }

  try {
    await forEachLimited(plan.nodes, options.concurrency, async (planned) => {
      const { gathered, result } = await excused(await gather(planned));
      await options.onNode(gathered, result ?? judgeByApi(gathered, checks, record.settleSeconds));
    });
  } finally {
    judge.close();
    await pods.close();
  }
  if (options.signal.aborted)
    throw new AuditError('ABORTED', 'interrupted: the probe pods are removed', { remedy: 'Run it again.' });
}

async function readFacts(cluster: Cluster, facts: ClusterFacts, signal: AbortSignal): Promise<ClusterFacts> {
  const { dnsServices } = facts;
  if (dnsServices === null) return facts;
  return { ...facts, dnsServices: await withLaterEndpoints(cluster, dnsServices, { signal }) };
}

/** Those of one node's pods. */
function endpointsOf(all: ServiceEndpoints, pods: readonly Pod[]): ServiceEndpoints {
  if (all.status !== 'present') return all;
  const names = new Set(pods.map(namespacedName));
  return {
    status: 'present',
    value: all.value.filter(({ namespace, pod }) => names.has(namespacedName({ namespace, name: pod }))),
  };
}

const unjudged = (gathered: Gathered): NodeAudit => ({ gathered, result: null });

function late(node: Node): ReturnType<typeof failedCoverage> {
  return {
    node: node.name,
    result: 'failed',
    reason: 'timeout: the batch ran out of time before the node was done',
    remedy: 'Use smaller batches, or probe more nodes at once.',
  };
}

function removed(node: Node): ReturnType<typeof failedCoverage> {
  return { node: node.name, result: 'skipped', reason: NODE_REMOVED, remedy: null };
}

function snapshotOf(node: Node, pods: Pod[], events: EventsByObject): Snapshot {
  const objects = [node.name, ...pods.map(namespacedName)];
  return {
    takenAt: new Date().toISOString(),
    node,
    pods,
    events: objects.flatMap((object) => events.get(object) ?? []),
  };
}
