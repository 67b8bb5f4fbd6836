/** Per-node data kept to conclude a cluster: small, and only what each node says about its own objects. */
import { isIP } from 'node:net';
import type { AnyCheck } from '../checks/define.ts';
import type { NodeCrossing } from '../model/crossing.ts';
import { messageOf } from '../model/errors.ts';
import type { Exception } from '../model/exception.ts';
import type { AuditedObject } from '../model/finding.ts';
import { objectName } from '../model/finding.ts';
import type { DnsService, Pod } from '../model/kubernetes.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import type { CheckFailure, CheckTally, NodeResult, PodAddress } from '../model/node-result.ts';
import type { NodeRoutes } from '../model/node-routes.ts';
import type { PodLink } from '../model/pod-links.ts';
import { printable } from '../model/printable.ts';
import {
  type CheckCoverage,
  type NodeCoverage,
  type NodeFacts,
  UNJUDGED_NAMED,
  type UnjudgedPods,
} from '../model/report.ts';
import { askedLabels, type Labels, labelKey } from './exceptions.ts';
import { ReportRoom } from './finding-limits.ts';
import { type Fingerprints, fingerprintsOf } from './identity.ts';
import { unlessDisguised } from './skipped-node.ts';

/** Distinct reasons in a check's coverage. */
const REASONS_KEPT = 5;

/** A failure with its check and possible names. */
export type Fault = {
  readonly check: AnyCheck;
  readonly failure: CheckFailure;
  readonly fingerprints: Fingerprints;
};

/** What is checked again on a node with an earlier finding. */
export type ExaminedNode = {
  readonly result: NodeCoverage['result'];
  /** `namespace/name` of the pods that the API showed on it. */
  readonly pods: ReadonlySet<string>;
  /** Those among them that checks of pod networks did not see. */
  readonly unseenPods: ReadonlySet<string>;
  /** By check. */
  readonly checks: ReadonlyMap<string, ExaminedCheck>;
};

/** What a check left unjudged, by key; null where it judged nothing at all. */
export type ExaminedCheck = ReadonlySet<string> | null;

/** What a check left unjudged, from its tally: null where it judged nothing at all. */
export function examinedBy({ unexamined, unknown, notApplicable }: CheckTally): ExaminedCheck {
  return unexamined.length === 0 && unknown + notApplicable > 0 ? null : new Set(unexamined);
}

export type FoldedNodes = {
  readonly nodes: NodeCoverage[];
  readonly facts: NodeFacts[];
  readonly faults: Fault[];
  readonly podAddresses: PodAddress[];
  readonly nodeRoutes: NodeRoutes[];
  readonly crossings: NodeCrossing[];
  readonly dnsServices: (DnsService & { readonly node: string })[];
  /** Null until a node has read the counters of its links. */
  podLinks: PodLink[] | null;
  readonly debugPods: Pod[];
  /** Only those that exceptions match. */
  readonly labels: Map<string, Labels extends ReadonlyMap<string, infer Own> ? Own : never>;
  readonly coverage: Map<string, CheckCoverage>;
  readonly byNode: Map<string, ExaminedNode>;
  /** The node on which the API lists a pod, by `namespace/name`; null if it listed the pod on several. */
  readonly nodeOfPod: Map<string, string | null>;
  /** Pods of each workload by `namespace/kind of controller/name`; null if the pods of a node are not known. */
  workloads: Map<string, number> | null;
  /** Pods too young to be judged. */
  youngPods: number;
  /** Pods that were not judged, by reason. */
  readonly unjudged: Map<string, UnjudgedPods>;
  /** Why it is unknown which Services pods serve; null where known. */
  servicesUnread: string | null;
};

export type FoldInput = {
  readonly cluster: string;
  readonly checks: ReadonlyMap<string, AnyCheck>;
  readonly exceptions: readonly Exception[];
  /** Nodes with an earlier finding. */
  readonly askedAgain: ReadonlySet<string>;
  /** Nodes that the earlier report read. */
  readonly readBefore: ReadonlySet<string>;
};

/** Reads the results once. A result that cannot be concluded has failed, and does not affect others. */
export function foldNodes(results: Iterable<NodeResult>, input: FoldInput): FoldedNodes {
  const folded: FoldedNodes = {
    nodes: [],
    facts: [],
    faults: [],
    podAddresses: [],
    nodeRoutes: [],
    crossings: [],
    dnsServices: [],
    podLinks: null,
    debugPods: [],
    labels: new Map(),
    coverage: new Map([...input.checks.values()].map((check) => [check.id, emptyCoverage(check)])),
    byNode: new Map(),
    nodeOfPod: new Map(),
    workloads: new Map(),
    youngPods: 0,
    unjudged: new Map(),
    servicesUnread: null,
  };
  const room = new ReportRoom();
  for (const result of results) merge(folded, shareOf(result, input, room));
  return folded;
}

/** One node's contribution. */
type NodeShare = Pick<
  NodeResult,
  | 'node'
  | 'coverage'
  | 'facts'
  | 'pods'
  | 'debugPods'
  | 'podAddresses'
  | 'nodeRoutes'
  | 'crossing'
  | 'dnsServices'
  | 'podLinks'
  | 'workloads'
  | 'youngPods'
  | 'unjudged'
  | 'servicesUnread'
> & {
  readonly faults: readonly Fault[];
  readonly tallies: readonly CheckTally[];
  readonly labels: ReturnType<typeof askedLabels>;
  readonly examined: ExaminedNode;
};

/** Any error from an odd result is thrown here, before anything is kept. */
function shareOf(result: NodeResult, input: FoldInput, room: ReportRoom): NodeShare {
  try {
    return readShare(room.fit(result), input);
  } catch (error) {
    const reason = `its result could not be concluded: ${messageOf(error)}`.slice(0, 500);
    return {
      node: result.node,
      coverage: { node: result.node, result: 'failed', reason, remedy: null },
      facts: null,
      pods: [],
      youngPods: 0,
      unjudged: [],
      servicesUnread: null,
      debugPods: [],
      podAddresses: [],
      faults: [],
      tallies: [],
      labels: [],
      examined: { result: 'failed', pods: new Set(), unseenPods: new Set(), checks: new Map() },
    };
  }
}

function readShare(
  result: NodeResult,
  { cluster, checks, exceptions, askedAgain, readBefore }: FoldInput,
): NodeShare {
  const { node, coverage, facts, failures, tallies } = result;
  const pods = new Set(result.pods);
  const faults: Fault[] = [];
  const foreign = new Map<string, AuditedObject>();
  for (const failure of failures) {
    const check = checks.get(failure.check);
    if (check === undefined) continue;
    const { object } = failure;
    if (check.scope === 'node' && isOwn(object, node))
      faults.push({ check, failure, fingerprints: namesFor(cluster, check, object) });
    else foreign.set(check.id, object);
  }
  const again = askedAgain.has(node);
  return {
    node,
    coverage: readBefore.has(node) ? unlessDisguised({ ...coverage, node }) : { ...coverage, node },
    facts: facts === null ? null : { ...facts, node },
    pods: result.pods,
    youngPods: result.youngPods,
    unjudged: result.unjudged,
    servicesUnread: result.servicesUnread,
    ...(result.workloads === undefined ? {} : { workloads: result.workloads }),
    debugPods: result.debugPods.filter((pod) => pod.node === node),
    podAddresses: result.podAddresses.filter(
      ({ node: on, pod, address }) => on === node && pods.has(namespacedName(pod)) && isIP(address) !== 0,
    ),
    nodeRoutes: result.nodeRoutes == null ? null : { ...result.nodeRoutes, node },
    crossing: result.crossing == null ? null : { ...result.crossing, node },
    dnsServices: result.dnsServices,
    podLinks:
      result.podLinks
        ?.filter(({ pod }) => pods.has(namespacedName(pod)))
        .map((link) => ({ ...link, node })) ?? null,
    faults,
    tallies: [
      ...tallies.map((entry) => ({ ...entry, reasons: [...entry.reasons] })),
      ...[...foreign].map(([check, object]) => unheard(check, object, node)),
    ],
    labels: askedLabels(result.labels, exceptions).map(([name, own]) => [labelKey(name, node), own]),
    examined: {
      result: coverage.result,
      pods: again ? pods : new Set(),
      unseenPods: new Set(again ? result.unseenPods : []),
      checks: new Map(again ? tallies.map((entry) => [entry.check, examinedBy(entry)]) : []),
    },
  };
}

/** Whether a node may speak of the object: itself, or one on it. */
function isOwn({ kind, name, node }: AuditedObject, self: string): boolean {
  if (kind === 'node') return name === self && (node === undefined || node === self);
  return kind !== 'cluster' && kind !== 'exception' && node === self;
}

/** What a node says about foreign objects counts as not checked. */
function unheard(check: string, object: AuditedObject, node: string): CheckTally {
  const about = printable(objectName(object), 200);
  const reason = `${node} reported ${about}, which is not its own: ignored`;
  return { check, passed: 0, notApplicable: 0, unknown: 1, reasons: [reason], unexamined: [] };
}

function merge(folded: FoldedNodes, part: NodeShare): void {
  const { node, coverage, facts, faults, tallies } = part;
  folded.nodes.push(coverage);
  if (facts !== null) folded.facts.push(facts);
  if (part.workloads === undefined) folded.workloads = null;
  else if (folded.workloads !== null)
    for (const [workload, pods] of Object.entries(part.workloads))
      folded.workloads.set(workload, pods + (folded.workloads.get(workload) ?? 0));
  folded.youngPods += part.youngPods ?? 0;
  folded.servicesUnread ??= part.servicesUnread ?? null;
  for (const { reason, pods, named } of part.unjudged ?? []) {
    const known = folded.unjudged.get(reason);
    folded.unjudged.set(reason, {
      reason,
      pods: pods + (known?.pods ?? 0),
      named: [...(known?.named ?? []), ...named].slice(0, UNJUDGED_NAMED),
    });
  }
  // Not push(...all): a call has room for some 100,000 arguments.
  for (const fault of faults) folded.faults.push(fault);
  for (const held of part.podAddresses) folded.podAddresses.push(held);
  if (part.nodeRoutes != null) folded.nodeRoutes.push(part.nodeRoutes);
  if (part.crossing != null) folded.crossings.push(part.crossing);
  for (const service of part.dnsServices ?? []) folded.dnsServices.push({ ...service, node });
  if (part.podLinks != null) {
    folded.podLinks ??= [];
    for (const link of part.podLinks) folded.podLinks.push(link);
  }
  for (const pod of part.debugPods) folded.debugPods.push(pod);
  for (const [key, own] of part.labels) folded.labels.set(key, own);
  for (const pod of part.pods) {
    const other = folded.nodeOfPod.get(pod);
    folded.nodeOfPod.set(pod, other === undefined || other === node ? node : null);
  }
  for (const entry of tallies) addTally(folded.coverage.get(entry.check), entry);
  for (const [check, found] of Map.groupBy(faults, (fault) => fault.check.id))
    addFailed(folded.coverage.get(check), found.length);
  folded.byNode.set(node, part.examined);
}

/** A renamed check continues its history under its first name. */
export function namesFor(cluster: string, check: AnyCheck, object: AuditedObject): Fingerprints {
  return fingerprintsOf(cluster, check.formerly?.[0] ?? check.id, object);
}

function emptyCoverage({ id, topic }: AnyCheck): CheckCoverage {
  return { check: id, topic, examined: 0, failed: 0, notApplicable: 0, unknown: 0, reasons: [] };
}

/** Adds what one node's check counted to the coverage of that check. */
export function addTally(coverage: CheckCoverage | undefined, entry: CheckTally): void {
  if (coverage === undefined) return;
  coverage.examined += entry.passed;
  coverage.notApplicable += entry.notApplicable;
  coverage.unknown += entry.unknown;
  coverage.reasons = [...new Set([...coverage.reasons, ...entry.reasons.slice(0, REASONS_KEPT)])].slice(
    0,
    REASONS_KEPT,
  );
}

/** Adds objects that failed to the coverage of a check. */
export function addFailed(coverage: CheckCoverage | undefined, failed: number): void {
  if (coverage === undefined) return;
  coverage.examined += failed;
  coverage.failed += failed;
}
