import { type WayToNode, waysBetweenNodes } from '../../computed/path/ways-between-nodes.ts';
import { CILIUM_CNI, cniPlugin } from '../../model/cni-plugins.ts';
import type { RemedyStep } from '../../model/finding.ts';
import type { NodeRoutes } from '../../model/node-routes.ts';
import { listed, rowsOf } from '../../model/text.ts';
import { defineClusterCheck, fail, nodeObject, notApplicable, type Outcome, pass } from '../define.ts';
import { restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 10;

/**
 * Without it the default route takes the packets, and the router behind it drops them (flannel#958, #1531).
 * In clouds that route pod ranges themselves no node has such routes, so a node is compared only with itself
 * and with nodes of the same plugin.
 */
export const routeToNodeMissing = defineClusterCheck({
  id: 'route-to-node-missing',
  topic: 'path',
  severity: 'critical',
  title: 'The node has a route to the pods of each other node',
  failureTitle: "Node has no route to another node's pods",
  why:
    'Whatever the node and its pods send to those pods, answers included, leaves by the default route ' +
    'and is lost, while everything on the node works.',
  run({ nodeRoutes, podAddresses }) {
    return [...Map.groupBy(nodeRoutes, ({ plugin }) => plugin).values()].flatMap((nodes) => {
      const ways = waysBetweenNodes(nodes, podAddresses);
      const usual = { near: usualOf(ways, true), far: usualOf(ways, false) };
      return nodes.map((own) => judge(own, ways.get(own) ?? [], usual));
    });
  },
});

type Ways = ReadonlyMap<NodeRoutes, readonly WayToNode[]>;
type Usual = {
  /** Nodes have their own routes to other nodes, through a gateway that is the other node, and without a tunnel. */
  readonly routed: boolean;
  readonly right: boolean;
  readonly direct: boolean;
  /** Addresses to which another node has a route. */
  readonly known: ReadonlySet<string>;
};

const is = (...states: readonly WayToNode['state'][]) => states;

/** What most nodes do. Each node counts once, whatever it reports. */
function usualOf(all: Ways, near: boolean): Usual {
  const ways = [...all.values()].map((each) => each.filter((way) => way.near === near));
  const most = (yes: readonly WayToNode['state'][], no: readonly WayToNode['state'][]) => {
    const count = (each: readonly WayToNode[], states: readonly WayToNode['state'][]) =>
      each.filter(({ state }) => states.includes(state)).length;
    const voices = ways.map((each) => Math.sign(count(each, yes) - count(each, no)));
    return voices.includes(1) && voices.reduce((sum, voice) => sum + voice, 0) >= 0;
  };
  return {
    routed: most(is('direct', 'tunnel', 'other'), is('missing')),
    right: most(is('direct', 'tunnel'), is('other')),
    direct: most(is('direct'), is('tunnel')),
    known: new Set(ways.flat().flatMap(({ state, address }) => (state === 'missing' ? [] : [address]))),
  };
}

function judge(
  own: NodeRoutes,
  ways: readonly WayToNode[],
  usual: Readonly<Record<'near' | 'far', Usual>>,
): Outcome {
  const object = nodeObject(own.node);
  const others = new Set(ways.map(({ node }) => node)).size;
  const isWrong = ({ near, state, address }: WayToNode): boolean => {
    const { routed, right, known } = usual[near ? 'near' : 'far'];
    if (state === 'other') return right;
    if (state !== 'missing') return false;
    if (own.always === 'all' || (own.always === 'near' && near)) return true;
    // Each node reports its own pods' addresses. With more than two nodes, at least one other must have the
    // route.
    return routed && (others === 1 || known.has(address));
  };
  const found = ways.filter(isWrong);
  if (found.length > 0) return failure(own, found, usual.near.direct);
  return ways.some(({ state }) => state !== 'missing')
    ? pass(object)
    : notApplicable(
        object,
        "no routes of nodes lead to each other's pods: the network carries them, or there are none",
      );
}

function failure(own: NodeRoutes, found: readonly WayToNode[], direct: boolean): Outcome {
  const { node, plugin } = own;
  // Its programs send what is from pods into the tunnel themselves.
  const ofNodeAlone = plugin === CILIUM_CNI && !direct;
  return fail(nodeObject(node), {
    detail: `${listed(found.map(textOf), 5)}. ${
      ofNodeAlone
        ? 'Cilium delivers what pods send; what the node itself and pods on its network send to them is lost.'
        : "To their pods this node's pods look dead."
    }`,
    confidence: 'confirmed',
    ...(ofNodeAlone ? { severity: 'high' } : {}),
    evidence: rowsOf(found, SHOWN, ({ node: other, address, by, found: instead }) => ({
      what: `route of ${node} to pods of ${other}`,
      expected: `a route for ${address} that leads to ${other}${by === null ? '' : ` (${by})`}`,
      actual: instead ?? 'none',
      source: 'ip route show table all (node); expected: addresses of pods, and routes of the other nodes',
    })),
    remedy: [
      lookOnNode(
        node,
        'look at the routes, and find out who writes them (proto).',
        'ip route show table all',
      ),
      ...found.slice(0, SHOWN).flatMap((way) => putBack(way, node, direct)),
      ...(cniPlugin(plugin)?.agent == null
        ? [repair('Have the program that writes these routes restore them; no pod has to be deleted.')]
        : [restartAgent(plugin, node)]),
    ],
  });
}

function textOf({ node, address, state, found }: WayToNode): string {
  if (state === 'other') return `packets to pods of ${node}, such as ${address}, go elsewhere: "${found}"`;
  const instead = found === null ? 'and there is no default route' : `so "${found}" takes what is for them`;
  return `no route leads to pods of ${node}, such as ${address}, ${instead}`;
}

/**
 * If nodes send to each other without a tunnel, the missing route can be given; in a tunnel if flannel writes
 * it, or only its gateway is wrong.
 */
function putBack(
  { by, range, near, right, node: other }: WayToNode,
  node: string,
  direct: boolean,
): RemedyStep[] {
  const known = direct && near && by !== null && range !== null ? [range, 'via', by] : null;
  const words = right ?? known;
  if (words === null) return [];
  return [
    repairOnNode(
      node,
      `put back the route to the pods of ${other}; no pod has to be deleted.`,
      command('ip', ...(words[0]?.includes(':') ? ['-6'] : []), 'route', 'replace', ...words),
    ),
  ];
}
