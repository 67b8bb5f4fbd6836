import { describe, expect, test } from 'vitest';
import { readActive } from '../../lib/probe/parse/active.ts';

describe('answers to pings', () => {
  test('are those of each address and gateway, of IPv4 and of IPv6 with its link', () => {
    const files = {
      'active/targets': '7\t-,10.1.1.2,fd00::2\t-,10.1.1.1,fe80::1%eth0\t-\n8\t-\t-\t-\n',
      'active/ping': '10.1.1.2 is alive\nfd00::2 is unreachable\n',
      'active/neighbours': 'fd00::2 dev veth7 FAILED\n',
      'active/7.gateway': [
        '10.1.1.1 is alive',
        'fe80::1%eth0 is unreachable',
        '10.1.1.1 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE',
        'fe80::1 dev eth0 INCOMPLETE',
      ].join('\n'),
    };
    const encoded = new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]));
    expect(readActive(encoded)).toEqual([
      {
        inode: 7,
        pings: [
          { from: 'node', target: '10.1.1.2', answered: true, neighbour: null },
          { from: 'node', target: 'fd00::2', answered: false, neighbour: 'FAILED' },
          { from: 'pod', target: '10.1.1.1', answered: true, neighbour: 'REACHABLE 02:00:00:00:00:01' },
          { from: 'pod', target: 'fe80::1%eth0', answered: false, neighbour: 'INCOMPLETE' },
        ],
        lookups: [],
      },
      { inode: 8, pings: [], lookups: [] },
    ]);
  });
});
