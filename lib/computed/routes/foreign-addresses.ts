/** Addresses that pods use and that no pod ever has: those of gateways, nodes and the cluster DNS. */
import { isIP } from 'node:net';
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import type { Address } from '../../model/network.ts';
import { addressKey, isLinkLocal } from '../cidr.ts';
import { givenServices } from '../pods/cluster-dns.ts';
import { networkElsewhere } from '../preconditions.ts';
import { resultGateways } from './gateway.ts';

export type Owner = {
  readonly what: 'gateway' | 'node' | 'other-node' | 'dns';
  /** For a sentence. */
  readonly name: string;
};

/**
 * By `addressKey`. Gateways are those of all the node's pods, as their CNI results name them. Addresses of the node are
 * those that it has on a link: clouds also name those of devices that it gave to pods, and all that a device may have
 * (kubernetes#61921).
 */
export function foreignAddresses({
  podNetworks,
  node,
  otherNodes,
  clusterDns,
  hostNetwork,
}: Pick<Sources, 'podNetworks' | 'node' | 'otherNodes' | 'clusterDns' | 'hostNetwork'>): ReadonlyMap<
  string,
  Owner
> {
  const owned = (addresses: readonly string[], what: Owner['what'], name: string) =>
    addresses
      .filter((address) => isIP(address) !== 0)
      .map((address): [string, Owner] => [addressKey(address), { what, name }]);
  const onLinks = new Set(hostNetwork.addresses.map(({ address }) => addressKey(address)));
  const ofNode = owned(node.addresses, 'node', "the node's own address").filter(([key]) => onLinks.has(key));
  // The last entry of an address wins.
  return new Map([
    ...(givenServices(clusterDns) ?? []).flatMap((service) =>
      owned(service.addresses, 'dns', `the address of the cluster DNS (${namespacedName(service)})`),
    ),
    ...otherNodes.flatMap(({ name, addresses }) =>
      owned(addresses, 'other-node', `an address of node ${name}`),
    ),
    ...ofNode,
    ...owned(podNetworks.flatMap(resultGateways), 'gateway', "the gateway of the node's pods"),
  ]);
}

/** Addresses that the pod's kernel delivers to itself; none where what the node sees is not the pod's own network. */
export function usedAddresses(network: PodNetwork): readonly Address[] {
  if (network.stack === null || networkElsewhere(network) !== null) return [];
  // The kernel uses no IPv6 address that somebody else on the link turned out to have.
  return network.stack.addresses.filter(
    ({ address, tentative, dadFailed }) => !isLinkLocal(address) && !tentative && !dadFailed,
  );
}

/** The pods that hold the gateway of others; pod-address-foreign finds each of them. */
export function holdersOf(gateway: string, podNetworks: readonly PodNetwork[]): readonly PodNetwork[] {
  const key = addressKey(gateway);
  if (!podNetworks.flatMap(resultGateways).some((each) => addressKey(each) === key)) return [];
  return podNetworks.filter((network) =>
    usedAddresses(network).some(({ address }) => addressKey(address) === key),
  );
}
