import { describe, expect, test } from 'vitest';
import { crossSentSchema, PINGS_OF_A_NODE } from '../../lib/model/crossing.ts';
import { readCross } from '../../lib/probe/parse/cross.ts';

const filesOf = (files: Readonly<Record<string, string>>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]));

/** As fping 5.1 prints it. */
const LOST = `10.0.0.2 is alive
10.2.0.2 is unreachable
hops=1
ICMP Time Exceeded from 10.1.0.1 for ICMP Echo sent to 10.0.0.2
ICMP Time Exceeded from 10.1.0.1 for ICMP Echo sent to 10.2.0.2
10.0.0.2 is unreachable
10.2.0.2 is unreachable
hops=2
10.0.0.2 is alive
10.2.0.2 is unreachable
hops=3
10.0.0.2 is alive
10.2.0.2 is unreachable
`;
const targets = ['10.0.0.2', '10.2.0.2'];

describe('pings to the next node', () => {
  test('say who answers, and on the way to whom nobody does how far packets come', () => {
    const files = filesOf({
      'active/cross': '10.0.0.2 is alive\n10.2.0.2 is alive\n10.1.0.2 is unreachable\n',
      'active/7.cross': LOST,
    });
    expect(readCross(files, targets, ['10.1.0.2'])).toEqual({
      node: [
        { target: '10.0.0.2', answered: true, hops: [], refused: null },
        { target: '10.2.0.2', answered: true, hops: [], refused: null },
        { target: '10.1.0.2', answered: false, hops: [], refused: null },
      ],
      namespaces: [
        {
          inode: 7,
          pings: [
            { target: '10.0.0.2', answered: true, hops: ['10.1.0.1', '', ''], refused: null },
            { target: '10.2.0.2', answered: false, hops: ['10.1.0.1', '', ''], refused: null },
          ],
        },
      ],
    });
  });

  test('have what a router answers instead', () => {
    const text =
      'ICMP Host Unreachable from 10.1.0.1 for ICMP Echo sent to 10.2.0.2\n10.2.0.2 is unreachable\n';
    expect(readCross(filesOf({ 'active/cross': text }), targets, [])?.node).toEqual([
      { target: '10.2.0.2', answered: false, hops: [], refused: 'Host Unreachable from 10.1.0.1' },
    ]);
  });

  test('are answered by the first answer, whatever else comes', () => {
    const text = [
      'ICMP Host Unreachable from 10.1.0.1 for ICMP Echo sent to 10.2.0.2',
      'ICMP Redirect from 10.1.0.9 for ICMP Echo sent to 10.2.0.2',
      '10.2.0.2 is unreachable',
      '10.2.0.2 is alive',
    ].join('\n');
    expect(readCross(filesOf({ 'active/cross': text }), targets, [])?.node).toEqual([
      { target: '10.2.0.2', answered: true, hops: [], refused: 'Host Unreachable from 10.1.0.1' },
    ]);
  });

  test('are not silent where the probe could not send them', () => {
    expect(readCross(filesOf({}), targets, [])).toBeNull();
    const files = filesOf({ 'active/cross': 'sh: fping: not found\n', 'active/7.cross': '' });
    expect(readCross(files, targets, [])).toEqual({ node: [], namespaces: [{ inode: 7, pings: [] }] });
  });

  test('take nothing else from a node than addresses and the words of ICMP', () => {
    const hostile = [
      `ICMP ${'A'.repeat(200_000)} from 10.1.0.1 for ICMP Echo sent to 10.2.0.2`,
      'ICMP Host Unreachable from evil; for ICMP Echo sent to 10.2.0.2',
      'ICMP <b>Host</b> from 10.1.0.1 for ICMP Echo sent to 10.2.0.2',
      'ICMP Host Unreachable from 10.1.0.1 for ICMP Echo sent to 10.9.9.9',
      '10.2.0.2 is unreachable',
      ...Array.from({ length: 9 }, () => 'hops=1'),
    ].join('\n');
    const files = filesOf({
      'active/cross': hostile,
      ...Object.fromEntries(Array.from({ length: 40 }, (_, inode) => [`active/${inode}.cross`, ''])),
    });
    const read = readCross(files, targets, []);
    expect(read?.node).toEqual([{ target: '10.2.0.2', answered: false, hops: ['', '', ''], refused: null }]);
    expect(read?.namespaces).toHaveLength(10);
  });

  test('are no more than a probe sends, and none twice: results with more cannot be read', () => {
    const own = Array.from({ length: 250 }, (_, n) => `10.1.0.${n}`);
    const all = [...targets, ...own];
    const text = all.map((address) => `${address} is alive\n`).join('');
    const read = readCross(filesOf({ 'active/cross': text }), targets, [...own, ...targets]);
    expect(read?.node.map(({ target }) => target)).toEqual(all.slice(0, PINGS_OF_A_NODE));
    expect(crossSentSchema.safeParse(read).success).toBe(true);
  });

  test('cost as much for many pods as for few, whatever the node prints', () => {
    const own = Array.from({ length: 250 }, (_, n) => `10.1.0.${n}`);
    const line = 'ICMP Host Unreachable from 10.1.0.1 for ICMP Echo sent to 10.1.0.7\n';
    const files = filesOf({
      'active/cross': own.map((address) => `${address} is alive\n`).join('') + line.repeat(30_000),
    });
    const cost = (asked: readonly string[]) => {
      // Of this process, not of the clock: other programs may run.
      const start = process.cpuUsage();
      readCross(files, targets, asked);
      const { user, system } = process.cpuUsage(start);
      return user + system;
    };
    cost(own);
    expect(cost(own)).toBeLessThan(10 * Math.max(cost(own.slice(0, 1)), 5_000));
  });
});
