/**
 * Addresses and subnets in text form, compared by value: `ip` and the API may write the same IPv6 address
 * differently.
 */
import { BlockList, isIP } from 'node:net';
import { addressKey, familyOf, subnetOf } from '../model/address.ts';

export { addressKey, familyOf, subnetOf } from '../model/address.ts';

/** The shortest prefix of a node's own range of pods: larger networks belong to routers, or to Services. */
export const OF_ONE_NODE = { 4: 20, 6: 56 } as const;

/** What the addresses of one cluster's pods share, or those of its nodes, as far as one of them tells. */
export const OF_ONE_CLUSTER = { 4: 16, 6: 48 } as const;

/** The network in which others of the cluster may have their addresses. */
export const networkAround = (address: string): string =>
  subnetOf(address, OF_ONE_CLUSTER[familyOf(address)]);

/** True if `address` is in `cidr`; false if the families differ or either is invalid. */
export function contains(cidr: string, address: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  const family = isIP(network);
  const length = Number(prefix);
  if (family === 0 || family !== isIP(address)) return false;
  if (!/^\d+$/.test(prefix) || length > addressBits(network)) return false;
  // Fast path: nodes have a route for each pod, every pod is compared with every route, and IPv4 addresses
  // have only one notation.
  if (family === 4) {
    const shift = 2 ** (32 - length);
    return Math.floor(numberOf(network) / shift) === Math.floor(numberOf(address) / shift);
  }
  const list = new BlockList();
  list.addSubnet(network, length, 'ipv6');
  return list.check(address, 'ipv6');
}

/** The same as `contains` for many comparisons: it reads each address only once. */
export function containing(): (cidr: string, address: string) => boolean {
  const bits = new Map<string, string | null>();
  const bitsOf = (text: string) => {
    const known = bits.get(text);
    if (known !== undefined) return known;
    const [address = '', prefix = '128'] = text.split('/');
    const length = /^\d+$/.test(prefix) ? Number(prefix) : Number.POSITIVE_INFINITY;
    const [groups = ''] = addressKey(address).split('/');
    const read =
      isIP(groups) === 6 && length <= 128
        ? groups.replace(/[^:]+:?/g, (group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
        : null;
    bits.set(text, read?.slice(0, length) ?? null);
    return bits.get(text) ?? null;
  };
  return (cidr, address) => {
    if (familyOf(address) === 4) return contains(cidr, address);
    const network = bitsOf(cidr);
    return network !== null && bitsOf(address)?.startsWith(network) === true;
  };
}

/** Of one link only: 169.254.0.0/16, or fe80::/10. */
export function isLinkLocal(address: string): boolean {
  return contains('169.254.0.0/16', address) || contains('fe80::/10', address);
}

/** True if both texts are the same address. */
export function sameAddress(a: string, b: string): boolean {
  return a === b || (familyOf(a) === 6 && familyOf(b) === 6 && contains(`${a}/128`, b));
}

/** Number of bits in an address: the prefix length of a host route. */
export function addressBits(address: string): 32 | 128 {
  return familyOf(address) === 4 ? 32 : 128;
}

/** Prefix length of a CIDR. */
export function prefixLength(cidr: string): number {
  return Number(cidr.split('/')[1]);
}

function numberOf(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}
