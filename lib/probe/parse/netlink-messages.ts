/** Messages of netlink(7) and their attributes, from bytes that a node sent: every length is checked. */
import { atMost } from '../limits.ts';

/**
 * One message: its header, and numbers read from its body by offset.
 * @throws RangeError beyond its end
 */
export class NetlinkMessage {
  readonly type: number;
  readonly sequence: number;
  readonly #body: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER);
    this.type = header.getUint16(4, true);
    this.sequence = header.getUint32(8, true);
    this.#body = bytes.subarray(HEADER);
    this.#view = new DataView(this.#body.buffer, this.#body.byteOffset, this.#body.byteLength);
  }

  uint8(at: number): number {
    return this.#view.getUint8(at);
  }

  uint16(at: number): number {
    return this.#view.getUint16(at, true);
  }

  uint32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  int32(at: number): number {
    return this.#view.getInt32(at, true);
  }

  /** Where the attributes start, after the fixed part. */
  from(at: number): Uint8Array {
    return this.#body.subarray(at);
  }
}

const HEADER = 16;
/** What the probe asks of each namespace. */
const QUESTIONS = 8;

/** @throws Error if the last message was cut */
export function messages(bytes: Uint8Array): NetlinkMessage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: NetlinkMessage[] = [];
  for (const { at, length } of pieces(view, 'message', HEADER, (where) => view.getUint32(where, true))) {
    // The answer to each question also has an end message.
    atMost('stackObjects', found.length - QUESTIONS);
    found.push(new NetlinkMessage(bytes.subarray(at, at + length)));
  }
  return found;
}

/** NLMSG_ERROR and NLMSG_DONE of linux/netlink.h: either ends an answer. */
export const ERROR = 2;
export const DONE = 3;

/**
 * The messages of a file that the probe wrote completely: it ends such a file with NLMSG_DONE.
 * @param about - what the kernel was asked for
 * @throws Error if the end is missing
 */
export function wholeMessages(bytes: Uint8Array, about: string): NetlinkMessage[] {
  const all = messages(bytes);
  if (all.at(-1)?.type !== DONE) throw new Error(`the kernel's answers about ${about} are not whole`);
  return all;
}

/** Values by attribute number; if a number is repeated, the last. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

/** The two upper bits mark a value as nested, or as in network byte order. */
const NUMBER = 0x3fff;

/**
 * The attributes of a message, as rtnetlink(7) packs them.
 * @throws Error if they were cut
 */
export function attributes(bytes: Uint8Array = new Uint8Array()): Attributes {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places = new Map<number, { at: number; length: number }>();
  for (const { at, length } of pieces(view, 'attribute', 4, (where) => view.getUint16(where, true)))
    places.set(view.getUint16(at + 2, true) & NUMBER, { at, length });
  return new Map([...places].map(([type, { at, length }]) => [type, bytes.subarray(at + 4, at + length)]));
}

function* pieces(
  { byteLength }: DataView,
  what: string,
  least: number,
  lengthAt: (at: number) => number,
): Generator<{ at: number; length: number }> {
  for (let at = 0; at + least <= byteLength; ) {
    const length = lengthAt(at);
    if (length < least || at + length > byteLength) throw new Error(`a netlink ${what} was cut`);
    yield { at, length };
    at += (length + 3) & ~3;
  }
}

/** An unsigned number of one, two or four bytes; null for anything else. */
export function number(bytes: Uint8Array | undefined): number | null {
  if (bytes === undefined) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 1) return view.getUint8(0);
  if (bytes.length === 2) return view.getUint16(0, true);
  return bytes.length === 4 ? view.getUint32(0, true) : null;
}

/** A string up to its NUL, at most 300 characters as everywhere. */
export function text(bytes: Uint8Array | undefined): string | null {
  if (bytes === undefined) return null;
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end === -1 ? 300 : Math.min(end, 300)));
}

/**
 * An IPv4 or IPv6 address as inet_ntop(3) writes it.
 * @throws Error for any other length
 */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new Error(`an address of ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const groups = Array.from({ length: 8 }, (_, group) => view.getUint16(group * 2));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return `::ffff:${bytes.subarray(12).join('.')}`;
  const hex = groups.map((group) => group.toString(16)).join(':');
  // Shortens the first of the longest runs of zeros; a single zero stays.
  const runs = [...hex.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length);
  const [run] = runs;
  if (run === undefined) return hex;
  const before = hex.slice(0, run.index);
  const after = hex.slice(run.index + run[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}

/** linux/socket.h */
const IPV4 = 2;
const IPV6 = 10;

/** The message's address family; null for others, such as MPLS. */
export function messageFamily(message: NetlinkMessage): 4 | 6 | null {
  return familyOfNumber(message.uint8(0));
}

/** The address family with this number in linux/socket.h; null for others. */
export function familyOfNumber(family: number): 4 | 6 | null {
  return family === IPV4 ? 4 : family === IPV6 ? 6 : null;
}
