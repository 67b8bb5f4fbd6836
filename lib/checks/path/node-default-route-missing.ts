import { sameAddress } from '../../computed/cidr.ts';
import { routeText } from '../../computed/routes/gateway.ts';
import { defaultRoutes, nodeFamily, otherWaysOut } from '../../computed/routes/uplinks.ts';
import { NEXT_HOP, type Neighbour, type Route } from '../../model/network.ts';
import { listed } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { command, lookOnNode, repair } from '../remedies/steps.ts';

/** A DHCP client that lost its lease, or a network manager that took over the link, removes it (calico#3270). */
export const nodeDefaultRouteMissing = defineCheck({
  id: 'node-default-route-missing',
  topic: 'path',
  severity: 'high',
  title: 'The node has a default route',
  failureTitle: 'Node has no usable default route',
  why:
    'Pods and node reach only their own networks: no registry, no cloud API, no upstream DNS server. ' +
    'The kubelet may still report the node as Ready.',
  needs: ['hostNetwork', 'node'],
  run({ hostNetwork, node: api }, { node }) {
    const object = nodeObject(node);
    const family = nodeFamily(api.addresses);
    if (!hostNetwork.addresses.some((held) => held.family === family && held.scope === 'global')) {
      return [notApplicable(object, `the node holds no global IPv${family} address`)];
    }
    const routes = defaultRoutes(hostNetwork, family);
    const [best] = routes;
    const usable = routes.filter((route) => whyUnusable(route) === null);
    // No route of a higher metric takes over while these are there.
    const used = usable.filter(({ metric }) => metric === usable[0]?.metric);
    const silent = used.filter((route) => isSilent(route, hostNetwork.neighbours));
    // Connections are spread over the next hops of one route; of several routes the kernel takes one that answers.
    const isPartly = silent.some(({ flags }) => flags.includes(NEXT_HOP));
    if (used.length > silent.length && !isPartly) return [pass(object)];
    const [other] = routes.length === 0 ? otherWaysOut(hostNetwork, family) : [];
    if (other !== undefined)
      return [notApplicable(object, `${routeText(other)} in table ${other.table} leads out of the node`)];
    const link = hostNetwork.addresses.find(({ address }) => api.addresses.includes(address))?.link;
    const whyOf = (route: Route): string =>
      whyUnusable(route) ?? (silent.includes(route) ? 'nobody answers for its gateway' : 'usable');
    const worst = silent[0] ?? best;
    const actual =
      routes.length === 0 ? 'none' : listed(routes.map((route) => `${routeText(route)} (${whyOf(route)})`));
    return [
      fail(object, {
        detail:
          worst === undefined
            ? `No IPv${family} default route leads out of the node.`
            : `The node's IPv${family} default route cannot be used: ${routeText(worst)} (${whyOf(worst)}).`,
        confidence: 'probable',
        evidence: [
          {
            what: `IPv${family} default route of the node`,
            expected: `default via GATEWAY${link === undefined ? '' : ` dev ${link}`}`,
            actual,
            source: `ip -${family} route show default${silent.length === 0 ? '' : ', ip neigh'} (node)`,
          },
        ],
        remedy: [
          lookOnNode(
            node,
            'find out what manages the uplink, and why it set no route, or this one.',
            [
              command('ip', `-${family}`, 'route', 'show', 'table', 'all'),
              'journalctl -b -u systemd-networkd -u NetworkManager -u dhclient --no-pager | tail -n 50',
            ].join('; '),
          ),
          repair(
            'Have it set the route again: renew the lease or restart the network service (networkctl renew ' +
              'LINK, nmcli device reapply LINK). No pod has to be deleted.',
          ),
        ],
      }),
    ];
  },
});

/** The kernel asked for the gateway's MAC address, and got no answer. */
function isSilent({ gateway, link }: Route, neighbours: readonly Neighbour[]): boolean {
  return neighbours.some(
    (entry) =>
      gateway !== null &&
      entry.link === link &&
      entry.states.includes('FAILED') &&
      sameAddress(entry.destination, gateway),
  );
}

function whyUnusable({ type, flags }: Route): string | null {
  if (type !== 'unicast') return `it is of type ${type}`;
  const bad = flags.find((flag) => flag === 'dead' || flag === 'linkdown');
  return bad === undefined ? null : `its link is down (${bad})`;
}
