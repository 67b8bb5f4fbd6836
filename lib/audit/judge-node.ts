/** What was gathered of one node, judged: its failures, and how much of it was examined. Pure. */
import type { AnyCheck, CheckContext } from '../checks/define.ts';
import { nodeCrossing } from '../computed/path/node-crossing.ts';
import { nodeRoutes } from '../computed/path/node-routes.ts';
import { givenServices } from '../computed/pods/cluster-dns.ts';
import { isDebugPod } from '../computed/pods/debug-pods.ts';
import { podLinks } from '../computed/pods/pod-links.ts';
import { diagnoseNode } from '../diagnosis/diagnose-node.ts';
import { AuditError, messageOf } from '../model/errors.ts';
import { type Evidence, type SourceName, sourceSchemas } from '../model/evidence.ts';
import type { Snapshot } from '../model/kubernetes.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import type { CheckFailure, NodeResult } from '../model/node-result.ts';
import { isOwnPod } from '../model/own-pods.ts';
import { type NodeCoverage, UNJUDGED_NAMED, type UnjudgedPods } from '../model/report.ts';
import { workloadOf } from '../model/workload.ts';
import { type BundleFiles, observePods } from '../probe/index.ts';
import type { CanaryRun } from './canary.ts';
import { nodeFacts, podAddresses } from './node-facts.ts';

/** Data gathered from one node: all that a later analysis needs to reach the same result. */
export type Gathered = {
  readonly before: Snapshot;
  /** Null when the probe failed before it was taken. */
  readonly after: Snapshot | null;
  /** The probe's bundle; null when there is none. */
  readonly files: BundleFiles | null;
  readonly canary: CanaryRun | null;
  /** Why the node was not judged by its bundle; null when it was. */
  readonly coverage: NodeCoverage | null;
};

/** A node that was not probed: skipped by design, or known to be unreachable. */
export function notProbed(before: Snapshot, coverage: NodeCoverage): Gathered {
  return { before, after: null, files: null, canary: null, coverage };
}

/** Judges a node without a usable bundle: from the API alone. Pure. */
export function judgeByApi(
  gathered: Pick<Gathered, 'before' | 'after' | 'coverage'>,
  checks: readonly AnyCheck[],
  settleSeconds: CheckContext['settleSeconds'],
): NodeResult {
  return judgeNode({ ...gathered, evidence: null }, checks, settleSeconds);
}

/** Judges what was gathered. Pure. */
export function judgeNode(
  gathered: Pick<Gathered, 'before' | 'after' | 'coverage'> & { readonly evidence: Evidence | null },
  checks: readonly AnyCheck[],
  settleSeconds: CheckContext['settleSeconds'],
): NodeResult {
  const { before, after, evidence, coverage } = gathered;
  const node = before.node;
  const pods = before.pods.filter((pod) => pod.phase === 'Pending' || pod.phase === 'Running').length;
  const known = {
    ...workloadsOf(before, coverage),
    pods: before.pods.map(namespacedName),
    // A pod that was just removed may still be in the first list.
    debugPods: before.pods.filter(
      (pod) => isDebugPod(pod) && (after === null || after.pods.some(({ uid }) => uid === pod.uid)),
    ),
    labels: Object.fromEntries([
      [node.name, node.labels],
      ...before.pods.map(
        ({ namespace, name, labels }) => [namespacedName({ namespace, name }), labels] as const,
      ),
    ]),
  };
  if (evidence === null) {
    const { failures, tallies } = diagnoseNode(
      withoutProbe(before, coverage?.reason ?? 'not probed', settleSeconds.pod),
      checks,
      { settleSeconds },
    );
    return {
      ...known,
      node: node.name,
      coverage: coverage ?? { node: node.name, result: 'failed', reason: null, remedy: null },
      facts: null,
      // Reported once, as a failed node, not again by every check.
      tallies: tallies.map((tally) => ({ ...tally, unknown: 0, reasons: [] })),
      failures: withServices(failures, after),
      podAddresses: [],
    };
  }
  const { failures, tallies, found } = diagnoseNode(evidence, checks, { settleSeconds });
  return {
    ...known,
    node: node.name,
    coverage: coverageOf(evidence),
    facts: nodeFacts(node, pods, evidence, found.get('namespace-orphaned') ?? 0),
    tallies,
    failures: withServices(failures, after),
    servicesUnread: after?.serviceEndpoints?.status === 'failed' ? after.serviceEndpoints.reason : null,
    podAddresses: podAddresses(evidence),
    nodeRoutes: nodeRoutes(evidence),
    crossing: nodeCrossing(evidence),
    dnsServices: dnsServicesOf(evidence),
    podLinks: podLinks(evidence),
    unseenPods: unseenPods(evidence),
    youngPods: youngPods(evidence),
    unjudged: unjudgedPods(evidence),
  };
}

/** An empty list means that the pods of a failed node were not listed; those of skipped nodes never are. */
function workloadsOf(
  { pods }: Snapshot,
  coverage: NodeCoverage | null,
): Pick<NodeResult, 'workloads'> | Record<string, never> {
  if (pods.length === 0 && coverage?.result === 'failed') return {};
  const live = pods.flatMap(({ namespace, name, controller, phase, deletionTimestamp }) => {
    const workload = workloadOf({ kind: 'pod', name });
    const runs = (phase === 'Running' || phase === 'Pending') && deletionTimestamp === null;
    return runs && workload !== '' && controller !== null && controller !== 'Node'
      ? [`${namespace}/${controller}/${workload}`]
      : [];
  });
  const sets = Map.groupBy(live, (workload) => workload);
  return { workloads: Object.fromEntries([...sets].map(([workload, all]) => [workload, all.length])) };
}

/** Without the addresses of endpoints, which only the checks of the node compare. */
function dnsServicesOf({ clusterDns }: Evidence): NodeResult['dnsServices'] {
  if (clusterDns.status !== 'present') return null;
  const given = givenServices(clusterDns.value);
  return (
    given?.map(({ namespace, name, addresses, endpoints }) => ({ namespace, name, addresses, endpoints })) ??
    null
  );
}

/** Running pods with their own network, or not settled, that have nothing to judge. */
function unseenPods({ pods, podNetworks }: Evidence): string[] {
  if (pods.status !== 'present' || podNetworks.status !== 'present') return [];
  const seen = new Set(podNetworks.value.map(({ pod }) => pod.uid));
  return pods.value
    .filter(
      ({ uid, phase, hostNetwork, unsettled }) =>
        !seen.has(uid) && !hostNetwork && (unsettled !== null || phase === 'Running'),
    )
    .map(namespacedName);
}

function youngPods({ pods }: Evidence): number {
  return pods.status === 'present' ? pods.value.filter(({ isYoung }) => isYoung).length : 0;
}

/** Pods that run, or should, and have not settled; without the audit's own. */
function unjudgedPods({ pods }: Evidence): UnjudgedPods[] {
  if (pods.status !== 'present') return [];
  const found = pods.value.filter(
    (pod) => pod.unsettled !== null && !isOwnPod(pod) && (pod.phase === 'Running' || pod.phase === 'Pending'),
  );
  return [...Map.groupBy(found, ({ unsettled }) => unsettled ?? '')].map(([reason, alike]) => ({
    reason,
    pods: alike.length,
    named: alike.slice(0, UNJUDGED_NAMED).map(namespacedName),
  }));
}

/** Services named per pod. */
const SERVICES = 20;

/**
 * Adds the Services that still send traffic to pods with findings. A pod that is not ready now gets none,
 * whatever was listed before.
 */
function withServices(failures: readonly CheckFailure[], after: Snapshot | null): CheckFailure[] {
  const endpoints = after?.serviceEndpoints;
  if (after === null || endpoints?.status !== 'present') return [...failures];
  const ready = new Set(after.pods.filter((pod) => pod.ready).map(namespacedName));
  const byPod = Map.groupBy(endpoints.value, ({ namespace, pod }) =>
    namespacedName({ namespace, name: pod }),
  );
  return failures.map((failure) => {
    const { kind, namespace = '', name } = failure.object;
    if (kind !== 'pod') return failure;
    const pod = namespacedName({ namespace, name });
    const served = ready.has(pod) ? (byPod.get(pod) ?? []) : [];
    return {
      ...failure,
      serves: served.slice(0, SERVICES).map(({ service }) => namespacedName({ namespace, name: service })),
    };
  });
}

function coverageOf(evidence: Evidence): NodeCoverage {
  const failed = new Map<string, string>();
  for (const name of Object.keys(sourceSchemas) as SourceName[]) {
    // Needs an optional right: without it its checks are unknown, but the node is audited.
    if (name === 'cniEndpoints') continue;
    const part = evidence[name];
    // A shared reason is reported once.
    if (part.status === 'failed' && !failed.has(part.reason))
      failed.set(part.reason, part.reason.startsWith(`${name}: `) ? part.reason : `${name}: ${part.reason}`);
  }
  const gaps = [...evidence.incomplete, ...failed.values()];
  if (gaps.length === 0) return { node: evidence.nodeName, result: 'audited', reason: null, remedy: null };
  return {
    node: evidence.nodeName,
    result: 'partial',
    reason: gaps.slice(0, 5).join('; ').slice(0, 500),
    remedy: null,
  };
}

/** Evidence of a node that could not be probed: only what the API says. */
function withoutProbe(before: Snapshot, reason: string, settleSeconds: number): Evidence {
  const failed = { status: 'failed', reason } as const;
  const parts = Object.fromEntries(Object.keys(sourceSchemas).map((name) => [name, failed])) as Record<
    SourceName,
    typeof failed
  >;
  return {
    ...parts,
    node: { status: 'present', value: before.node },
    // Their events say why no pod starts, perhaps not ours either. An empty list may also mean that pods were
    // not listed.
    pods:
      before.pods.length === 0
        ? failed
        : { status: 'present', value: observePods({ before, after: before }, null, settleSeconds) },
    events: { status: 'present', value: before.events },
    nodeName: before.node.name,
    takenAt: before.takenAt,
    probeMilliseconds: 0,
    incomplete: [],
  };
}

/** How the coverage describes a failed probe: the cluster's message, and what to do. */
export function failedCoverage(node: string, error: unknown): NodeCoverage {
  const remedy = error instanceof AuditError ? error.remedy : null;
  return { node, result: 'failed', reason: messageOf(error), remedy };
}
