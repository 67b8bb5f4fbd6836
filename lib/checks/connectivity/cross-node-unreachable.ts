import { isIP } from 'node:net';
import { byCommonNode, type CrossWay, crossWays, type Silent } from '../../computed/path/cross-ways.ts';
import { type Comparison, type Confidence, nodeOf, type RemedyStep } from '../../model/finding.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { listed } from '../../model/text.ts';
import { BROKEN_PODS, explainsSilence } from '../cross-causes.ts';
import {
  type ClusterSources,
  defineClusterCheck,
  fail,
  nodeObject,
  notApplicable,
  type Outcome,
  pass,
  unknown,
} from '../define.ts';
import { command, look, lookOnNode } from '../remedies/steps.ts';

/** For drops that nothing on a node shows: in the cloud's network, or by a program that nobody knows. */
export const crossNodeUnreachable = defineClusterCheck({
  id: 'cross-node-unreachable',
  topic: 'connectivity',
  severity: 'critical',
  active: 'cross',
  about: 'nodes',
  // An agent or a node may be restarting.
  observations: 2,
  title: 'Pods reach pods of the next node',
  failureTitle: "Pods cannot reach another node's pods",
  why:
    'Services with endpoints on both nodes fail for some of their requests, and so does DNS for pods ' +
    'without a DNS server on their own node. Traffic within each node works.',
  run(sources) {
    const ring = ringOf(sources);
    const owned = new Map([...ring.groups.values()].map((group) => [ownerOf(group, ring), group]));
    return sources.crossings.flatMap(({ node, plan }) => {
      const object = nodeObject(node);
      // The pods of the node before it may find the fault.
      const own = owned.get(node);
      const fault = own === undefined ? null : judge(node, own, ring);
      if (fault?.result === 'fail') return [fault];
      if (plan.status === 'none')
        return [plan.alone ? notApplicable(object, plan.reason) : unknown(object, plan.reason)];
      const group = ring.groups.get(node);
      if (group !== undefined) return [judge(node, group, ring)];
      const reason = ring.unknown.get(node);
      if (reason !== undefined) return [unknown(object, reason)];
      if (plan.targets.length === 0)
        return [
          notApplicable(object, `not tried: ${plan.next.name} has no pod to ping that runs and is settled`),
        ];
      return [pass(object)];
    });
  },
});

type Group = ReturnType<typeof byCommonNode>[number];

/** What is known of the whole ring; looked up by node, as a cluster may have thousands with a finding. */
type Ring = {
  readonly ways: ReadonlyMap<string, CrossWay>;
  /** By the node whose pods are silent. */
  readonly groups: ReadonlyMap<string, Group>;
  /** Why nothing is known of a node. */
  readonly unknown: ReadonlyMap<string, string>;
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** A check with a finding on the node that explains silence. */
  readonly causes: ReadonlyMap<string, string>;
  readonly someAnswered: boolean;
  /** Whether anything shows that pings pass between nodes at all. */
  readonly isHeard: boolean;
};

function ringOf(sources: ClusterSources): Ring {
  const { crossings, found } = sources;
  const ways = crossWays({ crossings, sick: sickPods(sources) });
  const groups = byCommonNode(ways);
  const causes = found.filter(explainsSilence).toReversed();
  const someAnswered = ways.some(({ isHeard }) => isHeard);
  return {
    ways: new Map(ways.map((way) => [way.own, way])),
    groups: new Map(groups.flatMap((group) => group.ways.map(({ own }) => [own, group] as const))),
    unknown: new Map(
      ways.flatMap(({ outcome }) =>
        typeof outcome === 'object' && 'unknown' in outcome ? [[outcome.of, outcome.unknown] as const] : [],
      ),
    ),
    addresses: new Map(crossings.map(({ node, addresses }) => [node, addresses])),
    causes: new Map(causes.map((finding) => [nodeOf(finding), finding.check])),
    someAnswered,
    isHeard: someAnswered || crossings.some(hearsFromNext),
  };
}

function hearsFromNext({ plan, fromNode }: ClusterSources['crossings'][number]): boolean {
  const others = plan.status === 'planned' ? [plan.next, ...plan.targets] : [];
  return fromNode.some(
    ({ target, answered }) => answered && others.some(({ address }) => address === target),
  );
}

function sickPods({ found }: ClusterSources): ReadonlyMap<string, string> {
  return new Map(
    found.flatMap(({ check, object }) =>
      object.kind === 'pod' && BROKEN_PODS.includes(check)
        ? [[`${object.node} ${namespacedName(object)}`, check] as const]
        : [],
    ),
  );
}

/** One of the nodes of a group has the finding. */
function judge(node: string, group: Group, ring: Ring): Outcome {
  const object = nodeObject(node);
  if (!ring.isHeard)
    return unknown(
      object,
      'inconclusive: no node gets an answer from another, nor do their pods; a firewall may drop all pings',
    );
  // Rules that drop pings between groups of nodes, and nothing else, are common in clouds.
  const concerned = [...group.nodes, ...group.ways.map(({ next }) => next)];
  if (
    group.ways.every(({ outcome }) => outcome.nodeToNode === false) &&
    !concerned.some((each) => ring.causes.has(each))
  )
    return unknown(
      object,
      'inconclusive: the nodes do not answer each other either; what is between them may drop pings alone',
    );
  const owner = ownerOf(group, ring);
  if (owner !== node)
    return notApplicable(object, `no answer from the next node: see the finding about ${owner}`);
  const [way] = group.ways;
  const cause = group.ways.length === 1 && way !== undefined ? ring.causes.get(way.next) : undefined;
  if (cause !== undefined && !ring.causes.has(node) && way !== undefined)
    return notApplicable(object, `no answer from ${way.next}, which ${cause} of that node explains`);
  const ways = [...group.ways].sort((a, b) => Number(b.own === node) - Number(a.own === node));
  return fail(object, {
    detail: ways.map((each) => describe(each, ways, ring)).join(' '),
    confidence: confidenceOf(ways, ring),
    evidence: ways.flatMap(rowsAbout),
    remedy: remedyOf(ways),
  });
}

/** Of two nodes that are each other's next: the one with a known cause, else the one whose packets get lost first. */
function ownerOf({ nodes, ways }: Group, ring: Ring): string {
  const lost = ways.filter((way) => reachOf(way, ring)?.at !== 'next').map(({ own }) => own);
  const [apart, ...others] = new Set(ways.map(({ outcome }) => outcome.apart?.node ?? ''));
  const byWays = others.length === 0 ? nodes.find((node) => node === apart) : undefined;
  const byPackets = lost.length === 1 ? nodes.find((node) => node === lost[0]) : undefined;
  return nodes.find((node) => ring.causes.has(node)) ?? byWays ?? byPackets ?? nodes.toSorted()[0] ?? '';
}

type Reach = { readonly at: 'own' | 'next' | 'between'; readonly by: string };

/** How far the packets of the pod came, by who answered last on the way; null if nobody did. */
function reachOf({ own, next, outcome }: Silent, { addresses }: Ring): Reach | null {
  const by = outcome.hops.findLast((hop) => hop !== '');
  if (by === undefined) return null;
  const holds = (name: string): boolean => addresses.get(name)?.includes(by) === true;
  if (by === outcome.nextAddress || holds(next)) return { at: 'next', by };
  return { at: holds(own) || outcome.hops[0] === by ? 'own' : 'between', by };
}

/** That the pods of others answer shows that pings are not dropped on purpose. */
function confidenceOf(ways: readonly Silent[], { someAnswered }: Ring): Confidence {
  if (ways.every(({ outcome }) => outcome.nodeToNode === false)) return 'suspected';
  // One pod alone may have a reason of its own.
  if (ways.every(({ outcome }) => outcome.apart?.pods === 1)) return 'probable';
  return someAnswered ? 'confirmed' : 'probable';
}

function describe(way: Silent, ways: readonly Silent[], ring: Ring): string {
  const { own, next, outcome } = way;
  const { source, target } = outcome;
  const back = ring.ways.get(next);
  const other =
    back === undefined || typeof back.outcome === 'object'
      ? ''
      : ` Pods of ${next} do reach those of ${back.next}.`;
  return `Pod ${namespacedName(source)} (${source.address}) on ${own} gets no answer from ${namespacedName(target)} (${target.address}) on ${next}: ${placeOf(way, ways, ring)}.${ofNode(way)}${ofPart(way)}${other}`;
}

function placeOf(way: Silent, ways: readonly Silent[], ring: Ring): string {
  const { own, next, outcome } = way;
  const { refused, nodeToNode, podToNode, nextAddress } = outcome;
  if (nodeToNode === false) return `not even ${own} itself gets one from ${next} (${nextAddress})`;
  if (refused !== null) return `a router answers "${refused}" instead`;
  const reach = reachOf(way, ring);
  // Two nodes ping each other: what the one sends and the answers to the other take the same way.
  const back = ways.find((each) => each.own === next && each.next === own);
  if (reach?.at === 'next' && back !== undefined && reachOf(back, ring)?.at !== 'next')
    return `its packets come as far as ${next} (${reach.by}), so it is the answers that are lost`;
  if (reach?.at === 'next')
    return `its packets come as far as ${next} (${reach.by}), so they are lost there, or the answers on their way back`;
  if (reach?.at === 'between')
    return `its packets come as far as ${reach.by}, a router between the two, and nothing shows that they reach ${next}`;
  if (reach?.at === 'own') {
    const lost = `its packets come as far as ${own} (${reach.by}), so they are lost between the two, or where ${next} receives them`;
    // Where all that the next node sends to pods of this one is lost, so is its word that the packets came.
    return back !== undefined && reachOf(back, ring)?.at === 'next'
      ? lost
      : `${lost}, or nothing comes back from ${next}`;
  }
  if (podToNode)
    return `it gets one from ${next} itself (${nextAddress}), so only what is for pods there is lost`;
  return 'nobody on the way says how far its packets come';
}

/** Whether the pod's node has the same trouble. */
function ofNode({ own, outcome: { nodeToNode, nodeToPod, apart } }: Silent): string {
  if (nodeToNode === false || nodeToPod === null) return '';
  if (!nodeToPod) return ` ${own} itself gets none either.`;
  return ` ${own} itself gets an answer${apart === null ? ', so only packets between pods are lost' : ''}.`;
}

/** Which of a node's pods are silent, if others are not. */
function ofPart({ outcome: { apart } }: Silent): string {
  if (apart === null) return '';
  const { node, way, pods, heard } = apart;
  const tried = pods === 1 ? 'the one pod tried' : `all ${pods} pods tried`;
  return ` Pings fail for ${tried} whose packets ${node} sends by ${way}, but not for those by ${heard.way}: ${namespacedName(heard.source)} (${heard.source.address}) gets an answer from ${namespacedName(heard.target)} (${heard.target.address}).`;
}

function rowsAbout({ own, next, outcome }: Silent): Comparison[] {
  const { source, target, hops, nextAddress, nodeToNode, nodeToPod, podToNode, nextToOwnPod, apart } =
    outcome;
  const pod = (at: string, to: string): string => `fping ${to} (pod ${namespacedName(source)} on ${at})`;
  const row = (what: string, answered: boolean | null, by: string): Comparison[] =>
    answered === null
      ? []
      : [{ what, expected: 'an answer', actual: answered ? 'an answer' : 'none', source: by }];
  return [
    ...row(
      `ping of ${namespacedName(target)} from ${namespacedName(source)}`,
      false,
      pod(own, target.address),
    ),
    ...hops.map((hop, index) => ({
      what: `who answers at hop ${index + 1} from ${namespacedName(source)} to ${namespacedName(target)}`,
      actual: hop === '' ? 'nobody' : hop,
      source: pod(own, `-H ${index + 1} ${target.address}`),
    })),
    ...(apart === null
      ? []
      : row(
          `ping of ${namespacedName(apart.heard.target)} from ${namespacedName(apart.heard.source)}`,
          true,
          `fping ${apart.heard.target.address} (pod ${namespacedName(apart.heard.source)} on ${own})`,
        )),
    ...row(`ping of node ${next} from ${namespacedName(source)}`, podToNode, pod(own, nextAddress)),
    ...row(
      `ping of ${namespacedName(target)} from node ${own}`,
      nodeToPod,
      `fping ${target.address} (node ${own})`,
    ),
    ...row(`ping of node ${next} from node ${own}`, nodeToNode, `fping ${nextAddress} (node ${own})`),
    ...row(
      `ping of ${namespacedName(target)} from its node ${next}`,
      nextToOwnPod,
      `fping ${target.address} (node ${next})`,
    ),
  ];
}

function remedyOf(ways: readonly Silent[]): RemedyStep[] {
  const [way] = ways;
  if (way === undefined) return [];
  const { own, next, outcome } = way;
  const { address } = outcome.target;
  const [protocol, save] = isIP(address) === 6 ? ['icmp6', 'ip6tables-save'] : ['icmp', 'iptables-save'];
  const watch = command(
    ...['timeout', '20', 'tcpdump', '-nni', 'any'],
    ...[protocol, 'and', 'host', address],
  );
  const nodes = [...new Set(ways.flatMap((each) => [each.own, each.next]))];
  return [
    look(
      `Ping ${address} from ${namespacedName(outcome.source)}, and watch on both nodes how far the packets come.`,
    ),
    lookOnNode(own, 'check whether the packets leave it.', watch),
    lookOnNode(next, 'check whether they arrive, and whether answers leave it.', watch),
    ...nodes.map((node) =>
      lookOnNode(
        node,
        'find out which rules drop packets, with their counters.',
        `${save} -c | grep -E 'DROP|REJECT'`,
      ),
    ),
    look(
      `See in the network between ${listed(nodes, 3, ' and ')} (security groups, router, firewall) what treats addresses of pods differently. No pod has to be deleted.`,
    ),
  ];
}
