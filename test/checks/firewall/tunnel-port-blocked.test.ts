import { describe, expect, it } from 'vitest';
import { tunnelPortBlocked } from '../../../lib/checks/firewall/tunnel-port-blocked.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import { aHostStack, aLink, aNode, context, failures } from '../evidence.ts';
import { aFilter } from './filters.ts';

const flannel = {
  'flannel.alpha.coreos.com/backend-type': 'vxlan',
  'flannel.alpha.coreos.com/backend-data': '{"VNI":1,"VtepMAC":"02:00:00:00:00:01"}',
};

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
      otherNodes: [],
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
          otherNodes: [],
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
      tunnelPortBlocked.run(
        { node: aNode(), hostNetwork: host, hostPacketFilters: [], otherNodes: [] },
        context,
      ),
    ).toMatchObject([{ result: 'notApplicable' }]);
  });

  describe('of a node that lets through only what it is known to serve', () => {
    const served = ['-A INPUT -i lo -j ACCEPT', '-A INPUT -p tcp -m tcp --dport 10250 -j ACCEPT'];
    function judged(filter: PacketFilter, others = ['10.0.3.8', '10.0.3.9']) {
      const host = aHostStack();
      const device = aLink({ index: 9, name: 'flannel.1', kind: 'vxlan', peer: null, vxlanPort: 8472 });
      return tunnelPortBlocked.run(
        {
          node: aNode({ addresses: ['10.0.3.7'], annotations: flannel }),
          hostNetwork: { ...host, links: [...host.links, device] },
          hostPacketFilters: [filter],
          otherNodes: others.map((address) => aNode({ name: address, addresses: [address] })),
        },
        context,
      );
    }
    const input = (policy: string, ...rules: string[]) =>
      aFilter('iptables-nft', 'filter', { INPUT: { hook: 'input', policy, rules: [...served, ...rules] } });

    it('finds a policy DROP that no rule of the tunnel precedes, and accepts the port', () => {
      const [found] = failures(judged(input('drop')));
      expect(found?.detail).toBe(
        "The node's INPUT chain (iptables-nft) drops UDP port 8472, at which flannel.1 gets the packets of other nodes' " +
          'pods: policy drop of INPUT, and no rule before it accepts them.',
      );
      expect(found?.remedy[1]?.command).toBe('iptables -I INPUT -p udp -m udp --dport 8472 -j ACCEPT');
    });

    it.each([
      '-A INPUT -p udp -m udp --dport 8472 -j ACCEPT',
      '-A INPUT -s 10.0.3.0/24 -j ACCEPT',
      '-A INPUT -s 10.0.3.8/32 -j ACCEPT',
      '-A INPUT -m set --match-set nodes src -j ACCEPT',
      '-A INPUT -i eth0 -j ACCEPT',
    ])('passes where a rule lets it through: %s', (rule) => {
      expect(judged(input('drop', rule))).toMatchObject([{ result: 'pass' }]);
    });

    it('passes where no other node is known', () => {
      expect(judged(input('drop'), [])).toMatchObject([{ result: 'pass' }]);
    });

    it('finds what it may not send', () => {
      const output = aFilter('iptables-legacy', 'filter', {
        OUTPUT: { hook: 'output', policy: 'drop', rules: ['-A OUTPUT -p tcp -j ACCEPT'] },
      });
      expect(failures(judged(output))[0]?.detail).toContain('policy drop of OUTPUT');
    });

    it('finds that firewalld refuses it, and says how to open the port for good', () => {
      const zones = aFilter('nftables', 'inet firewalld', {
        filter_INPUT: {
          hook: 'input',
          policy: 'accept',
          rules: ['ct state { established, related } accept', 'jump filter_IN_public', 'reject'],
        },
        filter_IN_public: { rules: ['tcp dport 22 accept'] },
      });
      const remedy = failures(judged(zones))[0]?.remedy ?? [];
      expect(remedy[1]?.command).toBe('nft insert rule inet firewalld filter_INPUT udp dport 8472 accept');
      expect(remedy[2]?.text).toContain('firewall-cmd --permanent --add-port=8472/udp');
    });
  });
});
