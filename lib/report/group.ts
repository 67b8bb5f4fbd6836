/**
 * How findings are shown: symptoms under their cause, and the same fault of many objects once. Presentation only:
 * thresholds and lifecycle use the findings themselves.
 */
import { type AuditedObject, type Finding, nodeOf, objectName, type RemedyStep } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import type { ClusterReport } from '../model/report.ts';
import { plural } from './summary.ts';
import { clippedInside, widthOf } from './width.ts';

export type Group = {
  /** The finding shown in full: a new one, if there is any. */
  readonly lead: Finding;
  /** The same fault on other objects, without the lead. */
  readonly alike: readonly Finding[];
  /** Findings that the group explains. */
  readonly symptoms: readonly Finding[];
};

/**
 * Findings shown as one: active, pending, or covered by an exception. Each exception has its own reason, so
 * findings of two are never grouped.
 */
function kindOf({ state, suppressed }: Finding): string {
  if (suppressed !== null) return JSON.stringify(suppressed);
  return state === 'pending' ? state : 'counts';
}

/**
 * Groups the findings of a report by check, severity and whether they count, each in the order of its first
 * finding.
 */
export function groups(report: Pick<ClusterReport, 'findings'>): Group[] {
  const known = new Set(report.findings.map((finding) => finding.fingerprint));
  // A partial report may lack the cause: then the symptom appears alone.
  const stands = ({ partOf }: Finding): boolean => partOf === null || !known.has(partOf);
  const symptoms = Map.groupBy(
    report.findings.filter((finding) => !stands(finding)),
    (finding) => finding.partOf,
  );
  const sets = Map.groupBy(report.findings.filter(stands), (finding) =>
    [finding.check, finding.severity, kindOf(finding)].join('|'),
  );
  return [...sets.values()].flatMap((set) => {
    const [lead, ...alike] = set.toSorted((a, b) => newestFirst(a) - newestFirst(b));
    if (lead === undefined) return [];
    return [{ lead, alike, symptoms: set.flatMap(({ fingerprint }) => symptoms.get(fingerprint) ?? []) }];
  });
}

function newestFirst({ state, notSeen }: Finding): number {
  if (state === 'new') return 0;
  return notSeen ? 2 : 1;
}

/** All findings of a group, without those it explains. */
export function membersOf({ lead, alike }: Group): readonly Finding[] {
  return [lead, ...alike];
}

/**
 * `shop/web-1 on node-1` for one finding, `12 pods on 3 nodes` for more.
 * @param nodeName - formats the name of a node
 */
export function whatOf(group: Group, nodeName: (node: string) => string = asItIs): string {
  if (group.alike.length === 0) return objectName(group.lead.object, nodeName);
  return countOf(membersOf(group), nodeName);
}

/**
 * {@link whatOf} in as many columns as fit: leaves out the node, then the namespace, before the pod's name; the report
 * has all of it further down.
 */
export function shortWhatOf(group: Group, columns: number): string {
  return group.alike.length === 0
    ? shortName(group.lead.object, columns)
    : clippedInside(printable(whatOf(group, withoutDomain), 400), columns);
}

/** As {@link shortWhatOf}, of one object. */
export function shortName(object: AuditedObject, columns: number): string {
  const { node: _, ...elsewhere } = object;
  const { namespace: __, ...bare } = elsewhere;
  const names = [
    objectName(object, withoutDomain),
    withoutDomains(objectName(object, withoutDomain)),
    objectName(elsewhere),
    ...(bare.name === objectName(elsewhere) ? [] : [`…/${objectName(bare)}`]),
  ].map((name) => printable(name, 400));
  const fits = names.find((name) => widthOf(name) <= columns);
  return fits ?? clippedInside(names.at(-1) ?? '', columns);
}

/** The names of cloud nodes within the name of an object, such as two nodes that disagree. */
function withoutDomains(name: string): string {
  return name.replaceAll(/\b(ip(?:-\d{1,3}){4}|i-[0-9a-f]{17})\.[\w.-]+/g, '$1');
}

/** Cloud nodes share their domain, which is not needed to tell them apart. */
export function withoutDomain(node: string): string {
  return /^\d+(?:\.\d+){3}$/.test(node) ? node : node.replace(/\..*$/, '');
}

/** `12 pods on 3 nodes`, `2 nodes`, `3 objects` for several kinds. */
export function countOf(members: readonly Pick<Finding, 'object'>[], nodeName = asItIs): string {
  const [kind, ...others] = new Set(members.map(({ object }) => object.kind));
  // Objects of a cluster are parts of it, such as two nodes that give out the same addresses.
  const isOneKind = kind !== undefined && kind !== 'cluster' && others.length === 0;
  const what = plural(members.length, isOneKind ? kind : 'object');
  const nodes = new Set(members.flatMap(({ object }) => object.node ?? []));
  const [node] = nodes;
  if (node === undefined) return what;
  return `${what} on ${nodes.size === 1 ? nodeName(node) : plural(nodes.size, 'node')}`;
}

/** Nodes of a group's objects, each once. */
export function nodesOf(group: Group): string[] {
  return [...new Set(membersOf(group).flatMap(({ object }) => object.node ?? []))];
}

/** One step that repairs or inspects, for all findings of a group that have it, with the commands of each. */
export type SharedStep = Pick<RemedyStep, 'text' | 'purpose'> & { readonly commands: readonly string[] };

/**
 * The steps of a group in order: identical text in many findings is one step with a command for each, and identical
 * commands for many nodes are one step for all of them.
 */
export function stepsOf(group: Group): SharedStep[] {
  const steps = membersOf(group).flatMap((finding) =>
    finding.remedy.map((step) => ({ ...step, onAnyNode: onAnyNode(step.text, nodeOf(finding)) })),
  );
  const sameButForTheNode = Map.groupBy(steps, ({ purpose, onAnyNode }) => `${purpose} ${onAnyNode}`);
  return [...sameButForTheNode.values()].flatMap((same) => {
    const byText = [...Map.groupBy(same, ({ text }) => text)];
    const commands = commandsOf(same);
    const [first] = same;
    // If commands differ, each must appear under its node.
    if (first !== undefined && byText.length > 1 && commands.length <= 1)
      return [{ purpose: first.purpose, text: first.onAnyNode, commands }];
    return byText.flatMap(([text, [step, ...more]]) =>
      step === undefined ? [] : [{ purpose: step.purpose, text, commands: commandsOf([step, ...more]) }],
    );
  });
}

function commandsOf(steps: readonly Pick<RemedyStep, 'command'>[]): string[] {
  return [...new Set(steps.flatMap(({ command }) => command ?? []))];
}

/** `On node a, as root: …` as `On each of the nodes, as root: …`; elsewhere `NODE` replaces the node's name. */
function onAnyNode(text: string, node: string): string {
  if (node === '') return text;
  // Only a whole name: node-1 is neither in node-12 nor in node-1.internal.
  const name = new RegExp(`(?<![\\w.-])(node )?${node.replace(/\W/g, '\\$&')}(?![\\w-]|\\.\\w)`, 'g');
  return text.replace(name, (_, kind?: string) => (kind === undefined ? 'NODE' : 'each of the nodes'));
}

const asItIs = (node: string): string => node;
