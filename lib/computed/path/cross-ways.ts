/** Judges the pings between pods of neighbours in the ring of nodes, from both ends. */
import { byText } from '../../model/by-text.ts';
import type { CrossPing, CrossPod, NodeCrossing, PlannedCross } from '../../model/crossing.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { quote } from '../../model/text.ts';

/** A node chooses the names of its tables. */
const SHOWN = 60;

/** The way from a node's pods to those of the next node. */
export type CrossWay = {
  readonly own: string;
  readonly next: string;
  /** Whether any pod gets an answer. */
  readonly isHeard: boolean;
  readonly outcome: 'answered' | Silence | Unknown;
};

/** `of` says about which of the two nodes nothing is known. */
type Unknown = { readonly unknown: string; readonly of: string };

/** A pod that pinged in vain, and all that was asked beside it; null where something was not. */
type Silence = {
  readonly source: CrossPod;
  readonly target: CrossPod;
  readonly nextAddress: string;
  /** Who answered from the first hop, the second and the third. */
  readonly hops: readonly string[];
  readonly refused: string | null;
  readonly nodeToNode: boolean | null;
  readonly nodeToPod: boolean | null;
  readonly podToNode: boolean | null;
  /** Of the other end: whether the next node reaches the pod itself. */
  readonly nextToOwnPod: boolean | null;
  /** If others got an answer: what the silent pods have in common. */
  readonly apart: Apart | null;
};

/** Pods of one node that it sends for by one table, on AWS those of one network interface. */
type Apart = {
  readonly node: string;
  readonly way: string;
  /** How many of them are silent; all that were tried are. */
  readonly pods: number;
  /** Two that do hear from each other, the one of that node by another table. */
  readonly heard: { readonly source: CrossPod; readonly target: CrossPod; readonly way: string };
};

type Known = {
  readonly crossings: readonly NodeCrossing[];
  /** Check that found something about a pod's way, by `node namespace/name`. */
  readonly sick: ReadonlyMap<string, string>;
};

/** The ways that were planned, in the order of the ring. */
export function crossWays(known: Known): CrossWay[] {
  const byNode = new Map(known.crossings.map((each) => [each.node, each]));
  return known.crossings
    .toSorted((a, b) => byText(a.node, b.node))
    .flatMap((own) => {
      if (own.plan.status !== 'planned' || own.plan.targets.length === 0) return [];
      const next = byNode.get(own.plan.next.name);
      return [{ own: own.node, next: own.plan.next.name, ...answersOf(own, own.plan, next, known) }];
    });
}

function answersOf(
  own: NodeCrossing,
  plan: PlannedCross,
  next: NodeCrossing | undefined,
  known: Known,
): Pick<CrossWay, 'isHeard' | 'outcome'> {
  const nothing = (reason: string) => ({ isHeard: false, outcome: { unknown: reason, of: own.node } });
  if (own.unread !== null) return nothing(own.unread);
  const pairs = plan.sources.flatMap((source) =>
    plan.targets.map((target) => {
      const pings = own.fromPods.find(({ uid }) => uid === source.uid)?.pings ?? [];
      return { source, target, pings, ping: to(pings, target.address) };
    }),
  );
  const reasons = pairs.map((pair) => ({ ...pair, why: whyNot(pair, own, plan, next, known) }));
  const isHeard = pairs.some(({ ping }) => ping?.answered);
  const apart = isHeard ? (silentWay(reasons, 'source', own) ?? silentWay(reasons, 'target', next)) : null;
  if (isHeard && apart === null)
    return {
      isHeard,
      outcome: unheardWay(reasons, 'source', own) ?? unheardWay(reasons, 'target', next) ?? 'answered',
    };
  const silent = apart === null ? reasons.find(({ why }) => why === null) : apart.silent;
  if (silent?.ping === undefined) return nothing(reasons[0]?.why ?? 'no pod could be asked');
  const { source, target, ping, pings } = silent;
  const outcome: Silence = {
    apart: apart?.apart ?? null,
    source,
    target,
    nextAddress: plan.next.address,
    hops: ping.hops,
    refused: ping.refused,
    nodeToNode: answered(own.fromNode, plan.next.address),
    nodeToPod: answered(own.fromNode, target.address),
    podToNode: answered(pings, plan.next.address),
    nextToOwnPod: answered(next?.fromNode ?? [], target.address),
  };
  return { isHeard, outcome };
}

type Pair = {
  readonly source: CrossPod;
  readonly target: PlannedCross['targets'][number];
  readonly pings: readonly CrossPing[];
  readonly ping: CrossPing | undefined;
};

/** With the reason why its silence says nothing. */
type Reasoned = Pair & { readonly why: string | null };

/** What is heard by the tables by which a node sends, and what is not heard by tables by which nothing is. */
function heardBy(reasons: readonly Reasoned[], end: 'source' | 'target', crossing: NodeCrossing | undefined) {
  const ways = new Map(crossing?.waysOut.map((way) => [way.address, way]));
  const wayOf = (pair: Pair) => ways.get(pair[end].address);
  const heard = reasons.filter(({ ping }) => ping?.answered);
  const tables = new Set(heard.map((pair) => wayOf(pair)?.table));
  const unheard = reasons.filter((pair) => {
    const way = wayOf(pair);
    return way !== undefined && !tables.has(way.table);
  });
  return { wayOf, heard, unheard };
}

/** Nothing is known of a table of which each pod may have a reason of its own to be silent. */
function unheardWay(
  reasons: readonly Reasoned[],
  end: 'source' | 'target',
  crossing: NodeCrossing | undefined,
): Unknown | null {
  const { wayOf, unheard } = heardBy(reasons, end, crossing);
  const pair = unheard.find(({ why }) => why !== null) ?? unheard[0];
  if (crossing === undefined || pair === undefined) return null;
  const { node } = crossing;
  const why = pair.why ?? `inconclusive: by which table ${node} sends for pods that get an answer is unknown`;
  const unknown = `${why}; no ping by ${wayText(wayOf(pair))} of ${node} is answered`;
  return { unknown, of: node };
}

/** The silence of all pods of a node that it sends for by one table, while those of another are heard. */
function silentWay(
  reasons: readonly Reasoned[],
  end: 'source' | 'target',
  crossing: NodeCrossing | undefined,
): { readonly apart: Apart; readonly silent: Pair } | null {
  const { wayOf, heard, unheard } = heardBy(reasons, end, crossing);
  const silent = unheard.filter(({ why }) => why === null);
  const [first] = silent;
  // Of the same pod at the other end, if there is one: so that only the way differs.
  const other = end === 'source' ? 'target' : 'source';
  const others = heard.filter((pair) => wayOf(pair) !== undefined);
  const best = silent.find((pair) => others.some((each) => each[other].uid === pair[other].uid)) ?? first;
  const match = others.find((each) => each[other].uid === best?.[other].uid) ?? others[0];
  if (crossing === undefined || best === undefined || match === undefined) return null;
  const table = wayOf(best)?.table;
  const pods = new Set(silent.filter((pair) => wayOf(pair)?.table === table).map((pair) => pair[end].uid));
  return {
    silent: best,
    apart: {
      node: crossing.node,
      way: wayText(wayOf(best)),
      pods: pods.size,
      heard: { source: match.source, target: match.target, way: wayText(wayOf(match)) },
    },
  };
}

function wayText(way: NodeCrossing['waysOut'][number] | undefined): string {
  const table = `table ${quote(way?.table ?? 'main', SHOWN)}`;
  return way?.link == null ? table : `${quote(way.link, SHOWN)} (${table})`;
}

/** Why the silence of a pod says nothing about the way between the nodes; null if it does. */
function whyNot(
  { source, target, ping }: Pair,
  own: NodeCrossing,
  plan: PlannedCross,
  next: NodeCrossing | undefined,
  { sick }: Known,
): string | null {
  const there = plan.next.name;
  if (ping === undefined) return `nothing was sent from ${namespacedName(source)}: its network was not read`;
  const restricted = target.restricted ?? source.restricted;
  if (restricted !== null) return `inconclusive: no answer, but ${restricted}`;
  if (!target.stayed) return `inconclusive: ${namespacedName(target)} on ${there} did not stay`;
  for (const [pod, node] of [
    [source, own.node],
    [target, there],
  ] as const) {
    const check = sick.get(`${node} ${namespacedName(pod)}`);
    if (check !== undefined)
      return `inconclusive: ${namespacedName(pod)} on ${node} has a fault of its own (${check})`;
  }
  if (answered(own.fromNode, source.address) === false)
    return `inconclusive: ${own.node} does not reach ${namespacedName(source)} itself: --active ping tells more`;
  if (next === undefined || next.unread !== null)
    return `inconclusive: no answer, and ${there} does not say how it is there`;
  const reached = answered(next.fromNode, target.address);
  if (reached === true) return null;
  // Some programs answer no ping at all.
  return reached === null
    ? `inconclusive: ${there} did not ping ${namespacedName(target)} itself`
    : `inconclusive: ${there} does not reach ${namespacedName(target)} itself: --active ping tells more`;
}

const to = (pings: readonly CrossPing[], address: string): CrossPing | undefined =>
  pings.find(({ target }) => target === address);

function answered(pings: readonly CrossPing[], address: string): boolean | null {
  return to(pings, address)?.answered ?? null;
}

export type Silent = CrossWay & { readonly outcome: Silence };

function isSilent(way: CrossWay): way is Silent {
  return typeof way.outcome === 'object' && 'source' in way.outcome;
}

/**
 * Silent ways by the node to which they belong: two that meet at a node are one fault, that of the node. The silence of one
 * of a node's tables is a fault of that node, whichever end found it.
 */
export function byCommonNode(
  ways: readonly CrossWay[],
): { readonly nodes: readonly string[]; readonly ways: readonly Silent[] }[] {
  const silent = ways.filter(isSilent);
  const into = new Map(silent.map((way) => [way.next, way]));
  const taken = new Set<Silent>();
  const groups = silent.flatMap((way) => {
    const before = into.get(way.own);
    if (before === undefined || before === way || taken.has(way) || taken.has(before)) return [];
    // Two nodes are each other's next.
    const nodes = before.own === way.next ? [way.own, way.next] : [way.own];
    const [apart, ...others] = new Set([before, way].flatMap(({ outcome }) => outcome.apart?.node ?? []));
    if (others.length > 0 || (apart !== undefined && !nodes.includes(apart))) return [];
    taken.add(way).add(before);
    return [{ nodes, ways: [before, way] }];
  });
  const alone = silent
    .filter((way) => !taken.has(way))
    .map((way) => ({
      nodes: [...new Set([way.outcome.apart?.node ?? way.own, way.own])],
      ways: [way],
    }));
  return [...groups, ...alone];
}
