/** Routes inside a pod to a next hop that nobody has. */
import type { PodNetwork } from '../../model/evidence.ts';
import type { NetworkStack, Route } from '../../model/network.ts';
import { contains, isLinkLocal, sameAddress } from '../cidr.ts';
import { layoutOf } from '../layouts.ts';
import { mainAddresses } from '../preconditions.ts';
import { expectedGateway } from './gateway.ts';

/** Nobody answers for these: multicast and broadcast. */
const TO_MANY: readonly string[] = ['224.0.0.0/4', '255.255.255.255/32'];

/** Every IPv4 address of the node and of its pods. */
export function addressesOnNode(
  podNetworks: readonly PodNetwork[],
  host: Pick<NetworkStack, 'addresses'>,
): ReadonlySet<string> {
  const ofPods = podNetworks.flatMap(({ stack, pod }) => [
    ...(stack?.addresses ?? []).map(({ address }) => address),
    ...pod.podIPs,
  ]);
  return new Set([...host.addresses.map(({ address }) => address), ...ofPods]);
}

/**
 * IPv4 routes of the main table over the pod's interface, beside the default one, whose next hop (or, without a
 * gateway, whose destination) is on a bridge that has only pods of this node, and no one there has its address.
 */
export function strayRoutes(
  network: PodNetwork & { readonly stack: NetworkStack },
  host: Pick<NetworkStack, 'links' | 'addresses'>,
  taken: ReadonlySet<string>,
): readonly Route[] {
  const layout = layoutOf(network);
  const subnets = mainAddresses(network)
    .filter(({ family }) => family === 4)
    .map(({ address, prefixLength }) => `${address}/${prefixLength}`);
  const bridge = network.hostLink?.master ?? null;
  if (typeof layout === 'string' || bridge === null || subnets.length === 0) return [];
  const gateway = expectedGateway(network, layout, 4);
  const isOfBridge = host.addresses.some(
    ({ link, address }) => link === bridge && gateway !== null && sameAddress(address, gateway),
  );
  // Through an uplink or a tunnel among its ports, others may answer.
  const isOfPodsAlone = host.links.every(({ master, kind }) => master !== bridge || kind === 'veth');
  if (!isOfBridge || !isOfPodsAlone) return [];
  const isInSubnet = (address: string): boolean => subnets.some((subnet) => contains(subnet, address));
  const given = network.results.flatMap(({ routes }) => routes.map(({ destination }) => destination));
  return network.stack.routes.filter((route) => {
    if (route.family !== 4 || route.type !== 'unicast' || route.table !== 'main') return false;
    if (route.link !== network.interface || route.flags.includes('dead')) return false;
    if (route.destination.endsWith('/0') || given.includes(route.destination)) return false;
    const [destination = ''] = route.destination.split('/');
    if (route.gateway !== null) return !taken.has(route.gateway) && isInSubnet(route.gateway);
    return (
      !isInSubnet(destination) &&
      !isLinkLocal(destination) &&
      !TO_MANY.some((range) => contains(range, destination)) &&
      !taken.has(destination)
    );
  });
}
