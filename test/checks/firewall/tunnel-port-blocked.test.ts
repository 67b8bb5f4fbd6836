import { describe, expect, it } from 'vitest';
import { tunnelPortBlocked } from '../../../lib/checks/firewall/tunnel-port-blocked.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import { aHostStack, aLink, aNode, context, failures } from '../evidence.ts';
import { aFilter } from './filters.ts';

const DROP = '-A INPUT -p udp -m udp --dport 8472 -j DROP';

function run(
  rules: readonly string[],
  { backend = 'iptables-legacy' as PacketFilter['backend'], others = [] as string[], vxlanPort = 8472 } = {},
) {
  const host = aHostStack();
  const device = aLink({ index: 9, name: 'cilium_vxlan', kind: 'vxlan', peer: null, vxlanPort });
  const chains = [
    { name: 'INPUT', hook: 'input', policy: 'accept', rules: [...rules] },
    { name: 'cali-INPUT', hook: null, policy: null, rules: others },
  ];
  return tunnelPortBlocked.run(
    {
      node: aNode(),
      hostNetwork: { ...host, links: [...host.links, device] },
      hostPacketFilters: [{ backend, tables: [{ name: 'filter', chains }] }],
    },
    context,
  );
}

describe('tunnel-port-blocked', () => {
  it('finds a rule that drops the port of the tunnel, behind those that do not matter', () => {
    const before = [
      '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      '-A INPUT -i lo -j ACCEPT',
      '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
      '-A INPUT -m comment --comment "health check" -j KUBE-NODEPORTS',
    ];
    const [found] = failures(run([...before, DROP]));
    expect(found?.object.kind).toBe('node');
    expect(found?.detail).toContain('drops UDP port 8472');
    expect(found?.detail).toContain(DROP);
  });

  it.each([
    ['udp dport 8472 counter packets 4 bytes 400 drop', 'iptables-nft'],
    ['iifname "eth0" udp dport { 4789, 8472 } counter reject', 'nftables'],
    ['-A INPUT -i eth0 -p udp -m multiport --dports 4789,8472 -j REJECT', 'iptables-legacy'],
  ] as const)('finds it in the words of each tool: %s', (rule, backend) => {
    expect(failures(run([rule], { backend }))).toHaveLength(1);
  });

  it('finds it in table raw, behind what Cilium has there, and lists that table', () => {
    const rule = '-A PREROUTING -p udp -m udp --dport 8472 -j DROP';
    const notrack = '-A CILIUM_PRE_raw -p udp -m udp --dport 8472 -j CT --notrack';
    const host = aHostStack();
    const device = aLink({ index: 9, name: 'cilium_vxlan', kind: 'vxlan', peer: null, vxlanPort: 8472 });
    const raw = aFilter('iptables-legacy', 'raw', {
      PREROUTING: { hook: 'prerouting', policy: 'ACCEPT', rules: ['-A PREROUTING -j CILIUM_PRE_raw', rule] },
      CILIUM_PRE_raw: { rules: [notrack] },
    });
    const [found] = failures(
      tunnelPortBlocked.run(
        {
          node: aNode(),
          hostNetwork: { ...host, links: [...host.links, device] },
          hostPacketFilters: [raw],
        },
        context,
      ),
    );
    expect(found?.detail).toContain(rule);
    expect(found?.remedy[0]?.command).toBe('iptables-legacy -t raw -S PREROUTING');
  });

  it('finds one that stands before what the agent accepts', () => {
    const others = ['-A cali-INPUT -s 10.0.3.0/24 -p udp -m udp --dport 8472 -j ACCEPT'];
    expect(failures(run([DROP, '-A INPUT -j cali-INPUT'], { others }))).toHaveLength(1);
  });

  it.each([
    ['another port', ['-A INPUT -p udp -m udp --dport 53 -j DROP'], []],
    ['single machines', ['-A INPUT -s 192.0.2.0/24 -p udp -m udp --dport 8472 -j DROP'], []],
    ['all but the nodes', ['-A INPUT ! -s 10.0.0.0/8 -p udp -m udp --dport 8472 -j DROP'], []],
    ['what a rule before may accept', ['-A INPUT -s 10.0.0.0/8 -j ACCEPT', DROP], []],
    ['what a chain before may accept', ['-A INPUT -j ufw-user-input', DROP], []],
    [
      'what an agent accepts before',
      ['-A INPUT -j cali-INPUT', DROP],
      ['-A cali-INPUT -s 10.0.3.0/24 -p udp -m udp --dport 8472 -j ACCEPT'],
    ],
    ['nothing', [], []],
  ])('passes a node that drops %s', (_, rules, others) => {
    expect(run(rules, { others })).toMatchObject([{ result: 'pass' }]);
  });

  it('is not applicable where the port of the tunnel is not known', () => {
    const host = aHostStack();
    expect(
      tunnelPortBlocked.run({ node: aNode(), hostNetwork: host, hostPacketFilters: [] }, context),
    ).toMatchObject([{ result: 'notApplicable' }]);
  });
});
