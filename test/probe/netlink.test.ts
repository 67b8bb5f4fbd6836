import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseNetlink } from '../../lib/probe/parse/netlink.ts';
import { addressText } from '../../lib/probe/parse/netlink-messages.ts';
import type { RawStack } from '../../lib/probe/parse/raw-stack.ts';
import { attribute, done, little, message, name } from './netlink-messages.ts';

const refused = (sequence: number, code: number) => message(sequence, 2, little(-code, 4));
const link = (index: number, ...attributes: number[][]) =>
  message(1, 16, [
    ...little(0, 4),
    ...little(index, 4),
    ...little(0x10001, 4),
    ...little(0, 4),
    ...attributes.flat(),
  ]);

/** The eight answers, each with a description. */
const answers = (changes: Readonly<Record<number, number[]>> = {}) =>
  Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8].flatMap((sequence) => changes[sequence] ?? done(sequence)));

describe("the kernel's answers", () => {
  test('say which link is the other end of a pair, here or in another namespace', () => {
    const kind = attribute(18, attribute(1, name('veth')));
    const { links } = parseNetlink(
      answers({
        1: [
          ...link(
            2,
            attribute(3, name('eth0')),
            attribute(5, little(7, 4)),
            attribute(37, little(0, 4)),
            kind,
          ),
          ...link(3, attribute(3, name('left')), attribute(5, little(4, 4)), kind),
          ...link(4, attribute(3, name('right')), attribute(5, little(3, 4)), kind),
          ...done(1),
        ],
      }),
    );
    expect(
      links.map(({ name, peerIndex, peerName, peerNamespaceId }) => [
        name,
        peerIndex,
        peerName,
        peerNamespaceId,
      ]),
    ).toEqual([
      ['eth0', 7, null, 0],
      ['left', null, 'right', 'same'],
      ['right', null, 'left', 'same'],
    ]);
  });

  test('say in which mode a link has a program of XDP', () => {
    // IFLA_XDP with IFLA_XDP_ATTACHED, of one byte, and IFLA_XDP_PROG_ID
    const xdp = (mode: number) => attribute(43, [...attribute(2, [mode]), ...attribute(4, little(4, 4))]);
    const { links } = parseNetlink(
      answers({
        1: [
          ...link(2, attribute(3, name('eth0')), xdp(2)),
          ...link(3, attribute(3, name('eth1')), xdp(0)),
          ...link(4, attribute(3, name('eth2'))),
          ...done(1),
        ],
      }),
    );
    expect(links.map(({ xdp }) => xdp)).toEqual([{ mode: 'generic', name: null }, null, null]);
  });

  test('may say that the kernel has no IPv6, or no id of the node', () => {
    expect(parseNetlink(answers({ 6: refused(6, 97), 8: refused(8, 22) })).rules).toEqual([]);
  });

  test.each([1, 2, 3, 4, 5, 7])('that refuse question %i are none', (sequence) => {
    expect(() => parseNetlink(answers({ [sequence]: refused(sequence, 1) }))).toThrow('error 1');
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('of which number %i is missing are none', (sequence) => {
    expect(() => parseNetlink(answers({ [sequence]: [] }))).toThrow('not whole');
  });

  test('that a node made up are refused, or read as what they may mean', () => {
    const value = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => [...bytes]),
      fc.uint8Array({ maxLength: 16 }).map((bytes) => attribute(1, [...bytes])),
    );
    const attributes = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 60 }), value).map(([type, bytes]) => attribute(type, bytes)),
      { maxLength: 6 },
    );
    const fixed = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => bytes.fill(2, 0, 1)),
      fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => bytes.fill(10, 0, 1)),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fixed, attributes, (sequence, start, rest) => {
        const bytes = answers({
          [sequence]: [...message(sequence, 16, [...start, ...rest.flat()]), ...done(sequence)],
        });
        let read: RawStack;
        try {
          read = parseNetlink(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          return;
        }
        const texts = [
          ...read.links.flatMap(({ name, mac, kind }) => [name, mac, kind]),
          ...read.routes.map(({ destination }) => destination),
          ...read.neighbours.map(({ destination }) => destination),
        ];
        for (const text of texts) expect(text === null ? 0 : text.length).toBeLessThanOrEqual(300);
      }),
      { numRuns: 2_000 },
    );
  });
});

test.each([
  ['10.244.1.7', [10, 244, 1, 7]],
  ['::', Array(16).fill(0)],
  ['::1', [...Array(15).fill(0), 1]],
  ['fd00::2:0:0:1', [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1]],
  ['fe80::1', [0xfe, 0x80, ...Array(13).fill(0), 1]],
  ['1:0:3::', [0, 1, 0, 0, 0, 3, ...Array(10).fill(0)]],
  ['1:0:3:4:5:6:7:8', [0, 1, 0, 0, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
  ['::ffff:10.1.1.7', [...Array(10).fill(0), 0xff, 0xff, 10, 1, 1, 7]],
])('an address is written %s', (text, bytes) => {
  expect(addressText(Uint8Array.from(bytes))).toBe(text);
});

describe('answers that a hostile node made up', () => {
  /** Of IPv4, without flags. */
  const route = [2, ...Array(11).fill(0)];
  const seconds = (bytes: Uint8Array): number => {
    const start = process.cpuUsage();
    try {
      parseNetlink(bytes);
    } catch (error) {
      // Too many objects of one kind.
      expect(error).toMatchObject({ message: expect.stringContaining('too many') });
    }
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };

  test('are read within seconds: routes with thousands of next hops and of metrics each', () => {
    const hops = attribute(9, Array(8_000).fill([8, 0, 0, 0, 0, 0, 0, 0]).flat());
    const metrics = attribute(
      8,
      Array(8_000)
        .fill(attribute(1, little(1, 4)))
        .flat(),
    );
    const one = message(3, 24, [...route, ...hops, ...metrics]);
    expect(seconds(answers({ 3: [...Array(8).fill(one).flat(), ...done(3)] }))).toBeLessThan(5);
  });

  test('are refused for their number before any is read', () => {
    const many = [
      ...Array(50_000)
        .fill(message(3, 24, route))
        .flat(),
      ...done(3),
    ];
    expect(() => parseNetlink(answers({ 3: many }))).toThrow('too many links, addresses, routes');
  });

  test('show filters on the links of a pod, which a kernel may be built without', () => {
    const ofLink = (sequence: number, type: number, kind: string, ...more: number[][]) =>
      message(sequence, type, [
        ...[little(0, 4), little(2, 4), little(0, 4), little(0xfffffff3, 4), little(65536, 4)].flat(),
        ...attribute(1, name(kind)),
        ...more.flat(),
      ]);
    const named = link(2, attribute(3, name('eth0')));
    // ret 2: TC_ACT_SHOT
    const drop = attribute(2, attribute(5, [6, 0, 0, 0, 2, 0, 0, 0]));
    const asked = [
      ...answers({ 1: [...named, ...done(1)] }),
      ...ofLink(9, 36, 'clsact'),
      ...done(9),
      ...ofLink(10, 44, 'bpf', drop),
      ...done(10),
    ];
    expect(parseNetlink(Uint8Array.from(asked)).programs).toMatchObject([
      { link: 'eth0', place: 'out', kind: 'bpf', priority: 1, drops: 'all' },
    ]);
    expect(parseNetlink(Uint8Array.from([...answers(), ...refused(9, 95)])).programs).toEqual([]);
  });
});
