/**
 * Which findings of a report the tool itself may repair, and how. A plan only lists candidates: each act checks the
 * live cluster again before it does anything (lib/audit/remediate.ts).
 */

import { HOUR } from '../model/days.ts';
import { type Finding, nodeOf } from '../model/finding.ts';
import { isAbout, type Narrowing } from '../model/narrowing.ts';
import { byCapability, limitsArgument } from '../model/raised-limits.ts';
import { type Repair, type RepairOf, whyNever } from '../model/repair.ts';
import type { ClusterReport } from '../model/report.ts';
import type {
  Act,
  AgentAct,
  AllocationsAct,
  DrainAct,
  NamespacesAct,
  ObjectsAct,
  Planned,
  PodAct,
  RebootAct,
} from './act.ts';
import {
  leakedPair,
  leakedRecords,
  type NodeObject,
  plainPin,
  raisedLimits,
  restorables,
  staleObjects,
} from './node-object.ts';
import { whyNotDeleted, whyNotRebooted, whyNotRecreated, whyNotRestored, whyRefused } from './refusals.ts';

export type Plan = {
  /** Candidates first, then the refused ones. */
  readonly acts: readonly Act[];
  /** Findings that only a person can repair: their commands are in the report, and in the script. */
  readonly byHand: readonly Finding[];
};

export type Asked = Narrowing & {
  /** Nodes are drained for a person to replace them, in place of a reboot, and nothing else is done. */
  readonly drain?: boolean;
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
    ...objectsActs(
      'restore',
      ofKind('restore', found),
      ({ finding, repair }) => restorables(finding, repair),
      (finding) => whyNotRestored(finding, known),
    ),
    // A deleted namespace may have been what held a pair or an address.
    ...namespacesActs(ofKind('delete-namespaces', found)),
    ...objectsActs('delete-pins', ofKind('delete-pins', found), ({ repair }) => [plainPin(repair)]),
    ...objectsActs('delete-veths', ofKind('delete-veths', found), ({ repair }) => [leakedPair(repair)]),
    ...objectsActs('release-addresses', ofKind('release-addresses', found), ({ repair }) =>
      leakedRecords(repair),
    ),
    ...allocationsActs(ofKind('release-allocations', found)),
    // Refused as long as there is a record of the address.
    ...objectsActs('delete-routes', ofKind('delete-routes', found), ({ repair }) => staleObjects(repair)),
    // What is deleted above may be all that fills them.
    ...byCapability(ofKind('raise-limits', found), ({ repair }) => limitsArgument(repair)).flatMap((some) =>
      objectsActs(
        'raise-limits',
        some,
        ({ repair }) => [raisedLimits(repair)],
        (finding) => whyNotRestored(finding, known),
      ),
    ),
    ...podActs(ofKind('recreate-pod', found), known),
    ...agentActs(ofKind('restart-agent', found), known),
    ...rebootActs(ofKind('reboot-node', found), known, asked),
  ];
  const byHand = wanted.filter(
    ({ repair, suppressed, remedy }) =>
      repair == null && suppressed === null && remedy.some(({ command: typed }) => typed !== undefined),
  );
  const chosen = asked.drain === true ? acts.filter(({ kind }) => kind === 'drain-node') : acts;
  return {
    acts: chosen.toSorted((a, b) => Number(a.refused !== null) - Number(b.refused !== null)),
    byHand,
  };
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
  const whyNot = (finding: Finding) => whyNotRecreated(finding, known);
  return withReasonToAct(found, whyNot, ({ namespace, name }) => [namespace, name]).map(
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
  const whyNot = (finding: Finding) => whyNotRecreated(finding, known);
  return withReasonToAct(found, whyNot, ({ namespace, selector }) => [namespace, selector]).map(
    ({ first, node, findings, refused }) => {
      const { namespace, selector } = first.repair;
      return { kind: 'restart-agent', agent: { namespace, selector }, node, findings, refused };
    },
  );
}

function rebootActs(
  found: readonly Repairable<RepairOf<'reboot-node'>>[],
  known: ReadonlyMap<string, Finding>,
  asked: Asked,
): (RebootAct | DrainAct)[] {
  const whyNot = (finding: Finding) => whyRefused(finding) ?? whyNotRestored(finding, known);
  return withReasonToAct(found, whyNot, () => []).map(({ node, findings, refused }) => ({
    kind: asked.drain === true ? 'drain-node' : 'reboot-node',
    node,
    findings,
    refused: refused ?? whyNotRebooted(asked),
  }));
}

/** One group per object of a node: one good reason is enough to act, and a refused finding is not one. */
function withReasonToAct<R extends Repair>(
  found: readonly Repairable<R>[],
  whyNot: (finding: Finding) => string | null,
  object: (repair: R) => readonly string[],
): (Planned & { readonly first: Repairable<R> })[] {
  const groups = Map.groupBy(found, ({ finding, repair }) =>
    JSON.stringify([nodeOf(finding), ...object(repair)]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined || nodeOf(first.finding) === '') return [];
    const asked = group.map(({ finding }) => ({ finding, refused: whyNot(finding) }));
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

function allocationsActs(found: readonly Repairable<RepairOf<'release-allocations'>>[]): AllocationsAct[] {
  return byNodeAndReason(found).map(({ group, ...planned }) => ({
    ...planned,
    kind: 'release-allocations',
    allocations: group.flatMap(({ repair }) => repair.allocations),
  }));
}

/** Acts on objects of nodes. Findings may have objects in common: many pods may lack one route of the node. */
function objectsActs<R extends Repair>(
  kind: ObjectsAct['kind'],
  found: readonly Repairable<R>[],
  objectsOf: (each: Repairable<R>) => readonly NodeObject[],
  whyNot?: (finding: Finding) => string | null,
): ObjectsAct[] {
  return byNodeAndReason(found, whyNot).map(({ group, ...planned }) => ({
    ...planned,
    kind,
    objects: withoutDuplicates(group.flatMap(objectsOf)),
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
