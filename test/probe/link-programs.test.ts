import { describe, expect, it } from 'vitest';
import { parseLinkPrograms } from '../../lib/probe/parse/link-programs.ts';

const bytes = (value: string) => Buffer.from(`${value}\0`);
const words = (...values: number[]) => Buffer.from(new Uint32Array(values).buffer);

function attribute(type: number, content: Buffer): Buffer {
  const head = Buffer.from(new Uint16Array([4 + content.length, type]).buffer);
  return Buffer.concat([head, content, Buffer.alloc(-content.length & 3)]);
}

/** struct nlmsghdr and struct tcmsg, then attributes. */
function message(type: number, [parent, info]: [number, number], ...attributes: Buffer[]): Buffer {
  const body = Buffer.concat([words(0, 4, 0, parent, info), ...attributes]);
  return Buffer.concat([words(16 + body.length, type | (2 << 16), 1, 0), body]);
}

const DONE = message(3, [0, 0]);
const IN = 0xfffffff2;
const OUT = 0xfffffff3;
const filter = (parent: number, priority: number, kind: string, ...options: Buffer[]) =>
  message(44, [parent, priority * 65536], attribute(1, bytes(kind)), attribute(2, Buffer.concat(options)));
/** One action of a list: gact with struct tc_gen, whose third word is the action. */
const gact = (does: number) =>
  attribute(
    1,
    Buffer.concat([attribute(1, bytes('gact')), attribute(2, attribute(2, words(0, 0, does, 1, 1)))]),
  );
const parse = (...all: Buffer[]) => parseLinkPrograms(Buffer.concat(all), (index) => `link${index}`);

describe('what stands on links', () => {
  it('is read with its place, its priority and what it does', () => {
    expect(
      parse(
        message(36, [0, 0], attribute(1, bytes('netem'))),
        message(36, [0, 0], attribute(1, bytes('clsact'))),
        // ret 2: TC_ACT_SHOT
        filter(IN, 1, 'bpf', attribute(5, Buffer.from([6, 0, 0, 0, 2, 0, 0, 0]))),
        filter(IN, 2, 'bpf', attribute(7, bytes('cil_from_container'))),
        filter(OUT, 3, 'matchall', attribute(2, gact(2))),
        filter(OUT, 4, 'u32', attribute(7, gact(2))),
        filter(OUT, 5, 'u32', attribute(7, gact(0))),
        message(44, [OUT, 5 * 65536], attribute(1, bytes('u32'))),
        DONE,
      ).map(({ link, place, kind, priority, name, classic, drops }) =>
        [link, place, kind, priority, name, classic, drops].join(' '),
      ),
    ).toEqual([
      'link4 queue netem 0  false ',
      'link4 in bpf 1  true all',
      'link4 in bpf 2 cil_from_container false ',
      'link4 out matchall 3  false all',
      'link4 out u32 4  false some',
      'link4 out u32 5  false ',
    ]);
  });

  it('is a limit of bandwidth that starves the link, below one full packet a second', () => {
    // struct tc_tbf_qopt: tc_ratespec, whose third word is bytes per second, and more.
    const tbf = (rate: number, ...more: Buffer[]) =>
      message(
        36,
        [0, 0],
        attribute(1, bytes('tbf')),
        attribute(2, Buffer.concat([attribute(1, words(0, 0, rate, 0, 0, 0, 3000, 1540, 0)), ...more])),
      );
    const drops = (...all: Buffer[]) => parse(...all, DONE).map((each) => each.drops);
    expect(drops(tbf(125), tbf(1499), tbf(1500), tbf(125_000))).toEqual(['some', 'some', null, null]);
    // Of what is faster than its 32 bits, the word has the largest number.
    expect(drops(tbf(0, attribute(4, words(0, 1))))).toEqual([null]);
    expect(drops(message(36, [0, 0], attribute(1, bytes('tbf')), attribute(2, words())))).toEqual([null]);
  });

  it('is not known when the answer was cut', () => {
    expect(() => parse(message(36, [0, 0], attribute(1, bytes('netem'))))).toThrow('not whole');
    expect(() => parse()).toThrow('not whole');
  });
});
