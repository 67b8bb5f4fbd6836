/** Some nodes of a planned run: snapshots, probes, snapshots again and judges each. */
import { type Cluster, isNodeGone, type NodeWatch, ProbePods, WatchLost } from '../cluster/index.ts';
import type { CheckSet } from '../model/check-set.ts';
import { AuditError, unlessFailed } from '../model/errors.ts';
import type { Node } from '../model/kubernetes.ts';
import { forEachLimited } from '../model/limit.ts';
import type { NodeResult } from '../model/node-result.ts';
import { NODE_REMOVED } from '../model/report.ts';
import { probePodName } from '../probe/index.ts';
import { checksFor } from './checks-for.ts';
import { type GatherOptions, gatherNode, type NodeAudit } from './gather-node.ts';
import { Judge, type JudgedBundle, type Judging } from './judge.ts';
import type { Work } from './judge-bundle.ts';
import { failedCoverage, type Gathered, judgeByApi, notProbed } from './judge-node.ts';
import { nodeReader } from './node-reader.ts';
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

/**
 * One batch from snapshots to results. Long, as its steps share the pods, the judge and the signal of the batch.
 *
 * @throws AuditError ABORTED; the coverage of each node has its own errors.
 */
export async function auditBatch(cluster: Cluster, plan: ClusterPlan, options: BatchOptions): Promise<void> {
  const { record } = plan;
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
  const pods = new ProbePods(cluster, {
    namespace: options.namespace,
    runId: record.runId,
    ...(options.batch === undefined ? {} : { batch: options.batch }),
    signal,
  });
  const reader = nodeReader(cluster, plan, signal);
  const judge = new Judge(options.judging);

  async function probe(planned: PlannedNode, watch: NodeWatch | null): Promise<NodeAudit> {
    const { api, crossPlan } = await reader.read(planned, watch, pods.newestRevision);
    const judged = (work: Work): Promise<JudgedBundle> => judge.judge(work, signal);
    return await gatherNode(pods, planned.node.name, api, judged, { ...gatherOptions, crossPlan });
  }

  async function probeWatched(planned: PlannedNode): Promise<NodeAudit> {
    const { name } = planned.node;
    try {
      const probeName = probePodName(record.runId, name);
      return await pods.whileFollowing(name, probeName, (watch) => probe(planned, watch));
    } catch (error) {
      if (!(error instanceof WatchLost)) throw error;
      return await probe(planned, null);
    }
  }

  async function gather(planned: PlannedNode): Promise<NodeAudit> {
    const { node, coverage } = planned;
    const bare = reader.bare(node);
    try {
      if (coverage !== null) {
        const isFailed = coverage.result === 'failed';
        return unjudged(notProbed(isFailed ? await reader.list(node, pods.newestRevision) : bare, coverage));
      }
      return reader.mayWatch ? await probeWatched(planned) : await probe(planned, null);
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
