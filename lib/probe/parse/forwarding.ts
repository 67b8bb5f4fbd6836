/**
 * `host/forwarding`: forwarding entries of the node's bridges and tunnels, as received from rtnetlink(7);
 * linux/neighbour.h.
 */
import type { ForwardingEntry } from '../../model/network.ts';
import { addressText, attributes, type NetlinkMessage, number, wholeMessages } from './netlink-messages.ts';
import type { NameOf } from './netlink-routes.ts';

const NEWNEIGH = 28;
const HEAD = 12;
const AF_BRIDGE = 7;
const NDA = { DST: 1, LLADDR: 2, MASTER: 9 };
/**
 * NUD_PERMANENT for the bridge's own entries, and NTF_STICKY. Merely static entries move to the port of the
 * next frame (br_fdb_update).
 */
const PERMANENT = 0x80;
const STICKY = 0x40;
/** Length of an Ethernet MAC address in bytes. */
const MAC = 6;

/** @throws Error if the answer was cut */
export function parseForwarding(bytes: Uint8Array, nameOf: NameOf): ForwardingEntry[] {
  return wholeMessages(bytes, 'forwarding entries').flatMap((message) =>
    message.type === NEWNEIGH ? toEntry(message, nameOf) : [],
  );
}

function toEntry(message: NetlinkMessage, nameOf: NameOf): ForwardingEntry[] {
  const own = attributes(message.from(HEAD));
  const mac = own.get(NDA.LLADDR);
  if (message.uint8(0) !== AF_BRIDGE || mac?.length !== MAC) return [];
  const bridge = number(own.get(NDA.MASTER));
  const destination = own.get(NDA.DST);
  return [
    {
      mac: [...mac].map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
      link: nameOf(message.int32(4)),
      bridge: bridge === null ? null : nameOf(bridge),
      destination: destination === undefined ? null : addressText(destination),
      fixed: (message.uint16(8) & PERMANENT) !== 0 || (message.uint8(10) & STICKY) !== 0,
    },
  ];
}
