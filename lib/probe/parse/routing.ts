/**
 * `host/routing`: for each packet that the probe asked about, the question and the kernel's answer, as
 * received from rtnetlink(7).
 */
import { DROPPING, type Way } from '../../model/network.ts';
import {
  addressText,
  attributes,
  ERROR,
  messageFamily,
  type NetlinkMessage,
  number,
  wholeMessages,
} from './netlink-messages.ts';
import { type NameOf, nameOfNumber, ROUTE_TYPES, TABLES } from './netlink-routes.ts';

const GETROUTE = 26;
const NEWROUTE = 24;
/** linux/rtnetlink.h */
const RTA = { DST: 1, SRC: 2, IIF: 3, OIF: 4, GATEWAY: 5, CACHEINFO: 12, TABLE: 15, VIA: 18 };
/** rta_error of rta_cacheinfo: in IPv6 it contains the error; IPv4 answers with an error message. */
const RTA_ERROR = 12;

const ERRORS: Readonly<Record<number, string>> = {
  13: 'EACCES',
  18: 'EXDEV',
  19: 'ENODEV',
  22: 'EINVAL',
  101: 'ENETUNREACH',
  113: 'EHOSTUNREACH',
};

/**
 * @param nameOf - the name of a link on the node, by index
 * @throws Error if an answer is missing, was cut or is not one
 */
export function parseRouting(bytes: Uint8Array, nameOf: NameOf): Way[] {
  const all = wholeMessages(bytes, 'routing');
  const ways: Way[] = [];
  for (let at = 0; at + 1 < all.length; at += 2) {
    const [question, answer] = all.slice(at, at + 2);
    if (question?.type !== GETROUTE || answer?.sequence !== question.sequence)
      throw new Error("the kernel's answers about routing do not follow their questions");
    ways.push({ ...asked(question, nameOf), ...answered(answer, nameOf) });
  }
  return ways;
}

function asked(
  question: NetlinkMessage,
  nameOf: NameOf,
): Pick<Way, 'family' | 'destination' | 'source' | 'inputLink'> {
  const all = attributes(question.from(12));
  const family = messageFamily(question);
  const destination = all.get(RTA.DST);
  if (family === null || destination === undefined)
    throw new Error('a question about routing has no address');
  const source = all.get(RTA.SRC);
  const link = number(all.get(RTA.IIF));
  return {
    family,
    destination: addressText(destination),
    source: source === undefined ? null : addressText(source),
    inputLink: link === null ? null : nameOf(link),
  };
}

function answered(
  answer: NetlinkMessage,
  nameOf: NameOf,
): Omit<Way, 'family' | 'destination' | 'source' | 'inputLink'> {
  if (answer.type === ERROR) return refused(-answer.int32(0));
  if (answer.type !== NEWROUTE) throw new Error(`message ${answer.type} is no answer about routing`);
  const all = attributes(answer.from(12));
  const type = ROUTE_TYPES[answer.uint8(7)] ?? String(answer.uint8(7));
  const cache = all.get(RTA.CACHEINFO);
  const code =
    cache === undefined || cache.length < RTA_ERROR + 4
      ? 0
      : -new DataView(cache.buffer, cache.byteOffset, cache.byteLength).getInt32(RTA_ERROR, true);
  if (code > 0 || DROPPING.includes(type)) return refused(code);
  const link = number(all.get(RTA.OIF));
  const gateway = all.get(RTA.GATEWAY) ?? all.get(RTA.VIA)?.subarray(2);
  return {
    error: null,
    type,
    link: link === null ? null : nameOf(link),
    gateway: gateway === undefined ? null : addressText(gateway),
    table: nameOfNumber(TABLES, number(all.get(RTA.TABLE)) ?? answer.uint8(4)),
  };
}

function refused(code: number): Omit<Way, 'family' | 'destination' | 'source' | 'inputLink'> {
  return { error: ERRORS[code] ?? `error ${code}`, type: null, link: null, gateway: null, table: null };
}
