/** Addresses that pods use and that no pod ever has: those of gateways, nodes and the cluster DNS. */
import { isIP } from 'node:net';
import type { Sources } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { addressKey } from '../cidr.ts';
import { givenServices } from '../pods/cluster-dns.ts';
import { resultGateways } from './gateway.ts';

export type Owner = {
  readonly what: 'gateway' | 'node' | 'other-node' | 'dns';
  /** For a sentence. */
  readonly name: string;
};

/** By `addressKey`. Gateways are those of all the node's pods, as their CNI results name them. */
export function foreignAddresses({
  podNetworks,
  node,
  otherNodes,
  clusterDns,
}: Pick<Sources, 'podNetworks' | 'node' | 'otherNodes' | 'clusterDns'>): ReadonlyMap<string, Owner> {
  const owned = (addresses: readonly string[], what: Owner['what'], name: string) =>
    addresses
      .filter((address) => isIP(address) !== 0)
      .map((address): [string, Owner] => [addressKey(address), { what, name }]);
  // The last entry of an address wins.
  return new Map([
    ...(givenServices(clusterDns) ?? []).flatMap((service) =>
      owned(service.addresses, 'dns', `the address of the cluster DNS (${namespacedName(service)})`),
    ),
    ...otherNodes.flatMap(({ name, addresses }) =>
      owned(addresses, 'other-node', `an address of node ${name}`),
    ),
    ...owned(node.addresses, 'node', "the node's own address"),
    ...owned(podNetworks.flatMap(resultGateways), 'gateway', "the gateway of the node's pods"),
  ]);
}
