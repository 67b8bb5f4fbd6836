/**
 * The kernel's own answers about one network namespace, in the order of the probe's questions: unchanged
 * rtnetlink(7) messages. Little-endian, like every machine on which the probe asks this way.
 */
import type { Address, Link, Neighbour } from '../../model/network.ts';
import { fitting } from '../grammar.ts';
import { toPrograms } from './link-programs.ts';
import { toQueue, toVxlan, toXdp } from './link-values.ts';
import {
  type Attributes,
  addressText,
  attributes,
  DONE,
  ERROR,
  messageFamily,
  messages,
  type NetlinkMessage,
  number,
  text,
} from './netlink-messages.ts';
import { type NameOf, nameOfNumber, SCOPES, toRoutes, toRule } from './netlink-routes.ts';
import type { RawLink, RawStack } from './raw-stack.ts';

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
/** Asked of pods alone; a kernel may be built without. */
const QUEUES = 9;
const FILTERS = 10;
/** The answer about rules in a kernel without IPv6. */
const UNSUPPORTED = [95, 97];

/** The name of the node's own namespace among the ids: no file can have it. */
export const THE_NODE = '/';

/** @throws Error if an answer is missing, was cut or is an error */
export function parseNetlink(bytes: Uint8Array): RawStack {
  const answers = new Map<number, NetlinkMessage[]>(
    [...Object.values(ASKED), QUEUES, FILTERS].map((sequence) => [sequence, []]),
  );
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
  // The last answer is not a list, and has no end message.
  for (const [question, sequence] of Object.entries(ASKED))
    if (!ended.has(sequence) && !(sequence === ASKED.host && of(sequence).length > 0))
      throw new Error(`the kernel's answer about ${question} is not whole`);

  const shown = of(ASKED.links).map((message) => ({
    index: message.int32(4),
    attributes: attributes(message.from(16)),
    message,
  }));
  const names = new Map(
    shown.map(({ index, attributes }) => [index, fitting('link', text(attributes.get(IFLA.IFNAME)) ?? '')]),
  );
  const types = new Map(shown.map(({ index, message }) => [index, message.uint16(2)]));
  const nameOf = (index: number) => names.get(index) ?? `if${index}`;
  const order = new Map([...names.values()].map((name, position) => [name, position]));
  const hostId = of(ASKED.host).map(namespaceId)[0] ?? null;
  return {
    links: shown.map((link) => toLink(link, nameOf)),
    // The kernel lists all IPv4 addresses first; `ip` prints addresses by link.
    addresses: of(ASKED.addresses)
      .flatMap((message) => toAddress(message, nameOf))
      .sort((a, b) => (order.get(a.link) ?? 0) - (order.get(b.link) ?? 0)),
    routes: of(ASKED.routes).flatMap((message) => toRoutes(message, nameOf)),
    neighbours: of(ASKED.neighbours).flatMap((message) => toNeighbour(message, nameOf, types)),
    rules: [...of(ASKED.rules), ...of(ASKED.rules6)].map(toRule),
    ids: of(ASKED.ids).flatMap((message) => {
      const id = namespaceId(message);
      return id === null || id < 0 ? [] : [{ id, name: id === hostId ? THE_NODE : null }];
    }),
    programs: toPrograms([...of(QUEUES), ...of(FILTERS)], nameOf),
  };
}

function mayFail(sequence: number, code: number): boolean {
  return sequence >= ASKED.host || (sequence === ASKED.rules6 && UNSUPPORTED.includes(code));
}

/** linux/if_link.h, linux/if.h */
const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  QDISC: 6,
  MASTER: 10,
  OPERSTATE: 16,
  LINKINFO: 18,
  AF_SPEC: 26,
  NETNSID: 37,
  XDP: 43,
  PARENT: 56,
};
const INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 };
/** IFLA_VXLAN_*: the port is in network byte order. */
const VXLAN = { ID: 1, LOCAL: 4, PORT: 15, LOCAL6: 17, COLLECT_METADATA: 25 };
/** IFLA_BR_STP_STATE */
const STP_STATE = 5;
/** IFLA_AF_SPEC has the settings of each family: IFLA_INET_CONF of AF_INET, from IPV4_DEVCONF_FORWARDING (1) on. */
const CONF = { INET: 2, ALL: 1, ARP_IGNORE: 19 };
/** IFLA_XDP_* */
const XDP = { ATTACHED: 2 };
/** IFLA_BRPORT_* */
const PORT = { STATE: 1, HAIRPIN: 4, LEARNING: 8, BROADCAST: 30, ISOLATED: 33, LOCKED: 39 };
const IFF = { UP: 1, LOOPBACK: 8, NOARP: 0x80, LOWER_UP: 0x10000 };
const OPER_STATES = ['UNKNOWN', 'NOTPRESENT', 'DOWN', 'LOWERLAYERDOWN', 'TESTING', 'DORMANT', 'UP'];
const PORT_STATES = ['disabled', 'listening', 'learning', 'forwarding', 'blocking'];

function toLink(
  { index, attributes: all, message }: { index: number; attributes: Attributes; message: NetlinkMessage },
  nameOf: NameOf,
): RawLink {
  const flags = message.uint32(8);
  const info = attributes(all.get(IFLA.LINKINFO));
  const kind = text(info.get(INFO.KIND));
  const data = attributes(info.get(INFO.DATA));
  const ofBridge = text(info.get(INFO.SLAVE_KIND)) === 'bridge';
  const port = attributes(ofBridge ? info.get(INFO.SLAVE_DATA) : undefined);
  const state = port.get(PORT.STATE);
  const isOn = (flag: number) => number(port.get(flag)) === 1;
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
    arp: (flags & IFF.NOARP) === 0,
    loopback: (flags & IFF.LOOPBACK) !== 0,
    master: master === null ? null : nameOf(master),
    portState: state === undefined ? null : (PORT_STATES[number(state) ?? -1] ?? null),
    portFlags:
      port.has(PORT.HAIRPIN) && port.has(PORT.LEARNING)
        ? {
            hairpin: isOn(PORT.HAIRPIN),
            learning: isOn(PORT.LEARNING),
            isolated: isOn(PORT.ISOLATED),
            bcast_flood: port.has(PORT.BROADCAST) ? isOn(PORT.BROADCAST) : null,
            locked: port.has(PORT.LOCKED) ? isOn(PORT.LOCKED) : null,
          }
        : null,
    xdp: toXdp(number(attributes(all.get(IFLA.XDP)).get(XDP.ATTACHED)) ?? 0, null),
    stp: kind === 'bridge' && data.has(STP_STATE) ? number(data.get(STP_STATE)) !== 0 : null,
    ...vxlanOf(kind === 'vxlan' ? data : attributes(undefined)),
    arpIgnore: setting(all.get(IFLA.AF_SPEC), CONF.ARP_IGNORE),
    queue: toQueue(text(all.get(IFLA.QDISC))),
    parentDevice: text(all.get(IFLA.PARENT)),
    peerIndex: paired && lower !== 0 && id !== null ? lower : null,
    peerNamespaceId: same ? 'same' : id !== null && id >= 0 ? id : null,
    peerName: paired && same ? nameOf(lower) : null,
  };
}

function vxlanOf(data: Attributes): Pick<Link, 'vxlanPort' | 'vxlanId' | 'vxlanLocal'> {
  const [high, low] = data.get(VXLAN.PORT) ?? [];
  const local = data.get(VXLAN.LOCAL) ?? data.get(VXLAN.LOCAL6);
  return toVxlan({
    port: high === undefined || low === undefined ? null : high * 256 + low,
    id: number(data.get(VXLAN.ID)),
    external: number(data.get(VXLAN.COLLECT_METADATA)) === 1,
    local: local === undefined ? null : addressText(local),
  });
}

function setting(families: Uint8Array | undefined, number: number): number | null {
  const values = attributes(attributes(families).get(CONF.INET)).get(CONF.ALL);
  const at = 4 * (number - 1);
  if (values === undefined || values.length < at + 4) return null;
  return new DataView(values.buffer, values.byteOffset + at, 4).getInt32(0, true);
}

/** Tunnels have IP addresses as hardware addresses (linux/if_arp.h). */
const OF_IP = [768, 769, 776, 778, 823];

function hardwareAddress(bytes: Uint8Array | undefined, type: number): string | null {
  if (bytes === undefined || bytes.length === 0) return null;
  if (OF_IP.includes(type) && (bytes.length === 4 || bytes.length === 16)) return addressText(bytes);
  return [...bytes.subarray(0, 32)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** linux/if_addr.h */
const IFA = { ADDRESS: 1, LOCAL: 2, FLAGS: 8 };
const IFA_F = { DADFAILED: 8, TENTATIVE: 0x40 };

function toAddress(message: NetlinkMessage, nameOf: NameOf): Address[] {
  const all = attributes(message.from(8));
  const family = messageFamily(message);
  const local = all.get(IFA.LOCAL) ?? all.get(IFA.ADDRESS);
  if (family === null || local === undefined) return [];
  const flags = number(all.get(IFA.FLAGS)) ?? message.uint8(2);
  return [
    {
      link: nameOf(message.uint32(4)),
      family,
      address: addressText(local),
      prefixLength: message.uint8(1),
      scope: nameOfNumber(SCOPES, message.uint8(3)),
      tentative: (flags & IFA_F.TENTATIVE) !== 0,
      dadFailed: (flags & IFA_F.DADFAILED) !== 0,
    },
  ];
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
/** NTF_PROXY, NTF_EXT_LEARNED */
const KEPT = 0x18;

/** Without entries on links that need none, as `ip neigh` shows them. */
function toNeighbour(
  message: NetlinkMessage,
  nameOf: NameOf,
  types: ReadonlyMap<number, number>,
): Neighbour[] {
  const all = attributes(message.from(12));
  const index = message.uint32(4);
  const state = message.uint16(8);
  const destination = all.get(NDA.DST);
  const shown = (state & ~NOARP) !== 0 || (message.uint8(10) & KEPT) !== 0;
  if (messageFamily(message) === null || destination === undefined || !shown) return [];
  return [
    {
      destination: addressText(destination),
      link: nameOf(index),
      mac: hardwareAddress(all.get(NDA.LLADDR), types.get(index) ?? 0),
      states: NEIGHBOUR_STATES.flatMap(([bit, name]) => ((state & bit) === 0 ? [] : [name])),
    },
  ];
}

/** linux/net_namespace.h; null if the kernel has no id. */
function namespaceId(message: NetlinkMessage): number | null {
  const id = number(attributes(message.from(4)).get(1));
  return id === null ? null : id | 0;
}
