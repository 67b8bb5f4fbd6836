/** The frame of a check: metadata, what it needs to see, and a pure function from that to outcomes. */
import type { ActiveProbe } from '../model/active-probe.ts';
import type { SourceName, Sources } from '../model/evidence.ts';
import type { ExceptionUse } from '../model/exception.ts';
import type { AuditedObject, Comparison, Confidence, RemedyStep, Severity, Topic } from '../model/finding.ts';
import type { Pod } from '../model/kubernetes.ts';
import type { PodAddress } from '../model/node-result.ts';
import type { NodeRoutes } from '../model/node-routes.ts';
import type { PodLink } from '../model/pod-links.ts';

/** What one check says of one object. */
export type Outcome =
  | { readonly result: 'pass'; readonly object: AuditedObject }
  | { readonly result: 'notApplicable'; readonly object: AuditedObject; readonly reason: string }
  | { readonly result: 'unknown'; readonly object: AuditedObject; readonly reason: string }
  | ({ readonly result: 'fail'; readonly object: AuditedObject } & Failure);

export type Failure = {
  /** One or two sentences with the values that prove it. */
  readonly detail: string;
  readonly confidence: Confidence;
  readonly evidence: readonly Comparison[];
  readonly remedy: readonly RemedyStep[];
  /** Where this case is worse or milder than the check's own severity. */
  readonly severity?: Severity;
};

export type CheckContext = {
  readonly node: string;
  /** When the probe looked, as milliseconds since the epoch: ages are measured against it. */
  readonly now: number;
  /** Objects younger than this are not judged; 0 judges everything. */
  readonly settleSeconds: { readonly pod: number; readonly orphan: number };
};

type Metadata = {
  /** Kebab case; names the file, the doc page docs/checks/<id>.md and the test. */
  readonly id: string;
  readonly topic: Topic;
  readonly severity: Severity;
  /** Said of what passes. */
  readonly title: string;
  /** Said of what fails. */
  readonly failureTitle: string;
  /** Why it matters, in at most 400 characters. */
  readonly why: string;
  /** Runs that must see it before it is reported as new; the first sight is `pending`. Default 1. */
  readonly observations?: 1 | 2;
  /**
   * Names that it had before, the first one first. Its findings keep their history through the first, and exceptions may
   * use any. A name that is given up is never given to another check.
   */
  readonly formerly?: readonly string[];
  /**
   * Its pods are named by the runtime's records: the API may know no such pod, or one on another node. A sandbox moves
   * nowhere, so the node is part of what its findings are known by.
   */
  readonly about?: 'sandboxes';
  /** Runs only when asked for with `--active`. */
  readonly active?: ActiveProbe;
};

/** A check of one node. */
export type Check<Need extends SourceName = SourceName> = Metadata & {
  readonly scope: 'node';
  /** All that `run` may see. A failed source makes the check unknown on that node, an absent one not applicable. */
  readonly needs: readonly Need[];
  run(sources: Pick<Sources, Need>, context: CheckContext): readonly Outcome[];
};

/** What checks of a whole cluster see: small per node, so that memory stays small for thousands of nodes. */
export type ClusterSources = {
  /** One entry for each address that a settled pod's namespace holds. */
  readonly podAddresses: readonly PodAddress[];
  /** Of nodes whose ways to the pods of others are known. */
  readonly nodeRoutes: readonly NodeRoutes[];
  /** Main links of pods that have ever lost something, and those of the cluster's latest report: null where it has none. */
  readonly podLinks: readonly PodLink[];
  readonly earlierPodLinks: { readonly at: string; readonly links: readonly PodLink[] } | null;
  /** Nodes that were audited; others are unknown. */
  readonly auditedNodes: readonly string[];
  /** Pods of ours and of others that look like debug pods. */
  readonly debugPods: readonly Pod[];
  /** Exceptions that are for this cluster, and what the run saw of each. */
  readonly exceptions: readonly ExceptionUse[];
};

/** A check that needs all nodes. */
export type ClusterCheck = Metadata & {
  readonly scope: 'cluster';
  readonly needs: readonly [];
  run(sources: ClusterSources, context: Omit<CheckContext, 'node'>): readonly Outcome[];
};

/** A check as the catalogue holds it. `run` takes the parts that `needs` names, so it is called by the diagnosis only. */
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

/** A check of what the nodes of a cluster are beside each other; it runs once, when all nodes are in. */
export function defineClusterCheck(check: Omit<ClusterCheck, 'scope' | 'needs'>): ClusterCheck {
  return { ...check, scope: 'cluster', needs: [] };
}

/** The object was examined and is in order. */
export function pass(object: AuditedObject): Outcome {
  return { result: 'pass', object };
}

/** The check has nothing to say of the object. @param reason - why, in lower case, without a full stop */
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
  return { result: 'fail', object, ...failure };
}

/** The pod as the object of a finding. */
export function podObject(pod: { namespace: string; name: string }, node: string): AuditedObject {
  return { kind: 'pod', namespace: pod.namespace, name: pod.name, node };
}

/** The node as the object of a finding. */
export function nodeObject(node: string): AuditedObject {
  return { kind: 'node', name: node };
}
