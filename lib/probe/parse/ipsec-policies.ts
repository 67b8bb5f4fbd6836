/** `host/xfrm`: IPsec policies as received from the kernel; struct xfrm_userpolicy_info of linux/xfrm.h. */
import type { IpsecPolicy } from '../../model/network.ts';
import {
  addressText,
  attributes,
  familyOfNumber,
  type NetlinkMessage,
  number,
  wholeMessages,
} from './netlink-messages.ts';

const NEWPOLICY = 19;
/** Offsets in the selector, which comes first. */
const AT = { ports: 32, family: 40, destinationBits: 42, sourceBits: 43, protocol: 44, link: 48, user: 52 };
/** After the selector, its lifetime limits and their current values. */
const PRIORITY = 152;
const DIRECTION = 160;
const ACTION = 161;
const HEAD = 168;
const XFRMA = { TYPE: 16, MARK: 21, IF_ID: 31 };
/** Policies of single sockets have higher numbers. */
const DIRECTIONS = ['in', 'out', 'forward'] as const;

/** @throws Error if the answer was cut */
export function parseIpsecPolicies(bytes: Uint8Array): IpsecPolicy[] {
  return wholeMessages(bytes, 'policies of IPsec').flatMap((message) =>
    message.type === NEWPOLICY ? toPolicy(message) : [],
  );
}

function toPolicy(message: NetlinkMessage): IpsecPolicy[] {
  const family = familyOfNumber(message.uint16(AT.family));
  const direction = DIRECTIONS[message.uint8(DIRECTION)];
  if (family === null || direction === undefined || isNarrow(message)) return [];
  const address = (at: number, bits: number) =>
    `${addressText(message.from(at).subarray(0, family === 4 ? 4 : 16))}/${bits}`;
  return [
    {
      family,
      direction,
      action: message.uint8(ACTION) === 0 ? 'allow' : 'block',
      priority: message.uint32(PRIORITY),
      source: address(16, message.uint8(AT.sourceBits)),
      destination: address(0, message.uint8(AT.destinationBits)),
    },
  ];
}

/** True if it matches on more than addresses, or is not of the main type (1: sub). */
function isNarrow(message: NetlinkMessage): boolean {
  const own = attributes(message.from(HEAD));
  const mark = [...(own.get(XFRMA.MARK) ?? [])];
  return (
    message.uint32(AT.ports) !== 0 ||
    message.uint32(AT.ports + 4) !== 0 ||
    message.uint8(AT.protocol) !== 0 ||
    message.int32(AT.link) !== 0 ||
    mark.some((byte) => byte !== 0) ||
    (number(own.get(XFRMA.IF_ID)) ?? 0) !== 0 ||
    (own.get(XFRMA.TYPE)?.[0] ?? 0) !== 0
  );
}
