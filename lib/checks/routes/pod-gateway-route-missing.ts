import { contains, familyOf, prefixLength, subnetOf } from '../../computed/cidr.ts';
import { lostAddresses, mayChangeNetwork } from '../../computed/preconditions.ts';
import { defaultRouteOf, expectedGateway, wayOut } from '../../computed/routes/gateway.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { restore } from '../remedies/restore.ts';
import { recreatePod } from '../remedies/steps.ts';

/**
 * The kernel keeps a default route whose gateway is no longer on the link, so nothing seems wrong until the
 * route is set again.
 */
export const podGatewayRouteMissing = definePodCheck({
  id: 'pod-gateway-route-missing',
  topic: 'routes',
  severity: 'high',
  title: "The pod's gateway is on its link",
  failureTitle: 'Pod lacks an on-link route to its gateway',
  why:
    'The default route needs a direct route to the gateway. Without it, the pod no longer reaches pods ' +
    'in its subnet directly, and nobody can set the default route again once it is lost.',
  needs: ['podNetworks'],
  unless: ['namespace unread'],
  judge(network) {
    const way = wayOut(network);
    if (typeof way === 'string') return way;
    if (lostAddresses(network).length > 0) {
      return 'the pod lost its address, and its routes with it: see pod-address-missing';
    }
    const defaults = way.families.map((family) => defaultRouteOf(network, way.layout, family));
    if (defaults.some(({ state }) => state === 'missing')) {
      return 'the default route is gone as well: see pod-default-route-missing';
    }
    // An IPv6 gateway is reached through fe80::/64, which every interface has.
    const gateway = way.families.includes(4) ? expectedGateway(network, way.layout, 4) : null;
    if (gateway === null) return 'the CNI plugin names no IPv4 gateway';
    if (defaults.some((found) => found.state === 'right' && found.route.flags.includes('onlink'))) {
      return 'the default route itself says that its gateway is on link';
    }
    const { routes } = network.stack;
    const onLink = routes.filter(
      (route) =>
        route.family === 4 &&
        route.type === 'unicast' &&
        route.gateway === null &&
        route.link === network.interface &&
        prefixLength(route.destination) > 0,
    );
    if (onLink.some((route) => contains(route.destination, gateway))) return 'pass';
    const listed = onLink.map((route) => route.destination).join(', ');
    return {
      detail: `No route leads to the gateway ${gateway} on ${network.interface} itself; on link are ${listed || 'no subnets at all'}.`,
      confidence: 'probable',
      evidence: [
        {
          what: 'on-link route to the gateway',
          expected: `a route without gateway on ${network.interface} that contains ${gateway}`,
          actual: listed || 'none',
          source: `ip route (netns ${network.namespace})`,
        },
      ],
      remedy: recreatePod(network.pod),
      ...(way.layout.hostRoute === 'subnet' ? restoreSubnet(network, gateway) : {}),
    };
  },
});

/** The route that the kernel made with the pod's address; elsewhere the plugin makes another one. */
function restoreSubnet(network: PodNetwork, gateway: string): ReturnType<typeof restore> {
  const given = network.results[0]?.addresses.find(({ address }) => familyOf(address) === 4);
  if (given === undefined || network.pod.containers.some(mayChangeNetwork)) return {};
  const { address } = given;
  const subnet = subnetOf(address, given.prefixLength);
  return contains(subnet, gateway)
    ? restore(network, { what: 'subnet-route', link: network.interface, subnet, address })
    : {};
}
