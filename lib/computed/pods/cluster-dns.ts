/** Who answers at the nameserver address that pods with policy ClusterFirst get. */
import type { Sources } from '../../model/evidence.ts';
import type { DnsService } from '../../model/kubernetes.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import type { NetworkStack } from '../../model/network.ts';
import { isLinkLocal, sameAddress } from '../cidr.ts';
import { isLoopback } from './container-resolv-confs.ts';

/**
 * `service`: a Service with port 53. `node`: a link of the node has the address, as with NodeLocal DNSCache.
 * `nobody`: no Service has it, though other DNS Services exist. `unknown`: the Services were not read, or
 * something else may intercept the queries.
 */
export type Answerer = 'service' | 'node' | 'nobody' | 'unknown';

/** Who answers at the address of a nameserver, as far as the API and the node know. */
export function answererOf(
  server: string,
  { services }: Sources['clusterDns'],
  host: Pick<NetworkStack, 'addresses'>,
): Answerer {
  if (isLoopback(server)) return 'nobody';
  if (services?.some(({ addresses }) => addresses.some((address) => sameAddress(address, server))))
    return 'service';
  if (host.addresses.some(({ address }) => sameAddress(address, server))) return 'node';
  // Cilium redirects 169.254.20.10 to a pod by itself (CiliumLocalRedirectPolicy).
  return isLinkLocal(server) || services === null || services.length === 0 ? 'unknown' : 'nobody';
}

/** Services that the kubelet gives to pods as nameservers; null if either is not known. */
export function givenServices({ services, kubelet }: Sources['clusterDns']): DnsService[] | null {
  if (services === null || kubelet === null) return null;
  return services.filter(({ addresses }) =>
    addresses.some((address) => kubelet.servers.some((server) => sameAddress(address, server))),
  );
}

/** The addresses of all DNS Services, for a finding to show. */
export function dnsAddresses({ services }: Sources['clusterDns']): string[] {
  return (services ?? []).flatMap(({ namespace, name, addresses }) =>
    addresses.map((address) => `${address} (${namespacedName({ namespace, name })})`),
  );
}
