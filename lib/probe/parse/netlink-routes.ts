/** Routes and rules of rtnetlink(7), with iproute2's names for their parts. */
import { DROPPING, NEXT_HOP, type Route, type Rule } from '../../model/network.ts';
import { fitting } from '../grammar.ts';
import {
  type Attributes,
  addressText,
  attributes,
  messageFamily,
  type NetlinkMessage,
  number,
  text,
} from './netlink-messages.ts';

/** The name of a link by its index. */
export type NameOf = (index: number) => string;

export const SCOPES = new Map([
  [0, 'global'],
  [200, 'site'],
  [253, 'link'],
  [254, 'host'],
  [255, 'nowhere'],
]);

/** The name of a number, else the number itself. */
export const nameOfNumber = (names: ReadonlyMap<number, string>, value: number) =>
  names.get(value) ?? String(value);

/** linux/rtnetlink.h */
const RTA = {
  ...{ DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, METRICS: 8, MULTIPATH: 9 },
  ...{ TABLE: 15, VIA: 18 },
};
const RTAX_MTU = 2;
export const ROUTE_TYPES =
  'unspec unicast local broadcast anycast multicast blackhole unreachable prohibit throw nat'.split(' ');
const HOP_FLAGS = [
  [1, 'dead'],
  [2, 'pervasive'],
  [4, 'onlink'],
  [16, 'linkdown'],
  [32, 'unresolved'],
] as const;
/** IPv6 exceptions, such as path MTUs: what `ip route show cache` would show. */
const RTM_F_CLONED = 0x200;
export const TABLES = new Map([
  [253, 'default'],
  [254, 'main'],
  [255, 'local'],
]);

const flagNames = (flags: number) => HOP_FLAGS.flatMap(([bit, name]) => ((flags & bit) === 0 ? [] : [name]));

/** A route with several next hops becomes one route for each. */
export function toRoutes(message: NetlinkMessage, nameOf: NameOf): Route[] {
  const family = messageFamily(message);
  const flags = message.uint32(8);
  if (family === null || (flags & RTM_F_CLONED) !== 0) return [];
  const all = attributes(message.from(12));
  const type = message.uint8(7);
  const hops = all.has(RTA.MULTIPATH)
    ? nextHops(all.get(RTA.MULTIPATH))
    : [{ flags: 0, link: number(all.get(RTA.OIF)), attributes: all }];
  // Computed once for all hops: a route may have thousands.
  const destination = prefixText(all.get(RTA.DST), message.uint8(1), family);
  const mtu = number(attributes(all.get(RTA.METRICS)).get(RTAX_MTU));
  const source = all.get(RTA.PREFSRC);
  const from = source === undefined ? null : addressText(source);
  return hops.map((hop) => ({
    family,
    type: ROUTE_TYPES[type] ?? String(type),
    destination,
    gateway: gatewayOf(hop.attributes),
    link: hop.link === null ? null : nameOf(hop.link),
    table: nameOfNumber(TABLES, number(all.get(RTA.TABLE)) ?? message.uint8(4)),
    protocol: nameOfNumber(PROTOCOLS, message.uint8(5)),
    scope: nameOfNumber(SCOPES, message.uint8(6)),
    metric: number(all.get(RTA.PRIORITY)),
    from,
    mtu,
    flags: [
      ...new Set([...flagNames(flags), ...flagNames(hop.flags), ...(hops.length > 1 ? [NEXT_HOP] : [])]),
    ],
  }));
}

function nextHops(bytes: Uint8Array = new Uint8Array()) {
  const hops: { flags: number; link: number; attributes: Attributes }[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = view.getUint16(at, true);
    if (length < 8 || at + length > bytes.length) throw new Error('a next hop was cut');
    hops.push({
      flags: view.getUint8(at + 2),
      link: view.getInt32(at + 4, true),
      attributes: attributes(bytes.subarray(at + 8, at + length)),
    });
    at += (length + 3) & ~3;
  }
  return hops;
}

function gatewayOf(all: Attributes): string | null {
  const gateway = all.get(RTA.GATEWAY) ?? all.get(RTA.VIA)?.subarray(2);
  return gateway === undefined ? null : addressText(gateway);
}

function prefixText(address: Uint8Array | undefined, length: number, family: 4 | 6): string {
  return `${address === undefined ? (family === 4 ? '0.0.0.0' : '::') : addressText(address)}/${length}`;
}

/** linux/fib_rules.h */
const FRA = {
  DST: 1,
  SRC: 2,
  IIFNAME: 3,
  PRIORITY: 6,
  FWMARK: 10,
  SUPPRESS_IFGROUP: 13,
  SUPPRESS_PREFIXLEN: 14,
  TABLE: 15,
  FWMASK: 16,
  OIFNAME: 17,
  PROTOCOL: 21,
};
const INVERT = 2;
const DETACHED = 0x18;
/** What `ip` prints for group 0. */
const GROUPS = new Map([[0, 'default']]);
const PROTOCOLS = new Map([
  [0, 'unspec'],
  [1, 'redirect'],
  [2, 'kernel'],
  [3, 'boot'],
  [4, 'static'],
]);

/** One routing rule, from a message of RTM_GETRULE. */
export function toRule(message: NetlinkMessage): Rule {
  const all = attributes(message.from(12));
  const family = messageFamily(message) ?? 4;
  const table = number(all.get(FRA.TABLE)) ?? message.uint8(4);
  const protocol = number(all.get(FRA.PROTOCOL));
  const group = given(all.get(FRA.SUPPRESS_IFGROUP));
  // Actions that drop have the same numbers as the types of routes that drop.
  const action = ROUTE_TYPES[message.uint8(7)] ?? '';
  const address = (bytes: Uint8Array | undefined, length: number) =>
    bytes === undefined && length === 0 ? null : prefixText(bytes, length, family);
  return {
    family,
    priority: number(all.get(FRA.PRIORITY)) ?? 0,
    source: address(all.get(FRA.SRC), message.uint8(2)) ?? 'all',
    destination: address(all.get(FRA.DST), message.uint8(1)),
    inputLink: linkName(all.get(FRA.IIFNAME)),
    outputLink: linkName(all.get(FRA.OIFNAME)),
    detached: (message.uint32(8) & DETACHED) !== 0,
    fwmark: markOf(number(all.get(FRA.FWMARK)), number(all.get(FRA.FWMASK))),
    table: table === 0 ? null : nameOfNumber(TABLES, table),
    drops: DROPPING.includes(action) ? action : null,
    protocol: protocol === null ? null : nameOfNumber(PROTOCOLS, protocol),
    not: (message.uint32(8) & INVERT) !== 0,
    suppressedLength: given(all.get(FRA.SUPPRESS_PREFIXLEN)),
    suppressedGroup: group === null ? null : nameOfNumber(GROUPS, group),
  };
}

/** The kernel writes -1 where nothing is suppressed. */
function given(bytes: Uint8Array | undefined): number | null {
  const value = number(bytes);
  return value === null || value === 0xffffffff ? null : value;
}

function linkName(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : fitting('link', text(bytes) ?? '');
}

function markOf(mark: number | null, mask: number | null): string | null {
  if (mark === null && mask === null) return null;
  const shown = `0x${(mark ?? 0).toString(16)}`;
  return mask === null || mask === 0xffffffff ? shown : `${shown}/0x${mask.toString(16)}`;
}
