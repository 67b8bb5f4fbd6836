/**
 * Queueing disciplines and filters on links (`host/programs`, and those in pods), as received from rtnetlink(7);
 * linux/pkt_sched.h, pkt_cls.h.
 */
import type { LinkProgram } from '../../model/network.ts';
import { fitting } from '../grammar.ts';
import {
  type Attributes,
  attributes,
  type NetlinkMessage,
  number,
  text,
  wholeMessages,
} from './netlink-messages.ts';
import type { NameOf } from './netlink-routes.ts';

const NEWQDISC = 36;
const NEWTFILTER = 44;
const HEAD = 20;
const TCA = { KIND: 1, OPTIONS: 2 };
const TBF_PARAMETERS = 1;
const TBF_RATE64 = 4;
const FULL_PACKET = 1500;
const EGRESS = 0xfffffff3;
/** The attribute with a filter's actions, by kind of filter. */
const ACTIONS: Readonly<Record<string, number>> = { u32: 7, matchall: 2, flower: 3, bpf: 1, basic: 3, fw: 4 };
const BPF = { OPS: 5, NAME: 7 };
const GACT = { KIND: 1, OPTIONS: 2, PARMS: 2 };
/** TC_ACT_SHOT */
const SHOT = 2;
/** `ret` of classic BPF with a constant, as the whole program of eight bytes. */
const RETURN = 6;

/** @throws Error if the answer was cut */
export function parseLinkPrograms(bytes: Uint8Array, nameOf: NameOf): LinkProgram[] {
  return toPrograms(wholeMessages(bytes, 'links'), nameOf);
}

export function toPrograms(messages: readonly NetlinkMessage[], nameOf: NameOf): LinkProgram[] {
  return messages.flatMap((message) => {
    if (message.type === NEWQDISC) return toQueue(message, nameOf);
    return message.type === NEWTFILTER ? toFilter(message, nameOf) : [];
  });
}

function toQueue(message: NetlinkMessage, nameOf: NameOf): LinkProgram[] {
  const own = attributes(message.from(HEAD));
  const kind = text(own.get(TCA.KIND));
  if (kind === null || kind === 'clsact' || kind === 'ingress') return [];
  const link = nameOf(message.uint32(4));
  const drops = kind === 'tbf' && isStarving(attributes(own.get(TCA.OPTIONS))) ? 'some' : null;
  return [
    { link, place: 'queue', kind: fitting('id', kind), priority: 0, name: null, classic: false, drops },
  ];
}

/** Whether a limit of bandwidth lets less than one full packet pass in a second, which no protocol survives. */
function isStarving(options: Attributes): boolean {
  const parameters = options.get(TBF_PARAMETERS);
  if (parameters === undefined || parameters.length < 12 || options.has(TBF_RATE64)) return false;
  // tc_tbf_qopt begins with tc_ratespec, whose last word is the rate.
  return new DataView(parameters.buffer, parameters.byteOffset).getUint32(8, true) < FULL_PACKET;
}

function toFilter(message: NetlinkMessage, nameOf: NameOf): LinkProgram[] {
  const own = attributes(message.from(HEAD));
  const kind = text(own.get(TCA.KIND));
  const options = attributes(own.get(TCA.OPTIONS));
  // The kernel first lists each kind with its chain alone, without options.
  if (kind === null || options.size === 0) return [];
  const bpf = kind === 'bpf';
  const ops = bpf ? options.get(BPF.OPS) : undefined;
  return [
    {
      link: nameOf(message.uint32(4)),
      place: message.uint32(12) === EGRESS ? 'out' : 'in',
      kind: fitting('id', kind),
      priority: message.uint32(16) >>> 16,
      name: bpf ? text(options.get(BPF.NAME)) : null,
      classic: ops !== undefined,
      drops: ops === undefined ? dropsOf(kind, options) : dropsOfClassic(ops),
    },
  ];
}

function dropsOf(kind: string, options: Attributes): LinkProgram['drops'] {
  const at = ACTIONS[kind];
  const actions = at === undefined ? undefined : attributes(options.get(at));
  const drops = [...(actions?.values() ?? [])].some((action) => {
    const of = attributes(action);
    const parameters = attributes(of.get(GACT.OPTIONS)).get(GACT.PARMS);
    if (text(of.get(GACT.KIND)) !== 'gact' || parameters === undefined || parameters.length < 12)
      return false;
    // tc_gen: index, capab, action
    return new DataView(parameters.buffer, parameters.byteOffset).getInt32(8, true) === SHOT;
  });
  if (!drops) return null;
  return kind === 'matchall' ? 'all' : 'some';
}

function dropsOfClassic(ops: Uint8Array): LinkProgram['drops'] {
  const view = new DataView(ops.buffer, ops.byteOffset, ops.byteLength);
  const code = ops.length >= 8 ? view.getUint16(0, true) : null;
  return code === RETURN && number(ops.subarray(4, 8)) === SHOT ? 'all' : 'some';
}
