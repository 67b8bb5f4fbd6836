import { contains } from '../../computed/cidr.ts';
import { layoutOf } from '../../computed/layouts.ts';
import { linkFault, mainAddresses, networkElsewhere } from '../../computed/preconditions.ts';
import { expectedGateway, routeText } from '../../computed/routes/gateway.ts';
import { mostSpecific } from '../../computed/routes/routing-decision.ts';
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import type { Comparison } from '../../model/finding.ts';
import type { Route } from '../../model/network.ts';
import { counted } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { agentRepair, restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

/**
 * The kernel takes a link's routes with it when it goes down, and those with its address when that is taken away: a
 * network manager that was restarted does both.
 */
export const gatewayLinkBroken = defineCheck({
  id: 'gateway-link-broken',
  topic: 'path',
  severity: 'critical',
  title: "The node's link with the pods' gateway leads to them",
  failureTitle: "Node's link to Cilium's pods is broken",
  why:
    'Programs carry what pods send to each other, but what the node sends or forwards to its pods goes by this link: ' +
    'probes of the kubelet, and answers from Services and from outside, are lost. Links and routes inside the pods ' +
    'look right.',
  needs: ['podNetworks', 'hostNetwork'],
  run({ podNetworks, hostNetwork }, { node }) {
    const object = nodeObject(node);
    const pods = podNetworks.flatMap((network) => behindLink(network) ?? []);
    const [first] = pods;
    if (first === undefined)
      return [notApplicable(object, "no pod of the node is behind a link with its plugin's gateway")];
    const fault = faultOf(first, pods, hostNetwork);
    if (fault === null) return [pass(object)];
    const { device, plugin } = first;
    return [
      fail(object, {
        detail: `${fault.detail}: what the node sends or forwards to its ${counted(pods.length, 'pod')} is lost.`,
        confidence: 'confirmed',
        evidence: [fault.row],
        remedy: [
          lookOnNode(
            node,
            'look at the link and the routes, and find out whether a network manager of the node has changed them.',
            `${command('ip', 'addr', 'show', 'dev', device)}; ip route; journalctl -b -u systemd-networkd -u NetworkManager --no-pager | grep -F ${command(device)} | tail -n 20`,
          ),
          ...(fault.line === null
            ? []
            : [repairOnNode(node, 'put it back; no pod has to be deleted.', fault.line)]),
          restartAgent(plugin, node),
        ],
        repair: agentRepair(plugin),
      }),
    ];
  },
});

type Behind = {
  readonly network: PodNetwork;
  readonly plugin: string;
  readonly device: string;
  /** Of IPv4; null if it is not known. */
  readonly gateway: string | null;
};

function behindLink(network: PodNetwork): Behind | null {
  const layout = layoutOf(network);
  if (typeof layout === 'string' || layout.gatewayLink === null || network.plugin === null) return null;
  if (networkElsewhere(network) !== null || linkFault(network) !== null) return null;
  const gateway = expectedGateway(network, layout, 4);
  return { network, plugin: network.plugin, device: layout.gatewayLink, gateway };
}

type Fault = { readonly detail: string; readonly row: Comparison; readonly line: string | null };

/** Why the node's routes do not lead to its pods, the deepest cause first; null if they do. */
function faultOf(
  { device, gateway }: Behind,
  pods: readonly Behind[],
  { links, addresses, routes }: Sources['hostNetwork'],
): Fault | null {
  const main = routes.filter(({ table }) => table === 'main');
  const astray = pods.flatMap(({ network: { hostLink }, network }) =>
    mainAddresses(network)
      .filter(({ family }) => family === 4)
      .flatMap(({ address }) => {
        const route = routeTo(main, address);
        // Of its own link, if Cilium writes a route for each endpoint.
        const leads = route?.type === 'unicast' && [device, hostLink?.name].includes(route.link ?? '');
        return leads ? [] : [{ address, route }];
      }),
  );
  const [found] = astray;
  if (found === undefined) return null;
  const link = links.find(({ name }) => name === device);
  if (link?.up !== true) {
    const state = link === undefined ? 'gone' : 'down';
    return {
      detail: `${device} is ${state}, and its routes with it`,
      row: { what: `link ${device}`, expected: 'up', actual: state, source: 'ip link (node)' },
      // The agent restores the routes within a minute, or when it starts.
      line: link === undefined ? null : command('ip', 'link', 'set', device, 'up'),
    };
  }
  if (!addresses.some((held) => held.link === device && held.family === 4))
    return {
      detail: `${device} has lost its address, and the routes with it`,
      row: {
        what: `IPv4 address of ${device}`,
        expected: gateway ?? 'one',
        actual: 'none',
        source: `ip addr show dev ${device} (node)`,
      },
      line: null,
    };
  const { address, route } = found;
  const drops = new Set(
    astray.flatMap((each) => (each.route !== null && each.route.type !== 'unicast' ? each.route : [])),
  );
  return {
    detail:
      route === null
        ? `No route of the node leads to its pods, such as ${address}`
        : `"${routeText(route)}" takes what is for the node's own pods, such as ${address}, and not a route to ${device}`,
    row: {
      what: `route of the node to ${address}`,
      expected: `dev ${device}`,
      actual: route === null ? 'none' : routeText(route),
      source: `ip route get ${address} (node)`,
    },
    line:
      [...drops]
        .map(({ type, destination }) => command('ip', 'route', 'del', type, destination))
        .join('; ') || null,
  };
}

function routeTo(routes: readonly Route[], address: string): Route | null {
  return mostSpecific(
    routes.filter(({ destination, flags }) => !flags.includes('dead') && contains(destination, address)),
  );
}
