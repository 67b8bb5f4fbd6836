/** The frame of a check: its metadata, the sources that it needs, and a pure function from these to outcomes. */
import type { ActiveProbe } from '../model/active-probe.ts';
import type { NodeCrossing } from '../model/crossing.ts';
import type { SourceName, Sources } from '../model/evidence.ts';
import type { ExceptionUse } from '../model/exception.ts';
import type { AuditedObject, Comparison, Confidence, RemedyStep, Severity, Topic } from '../model/finding.ts';
import type { DnsService, Pod } from '../model/kubernetes.ts';
import type { CheckFailure, PodAddress } from '../model/node-result.ts';
import type { NodeRoutes } from '../model/node-routes.ts';
import type { PodLink } from '../model/pod-links.ts';
import { allowedRepair, type Repair } from '../model/repair.ts';

/** What one check says of one object. */
export type Outcome =
  | { readonly result: 'pass'; readonly object: AuditedObject }
  | { readonly result: 'notApplicable'; readonly object: AuditedObject; readonly reason: string }
  | { readonly result: 'unknown'; readonly object: AuditedObject; readonly reason: string }
  | ({
      readonly result: 'fail';
      readonly object: AuditedObject;
      readonly repair: Repair | null;
    } & Omit<Failure, 'repair'>);

/** A step of a remedy; where the tool can take it itself, with what the tool then does. */
export type Step = RemedyStep & { readonly repair?: Repair };

export type Failure = {
  /** One or two sentences with the values that prove it. */
  readonly detail: string;
  readonly confidence: Confidence;
  readonly evidence: readonly Comparison[];
  readonly remedy: readonly Step[];
  /** What the tool itself can do about it. Left out: what the only step that changes something says. */
  readonly repair?: Repair | null;
  /** Set if this case is worse or milder than the check's own severity. */
  readonly severity?: Severity;
};

export type CheckContext = {
  readonly node: string;
  /** When the probe read the node, in milliseconds since the epoch; ages are measured against it. */
  readonly now: number;
  /** Objects younger than this are not judged; 0 judges everything. */
  readonly settleSeconds: { readonly pod: number; readonly orphan: number };
};

type Metadata = {
  /** Kebab case; also names the file, the test and the page docs/checks/<id>.md. */
  readonly id: string;
  readonly topic: Topic;
  readonly severity: Severity;
  /** States the healthy case. */
  readonly title: string;
  /** States the fault. */
  readonly failureTitle: string;
  /** Why the check matters, in at most 400 characters. */
  readonly why: string;
  /** Number of runs that must see a fault before it is reported as new; until then it is `pending`. Default 1. */
  readonly observations?: 1 | 2;
  /**
   * Former names, oldest first. Findings keep their history through the first; exceptions may use any of
   * them. A former name is never given to another check.
   */
  readonly formerly?: readonly string[];
  /**
   * Its pods are named by the runtime's records: the API may not know such a pod, or may list it on another
   * node. A sandbox never moves, so the node is part of the finding's identity.
   * `nodes`: a check across nodes that judges each by itself, so that one passes whatever is unknown of others.
   */
  readonly about?: 'sandboxes' | 'nodes';
  /** Runs only if requested with `--active`. */
  readonly active?: ActiveProbe;
};

/** A check of one node. */
export type Check<Need extends SourceName = SourceName> = Metadata & {
  readonly scope: 'node';
  /**
   * Everything that `run` may see. A failed source makes the check unknown on that node, an absent one not
   * applicable.
   */
  readonly needs: readonly Need[];
  run(sources: Pick<Sources, Need>, context: CheckContext): readonly Outcome[];
};

/** What checks of a whole cluster see: small for each node, so that thousands of nodes fit in memory. */
export type ClusterSources = {
  /** One entry for each address in the namespace of a settled pod. */
  readonly podAddresses: readonly PodAddress[];
  /** Nodes whose routes to the pods of other nodes are known. */
  readonly nodeRoutes: readonly NodeRoutes[];
  /** Pings between pods of neighbours in the ring of nodes, if they were requested. */
  readonly crossings: readonly NodeCrossing[];
  /** What checks of nodes found, and those before this one: a cause that they name needs no second finding. */
  readonly found: readonly Pick<CheckFailure, 'check' | 'object' | 'detail'>[];
  /** Services that kubelets give to pods as nameservers, once for each such node. */
  readonly dnsServices: readonly (DnsService & { readonly node: string })[];
  /** Main links of pods that have ever lost packets, now and in the cluster's latest report; null if it has none. */
  readonly podLinks: readonly PodLink[];
  readonly earlierPodLinks: { readonly at: string; readonly links: readonly PodLink[] } | null;
  /** The nodes that were audited; all others are unknown. */
  readonly auditedNodes: readonly string[];
  /** The auditor's own pods, and those of others that look like debug pods. */
  readonly debugPods: readonly Pod[];
  /** Exceptions for this cluster, and what the run saw of each. */
  readonly exceptions: readonly ExceptionUse[];
};

/** A check that needs the results of all nodes. */
export type ClusterCheck = Metadata & {
  readonly scope: 'cluster';
  readonly needs: readonly [];
  run(sources: ClusterSources, context: Omit<CheckContext, 'node'>): readonly Outcome[];
};

/** A check as the catalogue holds it. Only the diagnosis calls `run`, which takes the sources that `needs` names. */
export type AnyCheck =
  | (Omit<Check, 'run' | 'needs'> & {
      readonly needs: readonly SourceName[];
      run(sources: never, context: CheckContext): readonly Outcome[];
    })
  | ClusterCheck;

/** A check of one node. `needs` names the parts of the evidence that `run` sees. */
export function defineCheck<const Need extends SourceName>(check: Omit<Check<Need>, 'scope'>): Check<Need> {
  return { ...check, scope: 'node' };
}

/** A check that compares the nodes of a cluster; it runs once, after all nodes were audited. */
export function defineClusterCheck(check: Omit<ClusterCheck, 'scope' | 'needs'>): ClusterCheck {
  return { ...check, scope: 'cluster', needs: [] };
}

/** The object was examined and is healthy. */
export function pass(object: AuditedObject): Outcome {
  return { result: 'pass', object };
}

/**
 * The check does not apply to the object.
 * @param reason - why, in lower case, without a full stop
 */
export function notApplicable(object: AuditedObject, reason: string): Outcome {
  return { result: 'notApplicable', object, reason };
}

/**
 * The object could not be examined, which is never healthy.
 *
 * @param reason - why, in lower case, without a full stop
 */
export function unknown(object: AuditedObject, reason: string): Outcome {
  return { result: 'unknown', object, reason };
}

/** The object has the fault. */
export function fail(object: AuditedObject, failure: Failure): Outcome {
  const { remedy, repair = repairOf(object, remedy) } = failure;
  return {
    result: 'fail',
    object,
    ...failure,
    remedy: remedy.map(({ repair: _, ...step }) => step),
    repair: allowedRepair(repair),
  };
}

/** Where more is to be done, as to other pods that shared its network, the step alone would leave them broken. */
function repairOf(object: AuditedObject, remedy: readonly Step[]): Repair | null {
  const [only, more] = remedy.filter(({ purpose }) => purpose === 'repair');
  if (more !== undefined || only?.repair === undefined) return null;
  const { repair } = only;
  const isOfAnother =
    repair.kind === 'recreate-pod' &&
    (object.kind !== 'pod' || object.namespace !== repair.namespace || object.name !== repair.name);
  return isOfAnother ? null : repair;
}

/** The pod as the object of a finding. */
export function podObject(pod: { namespace: string; name: string }, node: string): AuditedObject {
  return { kind: 'pod', namespace: pod.namespace, name: pod.name, node };
}

/** The node as the object of a finding. */
export function nodeObject(node: string): AuditedObject {
  return { kind: 'node', name: node };
}
