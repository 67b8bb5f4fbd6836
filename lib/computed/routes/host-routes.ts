/** The node's route to a pod's address: the most specific one of its main table, whatever its type. */
import type { PodNetwork } from '../../model/evidence.ts';
import type { NetworkStack, Route } from '../../model/network.ts';
import { addressBits, contains, familyOf, prefixLength, sameAddress } from '../cidr.ts';
import { layoutOf } from '../layouts.ts';
import { isVirtualMachine, linkFault } from '../preconditions.ts';
import { ON_NO_BRIDGE } from './bridges.ts';
import { expectedGateway } from './gateway.ts';
import { mostSpecific } from './routing-decision.ts';

export type HostRoute = {
  readonly address: string;
  /** The link that the route must use: the pod's own, or the bridge. */
  readonly link: string;
  readonly state: 'right' | 'missing' | 'misdirected';
  /** The route that takes the packets instead; null if only the default route does. */
  readonly found: Route | null;
};

const DECIDES: readonly string[] = ['unicast', 'blackhole', 'unreachable', 'prohibit', 'throw'];

/** The node's routes to each address of the pod, or why they cannot be judged. */
export function hostRoutes(network: PodNetwork, host: NetworkStack): readonly HostRoute[] | string {
  if (network.pod.podIPs.length === 0) return 'the pod has no address in the API';
  const fault = linkFault(network);
  if (fault !== null) return fault;
  const layout = layoutOf(network);
  if (typeof layout === 'string') return layout;
  if (isVirtualMachine(network.pod)) {
    return 'Calico sets no route for the target of a KubeVirt migration';
  }
  const { hostLink } = network;
  if (hostLink === null) return "the node's end of the pair could not be determined";
  if (layout.hostRoute === 'none') return `${network.plugin} delivers without a route`;
  if (layout.hostRoute === 'address') {
    return network.pod.podIPs.map((address) => {
      const found = decidingRoute(host, address);
      const exact = found !== null && prefixLength(found.destination) === addressBits(address);
      if (!exact) return { address, link: hostLink.name, state: 'missing', found };
      const right = found.type === 'unicast' && found.link === hostLink.name;
      return { address, link: hostLink.name, state: right ? 'right' : 'misdirected', found };
    });
  }
  const bridge = hostLink.master;
  if (bridge === null) return ON_NO_BRIDGE;
  const judged = network.pod.podIPs.filter((address) => {
    const gateway = expectedGateway(network, layout, familyOf(address));
    return (
      gateway !== null &&
      host.addresses.some((held) => held.link === bridge && sameAddress(held.address, gateway))
    );
  });
  if (judged.length === 0) return `${bridge} does not hold the pod's gateway: see bridge-address-stale`;
  if (!host.links.some((link) => link.name === bridge && link.up))
    return `the bridge ${bridge} is down: see node-bridge-broken`;
  return judged.map((address) => {
    const found = decidingRoute(host, address);
    if (found === null) return { address, link: bridge, state: 'missing', found };
    const right = found.type === 'unicast' && found.link === bridge;
    return { address, link: bridge, state: right ? 'right' : 'misdirected', found };
  });
}

/** Null if only the default route leads there. */
function decidingRoute(host: NetworkStack, address: string): Route | null {
  return mostSpecific(
    host.routes.filter(
      (route) =>
        route.table === 'main' &&
        DECIDES.includes(route.type) &&
        prefixLength(route.destination) > 0 &&
        contains(route.destination, address),
    ),
  );
}
