/** The audit of one cluster in one process: plan, gather, diagnose, compare. Publishing is the caller's. */
import type { AnyCheck, CheckContext } from '../checks/define.ts';
import { type Cluster, listEvents, listNodes, listPodsOnNode, ProbePods, sweep } from '../cluster/index.ts';
import { concludeCluster } from '../diagnosis/conclude-cluster.ts';
import { AuditError } from '../model/errors.ts';
import type { Event, Node, Snapshot } from '../model/kubernetes.ts';
import type { NodeResult } from '../model/node-result.ts';
import type { ClusterReport, NodeCoverage } from '../model/report.ts';
import type { AuditRecord } from '../probe/index.ts';
import { failedCoverage, type Gathering, judge, notProbed } from './audit-node.ts';
import { type GatherOptions, gatherNode } from './gather-node.ts';
import { forEachLimited } from './limit.ts';
import { type NodeSelection, planNodes } from './plan.ts';

export type AuditOptions = GatherOptions & {
  readonly selection: NodeSelection;
  /** Nodes probed at once. */
  readonly concurrency: number;
  readonly checks: readonly AnyCheck[];
  readonly settleSeconds: CheckContext['settleSeconds'];
  readonly previous: ClusterReport | null;
  readonly auditorVersion: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** Called with all that was gathered of a node, to be kept. */
  readonly onGathered: (
    gathering: Gathering,
    record: Omit<AuditRecord, 'coverage' | 'canary'>,
  ) => Promise<void>;
};

export type Progress =
  | { readonly kind: 'swept'; readonly pods: readonly string[] }
  | { readonly kind: 'planned'; readonly nodes: number; readonly skipped: number }
  | {
      readonly kind: 'node';
      readonly coverage: NodeCoverage;
      readonly done: number;
      readonly nodes: number;
      readonly findings: number;
    };

/** @throws AuditError when the cluster as a whole cannot be audited; a node's trouble is in the report's coverage. */
export async function auditCluster(cluster: Cluster, options: AuditOptions): Promise<ClusterReport> {
  const startedAt = new Date().toISOString();
  const list = { signal: options.signal };
  const [nodes, events, swept] = await Promise.all([
    listNodes(cluster, list),
    listEvents(cluster, list),
    sweep(cluster, options.namespace, Date.now(), list),
  ]);
  if (swept.length > 0) options.onProgress({ kind: 'swept', pods: swept });
  const plan = planNodes(nodes, options.selection);
  options.onProgress({ kind: 'planned', nodes: plan.probe.length, skipped: plan.notProbed.length });
  const whole = options.selection.names.length === 0 && options.selection.labels.length === 0;
  const kept = {
    version: options.auditorVersion,
    runId: options.runId,
    cluster: { name: cluster.name, uid: cluster.uid, version: cluster.version },
    scope: whole ? ('cluster' as const) : ('part' as const),
    startedAt,
    settleSeconds: options.settleSeconds,
    active: [...options.active],
    previousRunId: options.previous?.runId ?? null,
  } satisfies Omit<AuditRecord, 'coverage' | 'canary'>;
  const results: NodeResult[] = [];
  const record = async (gathering: Gathering): Promise<void> => {
    const result = judge(gathering, options.checks, options.settleSeconds);
    results.push(result);
    await options.onGathered(gathering, kept);
    options.onProgress({
      kind: 'node',
      coverage: result.coverage,
      done: results.length,
      nodes: plan.probe.length + plan.notProbed.length,
      findings: result.failures.length,
    });
  };
  const gather = async (node: Node): Promise<Gathering> => {
    let before: Snapshot;
    try {
      before = await snapshot(cluster, node, events, options.signal);
    } catch (error) {
      if (options.signal.aborted) throw error;
      return notProbed(bareSnapshot(node, events), failedCoverage(node.name, error));
    }
    return await gatherNode(pods, before, () => snapshot(cluster, node, events, options.signal), options);
  };
  const pods = ProbePods.start(cluster, {
    namespace: options.namespace,
    runId: options.runId,
    signal: options.signal,
  });
  try {
    await forEachLimited(plan.notProbed, options.concurrency, async ({ node, coverage }) => {
      const before =
        coverage.result === 'failed'
          ? await snapshot(cluster, node, events, options.signal)
          : bareSnapshot(node, events);
      await record(notProbed(before, coverage));
    });
    await forEachLimited(plan.probe, options.concurrency, async (node) => {
      await record(await gather(node));
    });
  } finally {
    await pods.close();
  }
  if (options.signal.aborted)
    throw new AuditError('ABORTED', 'interrupted: the probe pods are removed', { remedy: 'Run it again.' });
  return concludeCluster({
    runId: kept.runId,
    cluster: kept.cluster,
    scope: kept.scope,
    startedAt,
    finishedAt: new Date().toISOString(),
    auditorVersion: options.auditorVersion,
    results,
    checks: options.checks,
    previous: options.previous,
    settleSeconds: options.settleSeconds,
  });
}

async function snapshot(
  cluster: Cluster,
  node: Node,
  events: readonly Event[],
  signal: AbortSignal,
): Promise<Snapshot> {
  const pods = await listPodsOnNode(cluster, node.name, { signal });
  const names = new Set(pods.map((pod) => `${pod.namespace}/${pod.name}`));
  return {
    takenAt: new Date().toISOString(),
    node,
    pods,
    events: events.filter((event) =>
      event.kind === 'Node' ? event.name === node.name : names.has(`${event.namespace}/${event.name}`),
    ),
  };
}

function bareSnapshot(node: Node, events: readonly Event[]): Snapshot {
  return {
    takenAt: new Date().toISOString(),
    node,
    pods: [],
    events: events.filter((event) => event.kind === 'Node' && event.name === node.name),
  };
}
