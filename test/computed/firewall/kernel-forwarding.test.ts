import { expect, it } from 'vitest';
import { forwardsForCilium } from '../../../lib/computed/firewall/kernel-forwarding.ts';
import { aFilter } from '../../checks/firewall/filters.ts';

const inChain = (rule: string, chain = 'CILIUM_POST_nat') =>
  forwardsForCilium([aFilter('iptables-nft', 'nat', { [chain]: { rules: [rule] } })]);

it.each([
  '-A CILIUM_POST_nat -s 10.244.1.0/24 ! -o cilium_+ -m comment --comment "cilium masquerade non-cluster" -j MASQUERADE',
  'ip saddr 10.244.1.0/24 oifname != "cilium_*" counter packets 1 bytes 84 masquerade',
])('knows by %s that the kernel forwards for Cilium', (rule) => {
  expect(inChain(rule)).toBe(true);
  expect(inChain(rule, 'FLANNEL-POSTRTG')).toBe(false);
});

it('takes no rule for one that only says so in its comment', () => {
  const snat =
    '-o cilium_host -m comment --comment "cilium host->cluster masquerade" -j SNAT --to-source 10.244.1.215';
  expect(inChain(`-A CILIUM_POST_nat ${snat}`)).toBe(false);
});
