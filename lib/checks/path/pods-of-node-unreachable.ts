import { contains, prefixLength } from '../../computed/cidr.ts';
import { elsewhere } from '../../computed/path/pod-ways.ts';
import { type TakenWay, takenWays } from '../../computed/path/taken-ways.ts';
import { routeText } from '../../computed/routes/gateway.ts';
import { answerText, askedBy, decisionOf, isAdded } from '../../computed/routes/routing-decision.ts';
import { CILIUM_TUNNEL } from '../../model/cni-names.ts';
import { CILIUM_CNI } from '../../model/cni-plugins.ts';
import type { Sources } from '../../model/evidence.ts';
import type { Comparison, RemedyStep } from '../../model/finding.ts';
import { DROPPING, type NetworkStack, type Route, type Way } from '../../model/network.ts';
import { firstOf, listed, rowsOf } from '../../model/text.ts';
import { defineCheck, type Failure, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { command, lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 10;

/** A blackhole route meant for something else, or a route that was deleted with its link (rke2#11170). */
export const podsOfNodeUnreachable = defineCheck({
  id: 'pods-of-node-unreachable',
  topic: 'path',
  severity: 'critical',
  title: 'The node has a way to the pods of other nodes',
  failureTitle: "Node has no path to another node's pods",
  why:
    'The node and its pods reach no pod behind the network that is cut off, while everything on the ' +
    'node works. To the pods there, this node looks dead.',
  needs: ['hostNetwork', 'routing', 'podNetworks', 'node', 'otherNodes'],
  run({ hostNetwork, routing, podNetworks, node: own, otherNodes }, { node }) {
    const object = nodeObject(node);
    const others = elsewhere(routing);
    const towards = routing.filter(({ source, destination }) => source === null && others.has(destination));
    const broken = towards.filter((way) => way.error !== null && !isOfRule(hostNetwork, way));
    const dropping = droppingRoutes(hostNetwork, podNetworks);
    const taken = takenWays(hostNetwork, { node: own, otherNodes, podNetworks });
    // Programs of Cilium send what is from pods into the tunnel, whatever the routes.
    const ofNodeAlone =
      podNetworks.some(({ plugin }) => plugin === CILIUM_CNI) &&
      hostNetwork.links.some(({ name }) => CILIUM_TUNNEL.test(name));
    if (broken.length === 0 && dropping.length === 0) {
      if (taken.length > 0)
        return [
          fail(object, failureOfTaken(taken, node, ofNodeAlone && taken.every(({ ofPods }) => ofPods))),
        ];
      if (towards.length > 0) return [pass(object)];
      return [notApplicable(object, 'no route of the node leads to networks behind other nodes')];
    }
    const decided = broken.map((way) => ({ way, route: decisionOf(hostNetwork, way)?.route ?? null }));
    const routes = new Set([...dropping, ...decided.flatMap(({ route }) => route ?? [])]);
    const shown = [
      ...[...routes].map((route) => `"${routeText(route)}" drops what is for ${route.destination}`),
      ...decided.flatMap(({ way, route }) =>
        route === null ? [`no route leads to ${way.destination} (${way.error})`] : [],
      ),
    ];
    return [
      fail(object, {
        detail: ofNodeAlone
          ? `What the node itself and pods on its network send to pods of other nodes is lost: ${listed(shown, 5)}. ` +
            'Cilium delivers what other pods send.'
          : `Packets to pods of other nodes do not leave the node: ${listed(shown, 5)}. One-way: what those ` +
            'send still comes in, but no answer goes back.',
        confidence: 'confirmed',
        ...(ofNodeAlone ? { severity: 'high' } : {}),
        evidence: [...rowsOf([...routes], SHOWN, routeRow), ...rowsOf(broken, SHOWN, wayRow)],
        remedy: remedyOf([...routes], node),
      }),
    ];
  },
});

function failureOfTaken(taken: readonly TakenWay[], node: string, ofNodeAlone: boolean): Failure {
  const shown = listed(
    taken.map(({ text, whom }) => `${text} takes what is for ${whom}`),
    5,
  );
  return {
    detail: ofNodeAlone
      ? `What the node itself and pods on its network send to pods of other nodes stays on the node: ${shown}. ` +
        'Cilium delivers what other pods send.'
      : `Packets to other nodes or their pods stay on the node: ${shown}. Nothing that they send is answered.`,
    confidence: 'confirmed',
    ...(ofNodeAlone ? { severity: 'high' } : {}),
    evidence: rowsOf(taken, SHOWN, ({ text, whom, source }) => ({
      what: `way to ${whom}`,
      expected: 'to another node',
      actual: text,
      source,
    })),
    remedy: [
      lookOnNode(
        node,
        'find out what created it: a container engine needs another range for its network, or it comes back.',
        'ip addr; ip route show table all',
      ),
      ...firstOf(
        taken,
        SHOWN,
        ({ remove }) => repairOnNode(node, 'remove it; no pod has to be deleted.', command(...remove)),
        (left) => repair(`Likewise the other ${left}: the next audit names them.`),
      ),
    ],
  };
}

const isOfRule = (host: NetworkStack, way: Way): boolean => {
  const decision = decisionOf(host, way);
  return decision !== null && isAdded(decision.rule);
};

const routeRow = (route: Route): Comparison => ({
  what: `route of the node for ${route.destination}`,
  expected: 'none that drops',
  actual: routeText(route),
  source: `ip -${route.family} route show table ${route.table} (node)`,
});

const wayRow = (way: Way): Comparison => ({
  what: `way of the node to ${way.destination}`,
  expected: 'a way to another node',
  actual: answerText(way),
  source: `${askedBy(way).join(' ')} (node)`,
});

/**
 * Routes of the main table that drop part of the traffic to other nodes which another route, or the pods'
 * range, covers.
 */
function droppingRoutes(host: NetworkStack, podNetworks: Sources['podNetworks']): Route[] {
  const main = host.routes.filter(({ table }) => table === 'main');
  const behind = main.filter(
    ({ type, gateway, destination }) =>
      type === 'unicast' &&
      gateway !== null &&
      prefixLength(destination) >= 8 &&
      !destination.endsWith('/128'),
  );
  const here = [
    ...host.addresses.map(({ address }) => address),
    ...podNetworks.flatMap(({ pod }) => pod.podIPs),
  ];
  // Cilium's route to its own range has a gateway too: the node itself. What drops a part of it is about its own pods.
  const held = host.addresses.map(({ address }) => address);
  const own = behind.filter(
    ({ gateway, destination }) =>
      gateway !== null &&
      held.includes(gateway) &&
      podNetworks.some(({ pod }) => pod.podIPs.some((address) => contains(destination, address))),
  );
  return main.filter(
    (route) =>
      !own.some((other) => isInside(route, other)) &&
      DROPPING.includes(route.type) &&
      prefixLength(route.destination) > 8 &&
      // Routes for the node's own pods: Calico has one for each of its blocks to prevent loops.
      !here.some((address) => contains(route.destination, address)) &&
      behind.some((other) => isInside(route, other)) &&
      !isShadowed(route, main),
  );
}

const networkOf = ({ destination }: Route): string => destination.split('/')[0] ?? '';

function isInside(route: Route, { family, destination }: Route): boolean {
  return (
    route.family === family &&
    prefixLength(route.destination) >= prefixLength(destination) &&
    contains(destination, networkOf(route))
  );
}

/** A route to the same destination with a lower metric takes precedence. */
function isShadowed({ family, destination, metric }: Route, main: readonly Route[]): boolean {
  return main.some(
    (other) =>
      other.family === family &&
      other.type === 'unicast' &&
      other.destination === destination &&
      (other.metric ?? 0) < (metric ?? 0),
  );
}

function remedyOf(routes: readonly Route[], node: string): RemedyStep[] {
  const look = lookOnNode(
    node,
    'look at the routes, and find out which program created these: that program may add them again.',
    'ip route show table all',
  );
  const removed = firstOf(
    routes.filter(({ type }) => DROPPING.includes(type)),
    SHOWN,
    ({ family, type, destination, table }) =>
      repairOnNode(
        node,
        'remove the route; no pod has to be deleted.',
        command('ip', `-${family}`, 'route', 'del', type, destination, 'table', table),
      ),
    (left) => repair(`Likewise the other ${left}: the next audit names them.`),
  );
  return [
    look,
    ...(removed.length > 0
      ? removed
      : [
          repair(
            'Restart the agent of the CNI plugin on the node: it puts back its routes to other nodes. No pod has to be deleted.',
          ),
        ]),
  ];
}
