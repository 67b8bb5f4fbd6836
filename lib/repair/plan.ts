/**
 * Which findings of a report the tool itself may repair, and how. A plan only lists candidates: each act checks the
 * live cluster again before it does anything (lib/audit/remediate.ts).
 */

import { HOUR } from '../model/days.ts';
import { type Finding, nodeOf } from '../model/finding.ts';
import { isAbout, type Narrowing } from '../model/narrowing.ts';
import { type Orphan, type Repair, type RepairOf, whyNever } from '../model/repair.ts';
import type { ClusterReport } from '../model/report.ts';
import { leakedPair, leakedRecords, type NodeObject, restorables } from './node-object.ts';
import { whyNotDeleted, whyNotRecreated, whyNotRestored, whyRefused } from './refusals.ts';

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

/**
 * Puts back what pods lost, or takes it back, or deletes pairs that lead into no pod, or address records
 * without a container, on one node.
 */
export type ObjectsAct = Planned & {
  readonly kind: 'restore' | 'take-back' | 'delete-veths' | 'release-addresses';
  readonly objects: readonly NodeObject[];
};

/** Restarts the agent of a node's CNI plugin. */
export type AgentAct = Planned & {
  readonly kind: 'restart-agent';
  readonly agent: { readonly namespace: string; readonly selector: string };
};

/** Acts of a pod on the node. */
export type NodeAct = NamespacesAct | ObjectsAct;

/** Whether a pod on the node makes the act; the others are made through the API alone. */
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

export type Asked = Narrowing & {
  readonly pod?: { readonly namespace: string; readonly name: string };
};

/** An older report may describe a cluster that has long changed. */
const OLDEST_HOURS = 24;

/**
 * Why this report cannot be used for repairs; null if it can.
 * @param now - milliseconds
 */
export function whyNotBy(
  report: Pick<ClusterReport, 'startedAt' | 'cluster' | 'runId' | 'auditorVersion' | 'findings'>,
  cluster: { readonly uid: string },
  now: number,
): string | null {
  const hours = (now - Date.parse(report.startedAt)) / HOUR;
  if (report.cluster.uid !== cluster.uid)
    return `run ${report.runId} is of another cluster (its kube-system has the uid ${report.cluster.uid})`;
  if (hours > OLDEST_HOURS)
    return `run ${report.runId} is ${Math.floor(hours)} hours old; repairs go by no report older than ${OLDEST_HOURS}`;
  if (report.findings.some(({ repair, notSeen }) => repair === undefined && !notSeen))
    return `run ${report.runId} was made by an older version (${report.auditorVersion}), which did not say what the tool can repair`;
  return null;
}

/** The plan for the requested findings of a report: least harm first. */
export function planRepairs(report: ClusterReport, asked: Asked): Plan {
  const known = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  const wanted = report.findings.filter((finding) => {
    const { object } = finding;
    if (!isAbout(finding, asked)) return false;
    return (
      asked.pod === undefined ||
      (object.kind === 'pod' && object.namespace === asked.pod.namespace && object.name === asked.pod.name)
    );
  });
  const found = wanted.flatMap((finding) =>
    finding.repair == null ? [] : [{ finding, repair: finding.repair }],
  );
  const acts = [
    ...restoreActs(ofKind('restore', found), known),
    // A deleted namespace may have been what held a pair or an address.
    ...namespacesActs(ofKind('delete-namespaces', found)),
    ...pairsActs(ofKind('delete-veths', found)),
    ...recordsActs(ofKind('release-addresses', found)),
    ...podActs(ofKind('recreate-pod', found), known),
    ...agentActs(ofKind('restart-agent', found), known),
  ];
  const byHand = wanted.filter(
    ({ repair, suppressed, remedy }) =>
      repair == null && suppressed === null && remedy.some(({ command: typed }) => typed !== undefined),
  );
  return {
    acts: acts.toSorted((a, b) => Number(a.refused !== null) - Number(b.refused !== null)),
    byHand,
  };
}

/** How many objects an act changes. */
export function objectCount(act: Act): number {
  if (!isOnNode(act)) return 1;
  return act.kind === 'delete-namespaces' ? act.orphans.length : act.objects.length;
}

/**
 * The acts to try, up to a total number of objects.
 *
 * @param mostOf - objects per act on a node, by its kind: more make another act
 */
export function actsWithin(
  acts: readonly Act[],
  limit: number,
  mostOf: (kind: NodeAct['kind']) => number,
): Act[] {
  const chosen: Act[] = [];
  let left = limit;
  for (const act of acts.filter(({ refused }) => refused === null)) {
    if (!isOnNode(act)) {
      if (left > 0) chosen.push(act);
      left -= 1;
      continue;
    }
    const most = mostOf(act.kind);
    for (let from = 0; from < objectCount(act) && left > 0; from += most) {
      const part = partOf(act, from, Math.min(from + most, from + left));
      chosen.push(part);
      left -= objectCount(part);
    }
  }
  return chosen;
}

function partOf(act: NodeAct, from: number, to: number): NodeAct {
  // A finding may list many records, so that all of them stay.
  if (act.kind !== 'delete-namespaces') return { ...act, objects: act.objects.slice(from, to) };
  return { ...act, orphans: act.orphans.slice(from, to), findings: act.findings.slice(from, to) };
}

/** A finding, with the repair that its check names. */
type Repairable<R extends Repair = Repair> = { readonly finding: Finding; readonly repair: R };

function ofKind<Kind extends Repair['kind']>(
  kind: Kind,
  found: readonly Repairable[],
): Repairable<RepairOf<Kind>>[] {
  return found.flatMap(({ finding, repair }) => (isOfKind(repair, kind) ? [{ finding, repair }] : []));
}

function isOfKind<Kind extends Repair['kind']>(repair: Repair, kind: Kind): repair is RepairOf<Kind> {
  return repair.kind === kind;
}

function podActs(
  found: readonly Repairable<RepairOf<'recreate-pod'>>[],
  known: ReadonlyMap<string, Finding>,
): PodAct[] {
  return withReasonToAct(found, known, ({ namespace, name }) => [namespace, name]).map(
    ({ first, node, findings, refused }) => {
      const { namespace, name } = first.repair;
      return { kind: 'recreate-pod', pod: { namespace, name }, node, findings, refused };
    },
  );
}

function agentActs(
  found: readonly Repairable<RepairOf<'restart-agent'>>[],
  known: ReadonlyMap<string, Finding>,
): AgentAct[] {
  return withReasonToAct(found, known, ({ namespace, selector }) => [namespace, selector]).map(
    ({ first, node, findings, refused }) => {
      const { namespace, selector } = first.repair;
      return { kind: 'restart-agent', agent: { namespace, selector }, node, findings, refused };
    },
  );
}

/** One group per object of a node: one good reason is enough to act, and a refused finding is not one. */
function withReasonToAct<R extends Repair>(
  found: readonly Repairable<R>[],
  known: ReadonlyMap<string, Finding>,
  object: (repair: R) => readonly string[],
): (Planned & { readonly first: Repairable<R> })[] {
  const groups = Map.groupBy(found, ({ finding, repair }) =>
    JSON.stringify([nodeOf(finding), ...object(repair)]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined || nodeOf(first.finding) === '') return [];
    const asked = group.map(({ finding }) => ({ finding, refused: whyNotRecreated(finding, known) }));
    const sure = asked.filter(({ refused }) => refused === null);
    const reasons = sure.length > 0 ? sure : asked;
    return [
      {
        first,
        node: nodeOf(first.finding),
        findings: reasons.map(({ finding }) => finding),
        refused: reasons[0]?.refused ?? null,
      },
    ];
  });
}

function restoreActs(
  found: readonly Repairable<RepairOf<'restore'>>[],
  known: ReadonlyMap<string, Finding>,
): ObjectsAct[] {
  return byNodeAndReason(found, (finding) => whyNotRestored(finding, known)).map(({ group, ...planned }) => ({
    ...planned,
    kind: 'restore',
    // Many pods may lack one route of the node.
    objects: withoutDuplicates(group.flatMap(({ finding, repair }) => restorables(finding, repair))),
  }));
}

function namespacesActs(found: readonly Repairable<RepairOf<'delete-namespaces'>>[]): NamespacesAct[] {
  return byNodeAndReason(found).map(({ group, ...planned }) => ({
    ...planned,
    kind: 'delete-namespaces',
    orphans: group.flatMap(({ repair }) => {
      const { path, inode, made } = repair;
      return whyNever(repair) === null ? [{ name: path.slice(path.lastIndexOf('/') + 1), inode, made }] : [];
    }),
  }));
}

function pairsActs(found: readonly Repairable<RepairOf<'delete-veths'>>[]): ObjectsAct[] {
  return byNodeAndReason(found).map(({ group, ...planned }) => ({
    ...planned,
    kind: 'delete-veths',
    objects: withoutDuplicates(group.map(({ repair }) => leakedPair(repair))),
  }));
}

function recordsActs(found: readonly Repairable<RepairOf<'release-addresses'>>[]): ObjectsAct[] {
  return byNodeAndReason(found).map(({ group, ...planned }) => ({
    ...planned,
    kind: 'release-addresses',
    objects: withoutDuplicates(group.flatMap(({ repair }) => leakedRecords(repair))),
  }));
}

function withoutDuplicates(objects: readonly NodeObject[]): NodeObject[] {
  return [...new Map(objects.map((object) => [object.name, object])).values()];
}

/** One act per node, and one per reason to leave some of its objects alone. */
function byNodeAndReason<Found extends Repairable>(
  found: readonly Found[],
  whyNot: (finding: Finding) => string | null = whyNotDeleted,
): (Planned & { readonly group: readonly Found[] })[] {
  const asked = found.map((each) => ({
    each,
    node: nodeOf(each.finding),
    refused: whyNever(each.repair) ?? whyRefused(each.finding) ?? whyNot(each.finding),
  }));
  const groups = Map.groupBy(asked, ({ node, refused }) => JSON.stringify([node, refused]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined || first.node === '') return [];
    const each = group.map((one) => one.each);
    return [
      { node: first.node, refused: first.refused, group: each, findings: each.map(({ finding }) => finding) },
    ];
  });
}
