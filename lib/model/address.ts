/** Addresses in text form, by value: whoever writes an IPv6 address may write it differently. */
import { isIP } from 'node:net';

/** A key that is equal for all notations of an address, to find one among many. */
export function addressKey(address: string): string {
  // An address with a zone, such as fe80::1%eth0, has no key.
  return isIP(address) === 6 && !address.includes('%') ? subnetOf(fourAsSix(address), 128) : address;
}

/** The last 32 bits may be written as an IPv4 address. */
function fourAsSix(address: string): string {
  const [, head, a, b, c, d] = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address) ?? [];
  if (head === undefined) return address;
  const group = (high: string | undefined, low: string | undefined) =>
    (Number(high) * 256 + Number(low)).toString(16);
  return `${head}${group(a, b)}:${group(c, d)}`;
}

/** 4 or 6. */
export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/** The subnet of an address with this prefix length: 10.244.1.7 and 24 give 10.244.1.0/24. */
export function subnetOf(address: string, length: number): string {
  // Nodes print them: what is no address is a subnet of its own.
  if (isIP(address) === 0) return `${address}/${length}`;
  const wide = familyOf(address) === 6;
  const [head = '', tail] = address.split('::');
  const split = (text: string | undefined) => (text ? text.split(wide ? ':' : '.') : []);
  const gap = tail === undefined ? 0 : 8 - split(head).length - split(tail).length;
  const parts = [...split(head), ...Array<string>(gap).fill('0'), ...split(tail)];
  const size = wide ? 16 : 8;
  const masked = parts.map((part, index) => {
    const kept = Math.max(0, Math.min(size, length - index * size));
    const value = Number.parseInt(part, wide ? 16 : 10) & (((1 << kept) - 1) << (size - kept));
    return value.toString(wide ? 16 : 10);
  });
  return `${masked.join(wide ? ':' : '.')}/${length}`;
}

/** As Kubernetes writes it: the longest run of zeros is `::`, and nothing has a capital letter. */
export function spelled(address: string): string {
  const key = addressKey(address).replace(/\/128$/, '');
  return isIP(key) === 6 ? new URL(`http://[${key}]`).hostname.slice(1, -1) : address;
}
