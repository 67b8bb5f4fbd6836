import { isIP } from 'node:net';
import { byCommonNode, type CrossWay, crossWays, type Silent } from '../../computed/cross-ways.ts';
import type { Comparison, Confidence, RemedyStep } from '../../model/finding.ts';
import { listed } from '../../model/text.ts';
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

/** Findings about a node that explain why its pods do not reach others. */
export const BROKEN_WAYS: readonly string[] = [
  'node-tunnel-broken',
  'tunnel-entry-wrong',
  'tunnel-port-blocked',
  'route-to-node-missing',
  'pods-of-node-unreachable',
  'neighbour-of-node-wrong',
  'node-default-route-missing',
  'node-forwarding-disabled',
  'node-firewall-drops',
  'node-link-program-unexpected',
  'foreign-routing-rules',
  'node-bridge-broken',
  'bridge-address-stale',
  'bridge-filter-disabled',
  'firewall-backends-mixed',
  'aws-eni-table-incomplete',
];

/** Findings about a pod that explain why it does not answer. Look-ups and pings are symptoms themselves. */
const OF_PODS =
  /^(?:pod-(?!dns-|to-gateway-|link-losing)|veth-|host-route-|node-neighbour-|bridge-|link-|aws-|node-(?:firewall|ipsec)-)/;

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
    'Services that have endpoints on both nodes fail for some requests, and DNS for pods without a DNS server on ' +
    'their own node. Everything on each node by itself works.',
  run(sources) {
    const ways = crossWays({ ...sources, sick: sickPods(sources) });
    const groups = byCommonNode(ways);
    return sources.crossings.flatMap(({ node, plan }) => {
      const object = nodeObject(node);
      if (plan.status === 'none')
        return [plan.alone ? notApplicable(object, plan.reason) : unknown(object, plan.reason)];
      if (plan.targets.length === 0)
        return [
          notApplicable(object, `not tried: ${plan.next.name} has no pod to ping that runs and is settled`),
        ];
      const group = groups.find((each) => each.ways.some(({ own }) => own === node));
      if (group !== undefined) return [judge(node, group, ways, sources)];
      const outcome = ways.find(({ own }) => own === node)?.outcome;
      if (outcome === undefined) return [];
      if (outcome === 'answered') return [pass(object)];
      return 'unknown' in outcome ? [unknown(object, outcome.unknown)] : [];
    });
  },
});

function sickPods({ found }: ClusterSources): ReadonlyMap<string, string> {
  return new Map(
    found.flatMap(({ check, object: { kind, namespace, name, node } }) =>
      kind === 'pod' && OF_PODS.test(check) ? [[`${node} ${namespace}/${name}`, check] as const] : [],
    ),
  );
}

type Group = ReturnType<typeof byCommonNode>[number];

/** One of the nodes of a group has the finding. */
function judge(node: string, group: Group, all: readonly CrossWay[], sources: ClusterSources): Outcome {
  const object = nodeObject(node);
  if (!isHeard(all, sources))
    return unknown(
      object,
      'inconclusive: no node gets an answer from another, nor do their pods; a firewall may drop all pings',
    );
  const causeOf = (one: string): string | undefined =>
    sources.found.find(
      ({ check, object: { kind, name } }) => kind === 'node' && name === one && BROKEN_WAYS.includes(check),
    )?.check;
  // Rules that drop pings between groups of nodes, and nothing else, are common in clouds.
  const concerned = [...group.nodes, ...group.ways.map(({ next }) => next)];
  if (
    group.ways.every(({ outcome }) => outcome.nodeToNode === false) &&
    concerned.every((each) => causeOf(each) === undefined)
  )
    return unknown(
      object,
      'inconclusive: the nodes do not answer each other either; what is between them may drop pings alone',
    );
  const owner = ownerOf(group, causeOf, sources);
  if (owner !== node)
    return notApplicable(object, `no answer from the next node: see the finding about ${owner}`);
  const [way] = group.ways;
  const cause = group.ways.length === 1 && way !== undefined ? causeOf(way.next) : undefined;
  if (cause !== undefined && causeOf(node) === undefined && way !== undefined)
    return notApplicable(object, `no answer from ${way.next}, which ${cause} of that node explains`);
  const ways = [...group.ways].sort((a, b) => Number(b.own === node) - Number(a.own === node));
  return fail(object, {
    detail: ways.map((each) => describe(each, ways, all, sources)).join(' '),
    confidence: confidenceOf(ways, all),
    evidence: ways.flatMap(rowsAbout),
    remedy: remedyOf(ways),
  });
}

/** Whether anything shows that pings pass between nodes at all. */
function isHeard(all: readonly CrossWay[], { crossings }: ClusterSources): boolean {
  return (
    all.some(({ outcome }) => outcome === 'answered') ||
    crossings.some(({ plan, fromNode }) => {
      const others = plan.status === 'planned' ? [plan.next, ...plan.targets] : [];
      return fromNode.some(
        ({ target, answered }) => answered && others.some(({ address }) => address === target),
      );
    })
  );
}

/** Of two nodes that are each other's next: the one with a known cause, else the one whose packets get lost first. */
function ownerOf(
  { nodes, ways }: Group,
  causeOf: (node: string) => string | undefined,
  sources: ClusterSources,
): string {
  const lost = ways.filter((way) => reachOf(way, sources)?.at !== 'next').map(({ own }) => own);
  const byPackets = lost.length === 1 ? nodes.find((node) => node === lost[0]) : undefined;
  return nodes.find((node) => causeOf(node) !== undefined) ?? byPackets ?? nodes.toSorted()[0] ?? '';
}

type Reach = { readonly at: 'own' | 'next' | 'between'; readonly by: string };

/** How far the packets of the pod came, by who answered last on the way; null if nobody did. */
function reachOf({ own, next, outcome }: Silent, { crossings }: ClusterSources): Reach | null {
  const by = outcome.hops.findLast((hop) => hop !== '');
  if (by === undefined) return null;
  const holds = (name: string): boolean =>
    crossings.find(({ node }) => node === name)?.addresses.includes(by) === true;
  if (by === outcome.nextAddress || holds(next)) return { at: 'next', by };
  return { at: holds(own) || outcome.hops[0] === by ? 'own' : 'between', by };
}

/** That the pods of others answer shows that pings are not dropped on purpose. */
function confidenceOf(ways: readonly Silent[], all: readonly CrossWay[]): Confidence {
  if (ways.every(({ outcome }) => outcome.nodeToNode === false)) return 'suspected';
  return all.some(({ outcome }) => outcome === 'answered') ? 'confirmed' : 'probable';
}

const podName = ({ namespace, name }: Silent['outcome']['source']): string => `${namespace}/${name}`;

function describe(
  way: Silent,
  ways: readonly Silent[],
  all: readonly CrossWay[],
  sources: ClusterSources,
): string {
  const { own, next, outcome } = way;
  const { source, target } = outcome;
  const back = all.find((each) => each.own === next);
  const other =
    back === undefined || typeof back.outcome === 'object'
      ? ''
      : ` Pods of ${next} do reach those of ${back.next}.`;
  return `Pod ${podName(source)} (${source.address}) on ${own} gets no answer from ${podName(target)} (${target.address}) on ${next}: ${placeOf(way, ways, sources)}.${ofNode(way)}${other}`;
}

function placeOf(way: Silent, ways: readonly Silent[], sources: ClusterSources): string {
  const { own, next, outcome } = way;
  const { refused, nodeToNode, podToNode, nextAddress } = outcome;
  if (nodeToNode === false) return `not even ${own} itself gets one from ${next} (${nextAddress})`;
  if (refused !== null) return `a router answers "${refused}" instead`;
  const reach = reachOf(way, sources);
  // Two nodes ping each other: what the one sends and the answers to the other take the same way.
  const back = ways.find((each) => each.own === next && each.next === own);
  if (reach?.at === 'next' && back !== undefined && reachOf(back, sources)?.at !== 'next')
    return `its packets come as far as ${next} (${reach.by}), so it is the answers that are lost`;
  if (reach?.at === 'next')
    return `its packets come as far as ${next} (${reach.by}), so they are lost there, or the answers on their way back`;
  if (reach?.at === 'between')
    return `its packets come as far as ${reach.by}, a router between the two, and do not reach ${next}`;
  if (reach?.at === 'own')
    return `its packets come as far as ${own} (${reach.by}), so they are lost between the two, or where ${next} receives them`;
  if (podToNode)
    return `it gets one from ${next} itself (${nextAddress}), so only what is for pods there is lost`;
  return 'nobody on the way says how far its packets come';
}

/** Whether the pod's node has the same trouble. */
function ofNode({ own, outcome: { nodeToNode, nodeToPod } }: Silent): string {
  if (nodeToNode === false || nodeToPod === null) return '';
  return nodeToPod
    ? ` ${own} itself gets an answer, so only packets between pods are lost.`
    : ` ${own} itself gets none either.`;
}

function rowsAbout({ own, next, outcome }: Silent): Comparison[] {
  const { source, target, hops, nextAddress, nodeToNode, nodeToPod, podToNode, nextToOwnPod } = outcome;
  const pod = (at: string, to: string): string => `fping ${to} (pod ${podName(source)} on ${at})`;
  const row = (what: string, answered: boolean | null, by: string): Comparison[] =>
    answered === null
      ? []
      : [{ what, expected: 'an answer', actual: answered ? 'an answer' : 'none', source: by }];
  return [
    ...row(`ping of ${podName(target)} from ${podName(source)}`, false, pod(own, target.address)),
    ...hops.map((hop, index) => ({
      what: `who answers at hop ${index + 1} from ${podName(source)} to ${podName(target)}`,
      actual: hop === '' ? 'nobody' : hop,
      source: pod(own, `-H ${index + 1} ${target.address}`),
    })),
    ...row(`ping of node ${next} from ${podName(source)}`, podToNode, pod(own, nextAddress)),
    ...row(`ping of ${podName(target)} from node ${own}`, nodeToPod, `fping ${target.address} (node ${own})`),
    ...row(`ping of node ${next} from node ${own}`, nodeToNode, `fping ${nextAddress} (node ${own})`),
    ...row(
      `ping of ${podName(target)} from its node ${next}`,
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
      `Ping ${address} from ${podName(outcome.source)}, and watch on both nodes how far the packets come.`,
    ),
    lookOnNode(own, 'see whether the packets leave it.', watch),
    lookOnNode(next, 'see whether they arrive, and whether answers leave it.', watch),
    ...nodes.map((node) =>
      lookOnNode(
        node,
        'see which rules drop packets, with their counters.',
        `${save} -c | grep -E 'DROP|REJECT'`,
      ),
    ),
    look(
      `See in the network between ${listed(nodes, 3, ' and ')} (security groups, router, firewall) what treats addresses of pods differently. No pod has to be deleted.`,
    ),
  ];
}
