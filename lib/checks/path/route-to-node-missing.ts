import { cniPlugin } from '../../model/cni-plugins.ts';
import type { RemedyStep } from '../../model/finding.ts';
import type { RoutesToNodes } from '../../model/routes-to-nodes.ts';
import { listed, rowsOf } from '../../model/text.ts';
import {
  defineClusterCheck,
  fail,
  nodeObject,
  notApplicable,
  type Outcome,
  pass,
  unknown,
} from '../define.ts';
import { restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 10;

type Kind = 'near' | 'far';
type Cut = RoutesToNodes['cut'][number];

/**
 * Without it the default route takes the packets, and whoever is behind that drops them (flannel#958, #1531). In clouds
 * that carry pods' ranges themselves no node has such routes, so a node is judged by itself and the others of its plugin.
 */
export const routeToNodeMissing = defineClusterCheck({
  id: 'route-to-node-missing',
  topic: 'path',
  severity: 'critical',
  title: 'The node has a route to the pods of each other node',
  failureTitle: "Node has no route to another node's pods",
  why: 'What the node and its pods send to those pods leaves by the default route, and is lost there. Answers to those pods are lost too, while everything on the node works.',
  run({ routesToNodes, auditedNodes }) {
    const audited = new Set(auditedNodes);
    return [...Map.groupBy(routesToNodes, ({ plugin }) => plugin).values()].flatMap((nodes) => {
      const usual = { near: usualOf(nodes, 'near'), far: usualOf(nodes, 'far') };
      return nodes.map((each) => judge(each, usual, audited));
    });
  },
});

/** Whether nodes have routes of their own to others of a kind, and what those lead to. A node has one voice, whatever it says. */
type Usual = { readonly routed: boolean; readonly direct: boolean; readonly right: boolean };

function usualOf(nodes: readonly RoutesToNodes[], kind: Kind): Usual {
  const counts = nodes.map((node) => node[kind]);
  const most = (yes: (count: RoutesToNodes[Kind]) => number, no: (count: RoutesToNodes[Kind]) => number) => {
    const voices = counts.map((count) => Math.sign(yes(count) - no(count)));
    return voices.includes(1) && voices.reduce((sum, voice) => sum + voice, 0) >= 0;
  };
  return {
    routed: most(
      ({ direct, tunnel, other }) => direct + tunnel + other,
      ({ missing }) => missing,
    ),
    direct: most(
      ({ direct }) => direct,
      ({ tunnel }) => tunnel,
    ),
    right: most(
      ({ direct, tunnel }) => direct + tunnel,
      ({ other }) => other,
    ),
  };
}

function judge(
  own: RoutesToNodes,
  usual: Readonly<Record<Kind, Usual>>,
  audited: ReadonlySet<string>,
): Outcome {
  const object = nodeObject(own.node);
  const isWrong = ({ near, state }: Cut): boolean => {
    const { routed, right } = usual[near ? 'near' : 'far'];
    if (state === 'other') return right;
    return routed || own.always === 'all' || (own.always === 'near' && near);
  };
  const wrong = own.cut.filter(isWrong);
  const found = wrong.filter(({ node }) => audited.has(node));
  if (found.length > 0) return failure(own, found, usual);
  if (wrong.length > 0)
    return unknown(
      object,
      `no route leads to the pods of ${listed(
        wrong.map(({ node }) => node),
        3,
      )}, which may be gone: it was not audited`,
    );
  const routed = [own.near, own.far].some(({ direct, tunnel, other }) => direct + tunnel + other > 0);
  return routed
    ? pass(object)
    : notApplicable(
        object,
        "nodes have no routes of their own to each other's pods: the network carries them",
      );
}

function failure(own: RoutesToNodes, found: readonly Cut[], usual: Readonly<Record<Kind, Usual>>): Outcome {
  const { node, plugin } = own;
  return fail(nodeObject(node), {
    detail: `${listed(found.map(textOf), 5)}. To their pods this node's pods look dead.`,
    confidence: 'confirmed',
    evidence: rowsOf(found, SHOWN, ({ node: other, range, address, found: instead }) => ({
      what: `route of ${node} to pods of ${other}`,
      expected: `a route for ${range} that leads to ${other}${address === null ? '' : ` (${address})`}`,
      actual: instead ?? 'none',
      source: `ip route show table all (node); expected: API: nodes, and routes of the other nodes`,
    })),
    remedy: [
      lookOnNode(node, 'see the routes, and who writes them (proto).', 'ip route show table all'),
      ...found.slice(0, SHOWN).flatMap((cut) => repairOf(cut, node, usual)),
      ...(found.length > SHOWN ? [repair(`Likewise the other ${found.length - SHOWN}.`)] : []),
      ...(cniPlugin(plugin)?.agent == null
        ? [repair('Have the program that writes these routes restore them; no pod has to be deleted.')]
        : [restartAgent(plugin, node)]),
    ],
  });
}

function textOf({ node, range, state, found }: Cut): string {
  if (state === 'other') return `packets to pods of ${node} (${range}) go elsewhere: "${found}"`;
  const instead = found === null ? 'and there is no default route' : `so "${found}" takes what is for them`;
  return `no route leads to pods of ${node} (${range}), ${instead}`;
}

/** Where the nodes send to each other without a tunnel, the route is known. */
function repairOf(
  { near, range, address, node: other }: Cut,
  node: string,
  usual: Readonly<Record<Kind, Usual>>,
): RemedyStep[] {
  if (!near || address === null || !usual.near.direct) return [];
  return [
    repairOnNode(
      node,
      `put back the route to the pods of ${other}; no pod has to be deleted.`,
      command('ip', ...(range.includes(':') ? ['-6'] : []), 'route', 'replace', range, 'via', address),
    ),
  ];
}
