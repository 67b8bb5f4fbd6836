import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRouting } from '../../lib/probe/parse/routing.ts';
import { attribute, done, little, message } from './netlink-messages.ts';

const POD = [10, 244, 1, 7];
const PUBLIC = [8, 8, 8, 8];
const SIX = [0x20, 1, 0x48, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const links = new Map([
  [2, 'eth0'],
  [9, 'veth1'],
]);
const nameOf = (index: number) => links.get(index) ?? `if${index}`;

const head = (family: number, type: number) => [family, 32, 0, 0, 254, 0, 0, type, ...little(0x200, 4)];
const question = (sequence: number, family: number, ...attributes: number[][]) =>
  message(sequence, 26, [...head(family, 0), ...attributes.flat()]);
const answer = (sequence: number, family: number, type: number, ...attributes: number[][]) =>
  message(sequence, 24, [...head(family, type), ...attributes.flat()]);
const refused = (sequence: number, code: number) => message(sequence, 2, little(-code, 4));
const from = (source: readonly number[], link: number) => [
  attribute(2, source),
  attribute(3, little(link, 4)),
];
const read = (...messages: number[][]) =>
  parseRouting(Uint8Array.from([...messages, done(0)].flat()), nameOf);

describe("the kernel's ways of packets", () => {
  test('say by which link, gateway and table a packet of a pod leaves', () => {
    expect(
      read(
        question(1, 2, attribute(1, PUBLIC), ...from(POD, 9)),
        answer(
          1,
          2,
          1,
          attribute(4, little(2, 4)),
          attribute(5, [10, 99, 0, 1]),
          attribute(15, little(2, 4)),
        ),
      ),
    ).toEqual([
      {
        family: 4,
        destination: '8.8.8.8',
        source: '10.244.1.7',
        inputLink: 'veth1',
        error: null,
        type: 'unicast',
        link: 'eth0',
        gateway: '10.99.0.1',
        table: '2',
      },
    ]);
  });

  test('say that a packet is for the node itself, and which one is its own', () => {
    const [way] = read(question(1, 2, attribute(1, POD)), answer(1, 2, 2, attribute(4, little(77, 4))));
    expect(way).toMatchObject({ source: null, inputLink: null, type: 'local', link: 'if77', table: 'main' });
  });

  test.each([
    [101, 'ENETUNREACH'],
    [113, 'EHOSTUNREACH'],
    [22, 'EINVAL'],
    [13, 'EACCES'],
    [18, 'EXDEV'],
    [75, 'error 75'],
  ])('say why there is none: %i is %s', (code, error) => {
    expect(read(question(1, 2, attribute(1, POD)), refused(1, code))).toMatchObject([
      { destination: '10.244.1.7', error, type: null, link: null, table: null },
    ]);
  });

  test('take a route of IPv6 that drops for the refusal that it is', () => {
    const cache = attribute(12, [...little(0, 12), ...little(-113, 4), ...little(0, 16)]);
    expect(
      read(question(1, 10, attribute(1, SIX)), answer(1, 10, 7, attribute(4, little(1, 4)), cache)),
    ).toMatchObject([{ family: 6, destination: '2001:4860::1', error: 'EHOSTUNREACH', link: null }]);
    expect(read(question(1, 10, attribute(1, SIX)), answer(1, 10, 6))).toMatchObject([{ error: 'error 0' }]);
  });

  test('are refused when they are not whole, or do not follow their questions', () => {
    const whole = [question(1, 2, attribute(1, POD)), answer(1, 2, 1)];
    expect(() => parseRouting(Uint8Array.from(whole.flat()), nameOf)).toThrow('not whole');
    expect(() => parseRouting(new Uint8Array(), nameOf)).toThrow('not whole');
    expect(() => read(question(1, 2, attribute(1, POD)), answer(2, 2, 1))).toThrow('do not follow');
    expect(() => read(answer(1, 2, 1), question(1, 2, attribute(1, POD)))).toThrow('do not follow');
    expect(() => read(question(1, 2), answer(1, 2, 1))).toThrow('no address');
    expect(() => read(question(1, 2, attribute(1, POD)), message(1, 16, head(2, 1)))).toThrow('no answer');
  });

  test('never end in anything but ways or an error, whatever a node prints', () => {
    const some = fc.oneof(
      fc.constant(question(1, 2, attribute(1, POD), ...from(POD, 9))),
      fc.constant(answer(1, 10, 1, attribute(4, little(2, 4)))),
      fc.constant(refused(1, 101)),
      fc.constant(done(0)),
      fc.uint8Array({ maxLength: 80 }).map((bytes) => [...bytes]),
    );
    fc.assert(
      fc.property(fc.array(some, { maxLength: 8 }), (parts) => {
        let ways: unknown;
        try {
          ways = parseRouting(Uint8Array.from([...parts.flat(), ...done(0)]), nameOf);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          return;
        }
        expect(ways).toBeInstanceOf(Array);
      }),
    );
  });
});
