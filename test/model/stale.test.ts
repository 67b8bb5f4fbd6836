import { describe, expect, it } from 'vitest';
import { undoArgument, undoArguments } from '../../lib/model/restore-argument.ts';
import { type Stale, staleArgument, staleArguments, staleUndo } from '../../lib/model/stale.ts';

const link = { name: 'veth00000001', index: 4 };
const EACH: readonly (readonly [Stale, argument: string, undo: string])[] = [
  [
    { what: 'stale-route', link, address: '10.1.1.5', scope: 'link' },
    'restore-stale-route=route-to-10.1.1.5,none,0,veth00000001,4,10.1.1.5,link',
    'ip -4 route add 10.1.1.5 dev veth00000001 scope link',
  ],
  [
    { what: 'stale-route', link, address: 'fd00::5', scope: 'global' },
    'restore-stale-route=route-to-fd00::5,none,0,veth00000001,4,fd00::5,global',
    'ip -6 route add fd00::5 dev veth00000001 scope global',
  ],
  [
    { what: 'stale-rule', address: '10.1.1.5', table: null },
    'restore-stale-rule=rule-512-10.1.1.5,none,0,10.1.1.5,main',
    'ip -4 rule add to 10.1.1.5 lookup main priority 512',
  ],
  [
    { what: 'stale-rule', address: '10.1.1.5', table: 3 },
    'restore-stale-rule=rule-1536-10.1.1.5,none,0,10.1.1.5,3',
    'ip -4 rule add from 10.1.1.5 lookup 3 priority 1536',
  ],
];

describe('a route or rule for an address that nobody has', () => {
  it.each(EACH)(
    'is told to the pod on the node exactly, and taken back by hand alone: %j',
    (object, argument, undo) => {
      expect(staleArgument(object)).toBe(argument);
      expect(staleUndo(object)).toBe(undo);
      const admits = (patterns: readonly string[], text: string): boolean =>
        patterns.some((pattern) => new RegExp(pattern).test(text));
      expect(admits(staleArguments, argument)).toBe(true);
      expect(undoArgument(argument)).toBeNull();
      expect(admits(undoArguments, argument.replace('restore-', 'undo-'))).toBe(false);
      for (const other of [
        argument.replace('none,0', 'cni-0,7'),
        argument.replace('10.1.1.5', '10.1.1.5 via 10.1.1.1'),
        `${argument}\n${argument}`,
        argument.replace('veth00000001', 'eth0').replace('main', '$(reboot)').replace(/,3$/, ',local'),
      ].filter((each) => each !== argument))
        expect(admits(staleArguments, other)).toBe(false);
    },
  );
});
