import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { command } from '../../lib/checks/remedies/steps.ts';
import { decisionOf, deleteRule, ruleText } from '../../lib/computed/routes/routing-decision.ts';
import type { NetworkStack, Way } from '../../lib/model/network.ts';
import { parseStack } from '../../lib/probe/parse/ip.ts';
import { aStack } from '../checks/evidence.ts';
import { aWay } from '../checks/ways.ts';
import { OF_ITS_OWN, whyNoLab } from './lab.ts';

const noLab = whyNoLab();

const NOTHING = ['undefined', 'undefined', 'undefined'];
const DESTINATIONS = ['8.8.8.8', '10.244.2.1', '10.0.3.8'];
const NODE = `ip link set lo up
ip link add eth0 type veth peer name router; ip link set eth0 up; ip link set router up
ip addr add 10.0.3.7/24 dev eth0; ip route add default via 10.0.3.1; ip route add 10.244.2.0/24 via 10.0.3.8
ip link add wg0 type bridge; ip link set wg0 up; ip addr add 10.8.0.2/24 dev wg0; ip link set wg0 group 7
ip route add default dev wg0 table 77
printf 'addr show\\nroute show table all\\nneigh show\\nrule show\\nnetns list-id\\n' >/run/batch`;

/** Rules of a node, what the kernel answers with them, what they are, and what is left once each was removed. */
function asked(
  rules: string,
  removed: readonly string[] = [],
): { stack: NetworkStack; ways: Way[]; left: string } {
  const script = `mount --make-rprivate /; mount -t tmpfs run /run; ${NODE}
${rules}
ip -j -d -force -batch /run/batch; echo ---
for to in ${DESTINATIONS.join(' ')}; do ip -j route get $to; done; echo ---
${removed.join('\n')}
ip rule`;
  const { stdout, stderr, status } = spawnSync('unshare', [...OF_ITS_OWN, 'sh', '-ec', script], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  const [batch = '', answers = '', left = ''] = stdout.split('---\n');
  const { routes, rules: read } = parseStack(batch, '[]');
  const ways = answers
    .trim()
    .split('\n')
    .map((line, at): Way => {
      const [answer] = JSON.parse(line) as [{ dev: string; gateway?: string; table?: string }];
      const { dev, gateway = null, table = 'main' } = answer;
      return aWay({ destination: DESTINATIONS[at] ?? '', link: dev, gateway, table });
    });
  return { stack: aStack({ routes: [...routes], rules: [...read] }), ways, left };
}

test.skipIf(noLab !== null).each([
  ['none', '', ['32766', '32766', '32766']],
  ['of a VPN that takes all', 'ip rule add not fwmark 51820 table 77 priority 90', ['90', '90', '90']],
  [
    'of wg-quick',
    'ip rule add not fwmark 51820 table 77; ip rule add table main suppress_prefixlength 0',
    ['32765', '32764', '32764'],
  ],
  [
    'that pass over all but networks of one node',
    'ip rule add not fwmark 5 table 77; ip rule add table main suppress_prefixlength 23',
    ['32765', '32764', '32764'],
  ],
  [
    'that pass over a network',
    'ip rule add not fwmark 5 table 77; ip rule add table main suppress_prefixlength 24',
    ['32765', '32765', '32765'],
  ],
  [
    'that pass over a group of links',
    'ip rule add table 77 suppress_ifgroup 7 priority 90',
    ['32766', '32766', '32766'],
  ],
  ['that pass over another group', 'ip rule add table 77 suppress_ifgroup 8 priority 90', ['90', '90', '90']],
  [
    'that are about all but one source',
    'ip rule add not from 10.66.0.0/16 table 77 priority 90',
    ['90', '90', '90'],
  ],
  ['that are about no port', 'ip rule add not dport 53 table 77 priority 90', ['90', '90', '90']],
  // A port is not read, and the rule looks as if it decided.
  ['that are about a port', 'ip rule add dport 53 table 77 priority 90', NOTHING],
])('explains what the kernel answers with rules %s', (_, rules, priorities) => {
  const { stack, ways } = asked(rules);
  expect(ways.map((way) => String(decisionOf(stack, way)?.rule.priority))).toEqual(priorities);
  const added = stack.rules.filter(({ priority }) => priority > 0 && priority < 32766);
  const { left } = asked(
    rules,
    added.map((rule) => command(...deleteRule(rule))),
  );
  expect(left.split('\n').filter((line) => line !== '')).toHaveLength(3);
  for (const rule of added) expect(left).not.toContain(ruleText(rule));
});
