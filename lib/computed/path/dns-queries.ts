/** Packets that stand for the DNS queries of a node's pods. */
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import type { NetworkStack } from '../../model/network.ts';
import { addressBits, addressKey, familyOf, isLinkLocal } from '../cidr.ts';
import type { FilteredPacket } from '../firewall/filtered-packet.ts';
import { wayOf } from './packets-on-node.ts';

/** Of each kind of address at which DNS is served. */
const SERVERS = 8;
/** Where kube-proxy in mode ipvs keeps the addresses of all Services. */
const OF_IPVS = 'kube-ipvs0';

/** At which pods may ask for names. */
const askedAddresses = ({ services, kubelet }: Sources['clusterDns']): string[] => [
  ...(services ?? []).flatMap(({ addresses }) => addresses),
  ...(kubelet?.servers ?? []),
];

/** Whom pods may ask: where only some servers are allowed, others say nothing. None if no endpoint is known. */
export function serversOf(clusterDns: Sources['clusterDns']): string[] {
  const endpoints = (clusterDns.services ?? []).flatMap((service) => service.endpointAddresses ?? []);
  return endpoints.length === 0
    ? []
    : [...new Set([...endpoints.slice(0, SERVERS), ...askedAddresses(clusterDns).slice(0, SERVERS)])];
}

/** NodeLocal DNSCache, which has a link-local address of its own, or that of the Service. */
export function hasDnsCache(host: NetworkStack, clusterDns: Sources['clusterDns']): boolean {
  const known = new Set(askedAddresses(clusterDns).map(addressKey));
  return host.addresses.some(
    ({ link, address, prefixLength: length, scope }) =>
      scope !== 'link' &&
      link !== 'lo' &&
      link !== OF_IPVS &&
      (known.has(addressKey(address)) || (length === addressBits(address) && isLinkLocal(address))),
  );
}

export function queriesTo(servers: readonly string[], network: PodNetwork): FilteredPacket[] {
  const from = wayOf(network);
  if (from === null) return [];
  return servers
    .filter((server) => familyOf(server) === from.family)
    .map((destination) => ({ ...from, destination, outputLink: null, protocol: 'udp', port: 53 }));
}
