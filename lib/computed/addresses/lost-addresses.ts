/** Compares the pod's addresses in the API with those on its interface. */
import type { PodNetwork } from '../../model/evidence.ts';
import type { Comparison } from '../../model/finding.ts';
import type { Address } from '../../model/network.ts';
import { addressKey, familyOf, sameAddress } from '../cidr.ts';
import { lostAddresses, mainAddresses, networkElsewhere } from '../preconditions.ts';

export type LostAddress = {
  /** An API address that the interface does not have. */
  readonly address: string;
  /** Addresses of the same family on the interface that are not the pod's. */
  readonly instead: readonly Address[];
};

/** The addresses that the interface lost, or why this cannot be judged. Needs a pod whose namespace was read. */
export function lostOf(network: PodNetwork, all: readonly PodNetwork[]): readonly LostAddress[] | string {
  const { pod, stack } = network;
  if (pod.podIPs.length === 0) return 'the pod has no address in the API';
  const elsewhere = networkElsewhere(network);
  if (elsewhere !== null) return elsewhere;
  if (!stack?.links.some(({ name }) => name === network.interface))
    return `the interface ${network.interface} is missing: see pod-interface-missing`;
  if (all.some((other) => other.namespace === network.namespace && other.pod.uid !== pod.uid))
    return 'another pod lives in the same namespace: see pods-share-network';
  const lost = lostAddresses(network);
  // A bridge inside the pod took over the address (virtual machines, docker in docker): the pod still answers
  // at it.
  const moved = stack.addresses.find(
    ({ link, address }) => link !== network.interface && lost.some((ip) => sameAddress(ip, address)),
  );
  if (moved !== undefined) return `the pod holds ${moved.address} on ${moved.link}`;
  const down = network.link?.up === false;
  // If an interface is set down, the kernel drops its IPv6 addresses and keeps the others.
  const own = lost.filter((ip) => !(down && familyOf(ip) === 6));
  if (own.length < lost.length && own.length === 0)
    return `the interface ${network.interface} is down: see pod-interface-down`;
  const known = new Set([...pod.podIPs.map(addressKey), ...givenBeside(network)]);
  const strangers = mainAddresses(network).filter(({ address }) => !known.has(addressKey(address)));
  return own.map((address) => ({
    address,
    instead: strangers.filter(({ family }) => family === familyOf(address)),
  }));
}

/** From a second range of the plugin's IPAM: the API shows only one address of each family. */
function givenBeside(network: PodNetwork): string[] {
  const given = (network.results[0]?.addresses ?? []).map((each) => addressKey(each.address));
  const own = new Set(network.pod.podIPs.map(addressKey));
  return given.some((one) => own.has(one)) ? given : [];
}

/** The pod's address in the kernel, the API and the CNI result, side by side. */
export function addressRows(network: PodNetwork): Comparison[] {
  const shown = mainAddresses(network).map(({ address, prefixLength }) => `${address}/${prefixLength}`);
  const result = network.results[0];
  return [
    {
      what: `addresses of ${network.interface}`,
      expected: network.pod.podIPs.join(', ') || 'the address of the pod',
      actual: shown.join(', ') || 'none',
      source: `ip addr (netns ${network.namespace})`,
    },
    {
      what: 'address of the pod',
      actual: network.pod.podIPs.join(', ') || 'none',
      source: 'API: pod.status.podIPs',
    },
    ...(result === undefined
      ? []
      : [
          {
            what: 'address that the CNI plugin set up',
            actual: result.addresses.map(({ address }) => address).join(', ') || 'none named',
            source: `CNI result cache: ${result.network}-${result.containerId}-${result.interface}`,
          },
        ]),
  ];
}
