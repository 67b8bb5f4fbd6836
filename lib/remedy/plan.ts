/**
 * Which findings of a report the tool itself may repair, and how. A plan only lists candidates: each act checks the
 * live cluster again before it does anything (lib/audit/remediate.ts).
 */
import { type AgentPods, agentToRestart } from '../model/agent-restart.ts';
import type { Finding } from '../model/finding.ts';
import { leakedPairOf, leakedRecordsOf, type NodeObject } from '../model/node-object.ts';
import { type Orphan, orphanOf } from '../model/orphan.ts';
import { repairKindOf } from '../model/repair-kind.ts';
import type { ClusterReport } from '../model/report.ts';

type Planned = {
  readonly node: string;
  /** Worst first. */
  readonly findings: readonly Finding[];
  /** Why it must not be tried; null if it may. */
  readonly refused: string | null;
};

/** Recreates one pod, for all findings that this repairs. */
export type PodAct = Planned & {
  readonly kind: 'recreate-pod';
  readonly pod: { readonly namespace: string; readonly name: string };
};

/** Deletes unused namespaces on one node: one finding each, in the same order if it may be tried. */
export type NamespacesAct = Planned & {
  readonly kind: 'delete-namespaces';
  readonly orphans: readonly Orphan[];
};

/** Deletes pairs that lead into no pod, or address records without a container, on one node. */
type ObjectsAct = Planned & {
  readonly kind: 'delete-veths' | 'release-addresses';
  readonly objects: readonly NodeObject[];
};

/** Restarts the agent of a node's CNI plugin. */
export type AgentAct = Planned & { readonly kind: 'restart-agent'; readonly agent: AgentPods };

/** Acts of a pod on the node. */
export type NodeAct = NamespacesAct | ObjectsAct;

export function isOnNode(act: Act): act is NodeAct {
  return act.kind !== 'recreate-pod' && act.kind !== 'restart-agent';
}

/** All acts of the tool. lib/audit has the checks before and after each kind. */
export type Act = PodAct | AgentAct | NodeAct;

export type Plan = {
  /** Candidates first, then the refused ones. */
  readonly acts: readonly Act[];
  /** Findings that only a person can repair: their commands are in the report, and in the script. */
  readonly byHand: readonly Finding[];
};

export type Asked = {
  readonly check?: string;
  readonly node?: string;
  readonly pod?: { readonly namespace: string; readonly name: string };
};

/** An older report may describe a cluster that has long changed. */
const OLDEST_HOURS = 24;

/** Why this report cannot be used for repairs; null if it can. @param now - milliseconds */
export function whyNotBy(
  report: Pick<ClusterReport, 'startedAt' | 'cluster' | 'runId'>,
  cluster: { readonly uid: string },
  now: number,
): string | null {
  const hours = (now - Date.parse(report.startedAt)) / 3_600_000;
  if (report.cluster.uid !== cluster.uid)
    return `run ${report.runId} is of another cluster (its kube-system has the uid ${report.cluster.uid})`;
  if (hours > OLDEST_HOURS)
    return `run ${report.runId} is ${Math.floor(hours)} hours old; repairs go by no report older than ${OLDEST_HOURS}`;
  return null;
}

/** The plan for the requested findings of a report: least harm first. */
export function planRepairs(report: ClusterReport, asked: Asked): Plan {
  const known = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  const wanted = report.findings.filter(({ check, object }) => {
    if (asked.check !== undefined && check !== asked.check) return false;
    if (asked.node !== undefined && (object.node ?? object.name) !== asked.node) return false;
    return (
      asked.pod === undefined ||
      (object.kind === 'pod' && object.namespace === asked.pod.namespace && object.name === asked.pod.name)
    );
  });
  // Refuses a name that is not the runtime's, with the reason.
  const byKind = Map.groupBy(wanted, (finding) =>
    finding.check === 'namespace-orphaned' ? 'delete-namespaces' : repairKindOf(finding),
  );
  const acts = [
    // A namespace that is deleted may be what holds a pair or an address.
    ...namespacesActs(byKind.get('delete-namespaces') ?? []),
    ...objectsActs('delete-veths', byKind.get('delete-veths') ?? []),
    ...objectsActs('release-addresses', byKind.get('release-addresses') ?? []),
    ...podActs(byKind.get('recreate-pod') ?? [], known),
    ...agentActs(byKind.get('restart-agent') ?? [], known),
  ];
  const byHand = (byKind.get(null) ?? []).filter(
    ({ suppressed, remedy }) =>
      suppressed === null && remedy.some(({ command: typed }) => typed !== undefined),
  );
  return {
    acts: acts.toSorted((a, b) => Number(a.refused !== null) - Number(b.refused !== null)),
    byHand,
  };
}

/** How many objects an act changes. */
export function objectsOf(act: Act): number {
  if (!isOnNode(act)) return 1;
  return act.kind === 'delete-namespaces' ? act.orphans.length : act.objects.length;
}

/**
 * The acts to try, up to a total number of objects.
 *
 * @param most - objects per act on a node: more make another act
 */
export function limited(acts: readonly Act[], limit: number, most: number): Act[] {
  const chosen: Act[] = [];
  let left = limit;
  for (const act of acts.filter(({ refused }) => refused === null)) {
    if (!isOnNode(act)) {
      if (left > 0) chosen.push(act);
      left -= 1;
      continue;
    }
    for (let from = 0; from < objectsOf(act) && left > 0; from += most) {
      const part = partOf(act, from, Math.min(from + most, from + left));
      chosen.push(part);
      left -= objectsOf(part);
    }
  }
  return chosen;
}

function partOf(act: NodeAct, from: number, to: number): NodeAct {
  // A finding may list many records, so that all of them stay.
  if (act.kind !== 'delete-namespaces') return { ...act, objects: act.objects.slice(from, to) };
  return { ...act, orphans: act.orphans.slice(from, to), findings: act.findings.slice(from, to) };
}

function podActs(findings: readonly Finding[], known: ReadonlyMap<string, Finding>): Act[] {
  const byPod = Map.groupBy(findings, ({ object }) => `${object.namespace}/${object.name}/${object.node}`);
  return [...byPod.values()].flatMap((found): Act[] => {
    const { namespace, name, node } = found[0]?.object ?? {};
    if (namespace === undefined || name === undefined || node === undefined) return [];
    const reasons = found.map((finding) => whyNotPod(finding, known));
    // One good reason is enough to recreate the pod.
    const refused = reasons.includes(null) ? null : (reasons[0] ?? null);
    // A refused finding is not a reason, and must not become one when the others are gone.
    const reasonsToAct = refused === null ? found.filter((_, index) => reasons[index] === null) : found;
    return [{ kind: 'recreate-pod', pod: { namespace, name }, node, findings: reasonsToAct, refused }];
  });
}

/** One act per node, and one per reason to leave some of its objects alone. */
function namespacesActs(findings: readonly Finding[]): Act[] {
  const orphans = findings.flatMap((finding) => {
    const orphan = orphanOf(finding);
    const { node } = finding.object;
    if (node === undefined) return [];
    const refused =
      (orphan === null ? 'its pin is not one that containerd makes, so somebody may want it' : null) ??
      whyRefused(finding) ??
      (finding.runs < 2 ? 'one audit has seen it, and two are wanted' : null);
    return [{ orphan, finding, node, refused }];
  });
  return [...Map.groupBy(orphans, ({ node, refused }) => JSON.stringify([node, refused])).values()].flatMap(
    (group): Act[] => {
      const [first] = group;
      if (first === undefined) return [];
      return [
        {
          kind: 'delete-namespaces',
          node: first.node,
          orphans: group.flatMap(({ orphan }) => orphan ?? []),
          findings: group.map(({ finding }) => finding),
          refused: first.refused,
        },
      ];
    },
  );
}

function agentActs(findings: readonly Finding[], known: ReadonlyMap<string, Finding>): AgentAct[] {
  const found = findings.flatMap((finding) => {
    const agent = agentToRestart(finding);
    return agent === null ? [] : [{ agent, finding, refused: whyNotPod(finding, known) }];
  });
  return [...Map.groupBy(found, ({ agent }) => JSON.stringify(agent)).values()].flatMap(
    (group): AgentAct[] => {
      const [first] = group;
      if (first === undefined) return [];
      const sure = group.filter(({ refused }) => refused === null);
      const reasons = sure.length > 0 ? sure : group;
      return [
        {
          kind: 'restart-agent',
          node: first.agent.node,
          agent: first.agent,
          findings: reasons.map(({ finding }) => finding),
          refused: reasons[0]?.refused ?? null,
        },
      ];
    },
  );
}

/** One act per node, and one per reason to leave some of its objects alone. */
function objectsActs(kind: ObjectsAct['kind'], findings: readonly Finding[]): ObjectsAct[] {
  const found = findings.flatMap((finding) => {
    const { node } = finding.object;
    if (node === undefined) return [];
    const refused =
      whyRefused(finding) ?? (finding.runs < 2 ? 'one audit has seen it, and two are wanted' : null);
    const objects = kind === 'delete-veths' ? [leakedPairOf(finding) ?? []].flat() : leakedRecordsOf(finding);
    return [{ finding, node, refused, objects }];
  });
  return [...Map.groupBy(found, ({ node, refused }) => JSON.stringify([node, refused])).values()].flatMap(
    (group): ObjectsAct[] => {
      const [first] = group;
      if (first === undefined) return [];
      const objects = new Map(
        group.flatMap((each) => each.objects.map((object) => [object.name, object] as const)),
      );
      return [
        {
          kind,
          node: first.node,
          objects: [...objects.values()],
          findings: group.map(({ finding }) => finding),
          refused: first.refused,
        },
      ];
    },
  );
}

function whyNotPod(finding: Finding, known: ReadonlyMap<string, Finding>): string | null {
  const refused = whyRefused(finding);
  if (refused !== null) return refused;
  if (finding.topic === 'connectivity') return 'only packets show it, and repairs send none';
  const cause = finding.partOf === null ? undefined : known.get(finding.partOf);
  if (cause !== undefined) return `${cause.check} is its cause, which a new pod would share`;
  return null;
}

function whyRefused(finding: Finding): string | null {
  if (finding.suppressed !== null) return `an exception of ${finding.suppressed.owner} covers it`;
  if (finding.state === 'pending') return 'it was seen once, and counts when the next audit sees it again';
  if (finding.notSeen) return 'the audit did not look at it';
  if (finding.confidence === 'suspected') return 'it is only suspected';
  return null;
}
