import { describe, expect, it } from 'vitest';
import { podRoutingIncomplete } from '../../../lib/checks/routes/pod-routing-incomplete.ts';
import type { Link, NetworkStack, Rule } from '../../../lib/model/network.ts';
import { aLink, aPod, aPodNetwork, aRoute, aStack, context, failures } from '../evidence.ts';

const rule = (priority: number, table: string, changes: Partial<Rule> = {}): Rule => ({
  ...{ family: 4, priority, source: 'all', destination: null, inputLink: null, outputLink: null },
  ...{ detached: false, fwmark: null, table, drops: null, protocol: 'kernel' },
  ...changes,
});
const LOCAL = rule(0, 'local');
const MAIN = rule(32766, 'main');
const OWN = aRoute({ type: 'local', destination: '10.244.1.2/32', gateway: null, table: 'local' });

function run({ rules = [LOCAL, MAIN], own = [OWN], links = [] as Link[], netAdmin = false } = {}) {
  const { routes, ...rest } = aStack();
  const stack: NetworkStack = {
    ...rest,
    links: [...rest.links, ...links],
    rules,
    routes: [...routes, ...own],
  };
  const containers = aPod().containers.map((container) => ({ ...container, netAdmin }));
  return podRoutingIncomplete.run(
    { podNetworks: [aPodNetwork({ stack, pod: aPod({ containers }) })] },
    context,
  );
}

type Case = readonly [string, Parameters<typeof run>[0], string];

describe('pod-routing-incomplete', () => {
  it("passes a pod with the kernel's rules and local route, wherever they stand among others", () => {
    expect(run()).toMatchObject([{ result: 'pass' }]);
    expect(run({ rules: [LOCAL, { ...MAIN, destination: 'all' }] })).toMatchObject([{ result: 'pass' }]);
    const moved = [rule(100, 'vpn', { fwmark: '0x1' }), rule(32765, 'local'), MAIN];
    expect(run({ rules: moved })).toMatchObject([{ result: 'pass' }]);
  });

  it.each<Case>([
    ['the local route is gone', { own: [] }, 'no route for 10.244.1.2 in table local'],
    ['the rule of the local table is gone', { rules: [MAIN] }, 'no rule that leads to table local'],
    ['the rule of the main table is gone', { rules: [LOCAL] }, 'no rule that leads to table main'],
    ...Object.entries({
      source: '10.0.0.0/8',
      ...{
        destination: '10.0.0.0/8',
        inputLink: 'eth0',
        outputLink: 'eth0',
        fwmark: '0x1',
        drops: 'blackhole',
      },
      family: 6 as const,
    }).map(
      ([key, value]): Case => [
        `the rule of the main table is for some alone, by its ${key}`,
        { rules: [LOCAL, { ...MAIN, [key]: value }] },
        'no rule that leads to table main',
      ],
    ),
    ...Object.entries({ type: 'unicast', table: 'main', destination: '10.244.1.3/32' }).map(
      ([key, value]): Case => [
        `the local route has another ${key}`,
        { own: [{ ...OWN, [key]: value }] },
        'no route for 10.244.1.2 in table local',
      ],
    ),
  ])('finds that %s, and recreates the pod', (_, changes, detail) => {
    const [found] = failures(run(changes));
    expect(found?.detail).toContain(detail);
    expect(found?.remedy.map(({ command }) => command)).toEqual(['kubectl delete pod -n shop web-1']);
  });

  it.each([
    ['may change its network itself', { rules: [LOCAL], netAdmin: true }],
    ['has a VRF', { own: [], links: [aLink({ index: 9, name: 'red', kind: 'vrf', peer: null })] }],
    ['has no rules that were read', { rules: [], own: [] }],
  ])('does not judge a pod that %s', (_, changes) => {
    expect(run(changes)).toMatchObject([{ result: 'notApplicable' }]);
  });
});
