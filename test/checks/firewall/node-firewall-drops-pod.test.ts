import { describe, expect, it } from 'vitest';
import { nodeFirewallDropsPod } from '../../../lib/checks/firewall/node-firewall-drops-pod.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import { aPodNetwork, context, failures } from '../evidence.ts';

function run(chains: Record<string, string[]>, backend: PacketFilter['backend'] = 'iptables-nft') {
  const listed = Object.entries(chains).map(([name, rules]) => ({ name, hook: null, policy: null, rules }));
  const hostPacketFilters = [{ backend, tables: [{ name: 'filter', chains: listed }] }];
  return nodeFirewallDropsPod.run({ podNetworks: [aPodNetwork()], hostPacketFilters }, context);
}

describe('node-firewall-drops-pod', () => {
  it('finds the chain of a pod that is gone which rejects what is for the address', () => {
    const [found] = failures(
      run({
        FORWARD: ['ip daddr 10.244.1.2 counter jump KUBE-POD-FW-OLD'],
        'KUBE-POD-FW-OLD': ['counter reject with icmp port-unreachable'],
      }),
    );
    expect(found?.detail).toBe(
      'The chain FORWARD of the node (iptables-nft) drops all packets for 10.244.1.2: ip daddr 10.244.1.2 counter jump KUBE-POD-FW-OLD.',
    );
    expect(found).toMatchObject({ object: { kind: 'pod', name: 'web-1' } });
    expect(found?.remedy.at(-1)?.command).toMatch(/xargs -r iptables -t filter -D FORWARD$/);
  });

  it('finds a rule of the old iptables that drops what the pod sends', () => {
    const rule = '-A FORWARD -s 10.244.1.2/32 -m comment --comment "cut off" -j DROP';
    expect(failures(run({ FORWARD: [rule] }, 'iptables-legacy'))[0]?.detail).toContain(
      'drops all packets from 10.244.1.2',
    );
  });

  it.each<[string, Record<string, string[]>]>([
    ['a rule about a port of the pod', { FORWARD: ['ip daddr 10.244.1.2 tcp dport 25 counter drop'] }],
    ['a rule about another address', { FORWARD: ['ip daddr 10.244.1.9 counter drop'] }],
    ['a rule about a whole subnet', { FORWARD: ['ip daddr 10.244.1.0/24 counter drop'] }],
    [
      'the chain of a policy, which lets something through first',
      {
        FORWARD: ['ip daddr 10.244.1.2 counter jump KUBE-POD-FW-OWN'],
        'KUBE-POD-FW-OWN': ['ct state related,established counter accept', 'counter reject'],
      },
    ],
    ['the rules of an agent', { 'cali-tw-x': ['ip daddr 10.244.1.2 counter drop'] }],
  ])('passes %s', (_, chains) => {
    expect(run(chains)).toMatchObject([{ result: 'pass' }]);
  });
});
