/** Addresses and subnets in text form, compared by value: `ip` and the API may write the same IPv6 address differently. */
import { BlockList, isIP } from 'node:net';

/** True when `address` lies in `cidr`; false for another family and for anything that is neither. */
export function contains(cidr: string, address: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  const family = isIP(network);
  const length = Number(prefix);
  if (family === 0 || family !== isIP(address)) return false;
  if (!/^\d+$/.test(prefix) || length > addressBits(network)) return false;
  const list = new BlockList();
  list.addSubnet(network, length, family === 4 ? 'ipv4' : 'ipv6');
  return list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** True when both texts are the same address. */
export function sameAddress(a: string, b: string): boolean {
  return a === b || contains(`${a}/${addressBits(a)}`, b);
}

/** 4 or 6. */
export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/** Bits of a whole address: the prefix length of a host route. */
export function addressBits(address: string): 32 | 128 {
  return familyOf(address) === 4 ? 32 : 128;
}

/** Prefix length of a CIDR. */
export function prefixLength(cidr: string): number {
  return Number(cidr.split('/')[1]);
}
