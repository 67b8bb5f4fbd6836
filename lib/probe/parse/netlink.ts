/**
 * What the kernel itself answers about one network namespace, in the order of the probe's questions: rtnetlink(7), as it came.
 * Little-endian, as are all machines that the probe asks this way.
 */
import type { Address, Neighbour, Route, Rule } from '../../model/network.ts';
import type { RawLink, RawStack } from './ip.ts';
import {
  type Attributes,
  addressText,
  attributes,
  type Message,
  messages,
  number,
  text,
} from './netlink-messages.ts';

/** The questions, by the sequence number of their answers. */
const ASKED = {
  links: 1,
  addresses: 2,
  routes: 3,
  neighbours: 4,
  rules: 5,
  rules6: 6,
  ids: 7,
  host: 8,
} as const;
const DONE = 3;
const ERROR = 2;
/** Of rules in a kernel without IPv6. */
const UNSUPPORTED = [95, 97];

const IPV4 = 2;
const IPV6 = 10;

/** @throws Error when an answer is missing, was cut or is an error. */
export function parseNetlink(bytes: Uint8Array): RawStack {
  const answers = new Map<number, Message[]>(Object.values(ASKED).map((sequence) => [sequence, []]));
  const ended = new Set<number>();
  for (const message of messages(bytes)) {
    if (message.type === DONE || message.type === ERROR) {
      const code = -message.int32(0);
      if (code > 0 && !mayFail(message.sequence, code))
        throw new Error(`the kernel answered question ${message.sequence} with error ${code}`);
      ended.add(message.sequence);
    } else {
      answers.get(message.sequence)?.push(message);
    }
  }
  const of = (sequence: number) => answers.get(sequence) ?? [];
  // The last is no list, and has no end.
  for (const [question, sequence] of Object.entries(ASKED))
    if (!ended.has(sequence) && !(sequence === ASKED.host && of(sequence).length > 0))
      throw new Error(`the kernel's answer about ${question} is not whole`);

  const shown = of(ASKED.links).map((message) => ({
    index: message.int32(4),
    attributes: attributes(message.from(16)),
    message,
  }));
  const names = new Map(
    shown.map(({ index, attributes }) => [index, text(attributes.get(IFLA.IFNAME)) ?? '']),
  );
  const types = new Map(shown.map(({ index, message }) => [index, message.uint16(2)]));
  const nameOf = (index: number) => names.get(index) ?? `if${index}`;
  const order = new Map([...names.values()].map((name, position) => [name, position]));
  const hostId = of(ASKED.host).map(namespaceId)[0] ?? null;
  return {
    links: shown.map((link) => toLink(link, nameOf)),
    // The kernel has those of IPv4 first; in the order of the links, as `ip` prints them.
    addresses: of(ASKED.addresses)
      .flatMap((message) => toAddress(message, nameOf))
      .sort((a, b) => (order.get(a.link) ?? 0) - (order.get(b.link) ?? 0)),
    routes: of(ASKED.routes).flatMap((message) => toRoutes(message, nameOf)),
    neighbours: of(ASKED.neighbours).flatMap((message) => toNeighbour(message, nameOf, types)),
    rules: [...of(ASKED.rules), ...of(ASKED.rules6)].map(toRule),
    ids: of(ASKED.ids).flatMap((message) => {
      const id = namespaceId(message);
      return id === null || id < 0 ? [] : [{ id, name: id === hostId ? 'host' : null }];
    }),
  };
}

function mayFail(sequence: number, code: number): boolean {
  return sequence === ASKED.host || (sequence === ASKED.rules6 && UNSUPPORTED.includes(code));
}

type NameOf = (index: number) => string;

/** linux/if_link.h, linux/if.h */
const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  OPERSTATE: 16,
  LINKINFO: 18,
  NETNSID: 37,
  PARENT: 56,
};
const INFO = { KIND: 1, SLAVE_DATA: 5 };
const PORT_STATE = 1;
const IFF = { UP: 1, LOOPBACK: 8, LOWER_UP: 0x10000 };
const OPER_STATES = ['UNKNOWN', 'NOTPRESENT', 'DOWN', 'LOWERLAYERDOWN', 'TESTING', 'DORMANT', 'UP'];
const PORT_STATES = ['disabled', 'listening', 'learning', 'forwarding', 'blocking'];

function toLink(
  { index, attributes: all, message }: { index: number; attributes: Attributes; message: Message },
  nameOf: NameOf,
): RawLink {
  const flags = message.uint32(8);
  const info = attributes(all.get(IFLA.LINKINFO));
  const kind = text(info.get(INFO.KIND));
  const port = attributes(info.get(INFO.SLAVE_DATA)).get(PORT_STATE);
  const paired = kind === 'veth' || kind === 'netkit';
  const lower = number(all.get(IFLA.LINK)) ?? 0;
  const id = all.has(IFLA.NETNSID) ? (number(all.get(IFLA.NETNSID)) ?? -1) | 0 : null;
  const same = lower !== 0 && id === null;
  const master = number(all.get(IFLA.MASTER));
  return {
    index,
    name: text(all.get(IFLA.IFNAME)) ?? '',
    kind,
    mac: hardwareAddress(all.get(IFLA.ADDRESS), message.uint16(2)),
    mtu: number(all.get(IFLA.MTU)) ?? 0,
    up: (flags & IFF.UP) !== 0,
    carrier: (flags & IFF.LOWER_UP) !== 0,
    operState: OPER_STATES[number(all.get(IFLA.OPERSTATE)) ?? 0] ?? 'UNKNOWN',
    loopback: (flags & IFF.LOOPBACK) !== 0,
    master: master === null ? null : nameOf(master),
    portState: port === undefined ? null : (PORT_STATES[number(port) ?? -1] ?? null),
    parentDevice: text(all.get(IFLA.PARENT)),
    peerIndex: paired && lower !== 0 && id !== null ? lower : null,
    peerNamespaceId: same ? 'same' : id !== null && id >= 0 ? id : null,
    peerName: paired && same ? nameOf(lower) : null,
  };
}

/** Tunnels have addresses of IP as theirs (linux/if_arp.h). */
const OF_IP = [768, 769, 776, 778, 823];

function hardwareAddress(bytes: Uint8Array | undefined, type: number): string | null {
  if (bytes === undefined || bytes.length === 0) return null;
  if (OF_IP.includes(type) && (bytes.length === 4 || bytes.length === 16)) return addressText(bytes);
  return [...bytes.subarray(0, 32)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** linux/if_addr.h */
const IFA = { ADDRESS: 1, LOCAL: 2, FLAGS: 8 };
const IFA_F = { DADFAILED: 8, TENTATIVE: 0x40 };
const SCOPES = new Map([
  [0, 'global'],
  [200, 'site'],
  [253, 'link'],
  [254, 'host'],
  [255, 'nowhere'],
]);

function familyOf(message: Message): 4 | 6 | null {
  const family = message.uint8(0);
  return family === IPV4 ? 4 : family === IPV6 ? 6 : null;
}

function toAddress(message: Message, nameOf: NameOf): Address[] {
  const all = attributes(message.from(8));
  const family = familyOf(message);
  const local = all.get(IFA.LOCAL) ?? all.get(IFA.ADDRESS);
  if (family === null || local === undefined) return [];
  const flags = number(all.get(IFA.FLAGS)) ?? message.uint8(2);
  return [
    {
      link: nameOf(message.uint32(4)),
      family,
      address: addressText(local),
      prefixLength: message.uint8(1),
      scope: named(SCOPES, message.uint8(3)),
      tentative: (flags & IFA_F.TENTATIVE) !== 0,
      dadFailed: (flags & IFA_F.DADFAILED) !== 0,
    },
  ];
}

/** linux/rtnetlink.h */
const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, METRICS: 8, MULTIPATH: 9, TABLE: 15, VIA: 18 };
const RTAX_MTU = 2;
const ROUTE_TYPES =
  'unspec unicast local broadcast anycast multicast blackhole unreachable prohibit throw nat'.split(' ');
const HOP_FLAGS = [
  [1, 'dead'],
  [2, 'pervasive'],
  [4, 'onlink'],
  [16, 'linkdown'],
  [32, 'unresolved'],
] as const;
/** Exceptions of IPv6, as path MTUs: what `ip route show cache` would show. */
const RTM_F_CLONED = 0x200;
const TABLES = new Map([
  [253, 'default'],
  [254, 'main'],
  [255, 'local'],
]);

const flagNames = (flags: number) => HOP_FLAGS.flatMap(([bit, name]) => ((flags & bit) === 0 ? [] : [name]));

/** A route of several next hops becomes one route for each. */
function toRoutes(message: Message, nameOf: NameOf): Route[] {
  const family = familyOf(message);
  const flags = message.uint32(8);
  if (family === null || (flags & RTM_F_CLONED) !== 0) return [];
  const all = attributes(message.from(12));
  const type = message.uint8(7);
  const hops = all.has(RTA.MULTIPATH)
    ? nextHops(all.get(RTA.MULTIPATH))
    : [{ flags: 0, link: number(all.get(RTA.OIF)), attributes: all }];
  return hops.map((hop) => ({
    family,
    type: ROUTE_TYPES[type] ?? String(type),
    destination: prefixText(all.get(RTA.DST), message.uint8(1), family),
    gateway: gatewayOf(hop.attributes),
    link: hop.link === null ? null : nameOf(hop.link),
    table: named(TABLES, number(all.get(RTA.TABLE)) ?? message.uint8(4)),
    scope: named(SCOPES, message.uint8(6)),
    metric: number(all.get(RTA.PRIORITY)),
    mtu: number(attributes(all.get(RTA.METRICS)).get(RTAX_MTU)),
    flags: [...new Set([...flagNames(flags), ...flagNames(hop.flags)])],
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

/** linux/neighbour.h */
const NDA = { DST: 1, LLADDR: 2 };
const NEIGHBOUR_STATES = [
  [0x01, 'INCOMPLETE'],
  [0x02, 'REACHABLE'],
  [0x04, 'STALE'],
  [0x08, 'DELAY'],
  [0x10, 'PROBE'],
  [0x20, 'FAILED'],
  [0x40, 'NOARP'],
  [0x80, 'PERMANENT'],
] as const;
const NOARP = 0x40;

/** Without those of links that need none, as `ip neigh` shows them. */
function toNeighbour(message: Message, nameOf: NameOf, types: ReadonlyMap<number, number>): Neighbour[] {
  const all = attributes(message.from(12));
  const index = message.uint32(4);
  const state = message.uint16(8);
  const destination = all.get(NDA.DST);
  if (familyOf(message) === null || destination === undefined || state === NOARP) return [];
  return [
    {
      destination: addressText(destination),
      link: nameOf(index),
      mac: hardwareAddress(all.get(NDA.LLADDR), types.get(index) ?? 0),
      states: NEIGHBOUR_STATES.flatMap(([bit, name]) => ((state & bit) === 0 ? [] : [name])),
    },
  ];
}

/** linux/fib_rules.h */
const FRA = {
  DST: 1,
  SRC: 2,
  IIFNAME: 3,
  PRIORITY: 6,
  FWMARK: 10,
  TABLE: 15,
  FWMASK: 16,
  OIFNAME: 17,
  PROTOCOL: 21,
};
const DETACHED = 0x18;
const PROTOCOLS = new Map([
  [0, 'unspec'],
  [1, 'redirect'],
  [2, 'kernel'],
  [3, 'boot'],
  [4, 'static'],
]);

function toRule(message: Message): Rule {
  const all = attributes(message.from(12));
  const family = familyOf(message) ?? 4;
  const table = number(all.get(FRA.TABLE)) ?? message.uint8(4);
  const protocol = number(all.get(FRA.PROTOCOL));
  const address = (bytes: Uint8Array | undefined, length: number) =>
    bytes === undefined && length === 0 ? null : prefixText(bytes, length, family);
  return {
    family,
    priority: number(all.get(FRA.PRIORITY)) ?? 0,
    source: address(all.get(FRA.SRC), message.uint8(2)) ?? 'all',
    destination: address(all.get(FRA.DST), message.uint8(1)),
    inputLink: text(all.get(FRA.IIFNAME)),
    outputLink: text(all.get(FRA.OIFNAME)),
    detached: (message.uint32(8) & DETACHED) !== 0,
    fwmark: markOf(number(all.get(FRA.FWMARK)), number(all.get(FRA.FWMASK))),
    table: table === 0 ? null : named(TABLES, table),
    protocol: protocol === null ? null : named(PROTOCOLS, protocol),
  };
}

function markOf(mark: number | null, mask: number | null): string | null {
  if (mark === null && mask === null) return null;
  const shown = `0x${(mark ?? 0).toString(16)}`;
  return mask === null || mask === 0xffffffff ? shown : `${shown}/0x${mask.toString(16)}`;
}

/** linux/net_namespace.h; null where the kernel knows none. */
function namespaceId(message: Message): number | null {
  const id = number(attributes(message.from(4)).get(1));
  return id === null ? null : id | 0;
}

const named = (names: ReadonlyMap<number, string>, value: number) => names.get(value) ?? String(value);
