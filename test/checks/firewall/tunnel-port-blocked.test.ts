import { describe, expect, it } from 'vitest';
import { tunnelPortBlocked } from '../../../lib/checks/firewall/tunnel-port-blocked.ts';
import type { NetworkStack, PacketFilter } from '../../../lib/model/network.ts';
import { parseNftables } from '../../../lib/probe/parse/packet-filters.ts';
import { aHostStack, aLink, aNode, anAddress, aRoute, context, failures } from '../evidence.ts';
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
    ['what returns before it', ['-A INPUT -s 10.0.3.0/24 -j RETURN', DROP], []],
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
    const twoOthers = ['10.0.3.8', '10.0.3.9'];
    const othersAt = (addresses: readonly string[]) =>
      addresses.map((address, at) =>
        aNode({ name: address, addresses: [address], podCIDRs: [`10.244.${at + 2}.0/24`] }),
      );
    const throughTunnel = (device: string, at = 2) =>
      aRoute({ destination: `10.244.${at}.0/24`, gateway: `10.244.${at}.0`, link: device });
    const tunnel = aLink({
      ...{ index: 9, name: 'flannel.1', kind: 'vxlan', peer: null, vxlanPort: 8472 },
      vxlanLocal: '10.0.3.7',
    });
    function judged(
      filter: PacketFilter | PacketFilter[],
      {
        others = othersAt(twoOthers),
        host = {},
        node = {},
      }: {
        others?: ReturnType<typeof othersAt>;
        host?: Partial<NetworkStack>;
        node?: Parameters<typeof aNode>[0];
      } = {},
    ) {
      const { links, routes, ...rest } = aHostStack();
      const tunnels = others.map((_, at) => throughTunnel('flannel.1', at + 2));
      return tunnelPortBlocked.run(
        {
          node: aNode({ addresses: ['10.0.3.7'], annotations: flannel, ...node }),
          hostNetwork: { ...rest, links: [...links, tunnel], routes: [...routes, ...tunnels], ...host },
          hostPacketFilters: [filter].flat(),
          otherNodes: others,
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
      expect(found?.remedy[1]?.command).toBe(
        'iptables -I INPUT -s 10.0.3.8,10.0.3.9 -p udp -m udp --dport 8472 -j ACCEPT',
      );
    });

    it('opens the port to the network around many nodes, and never to everybody', () => {
      const many = (third: number) =>
        othersAt(Array.from({ length: 12 }, (_, at) => `10.0.${at < 6 ? 3 : third}.${at + 20}`));
      const commandOf = (third: number) =>
        failures(judged(input('drop'), { others: many(third) }))[0]?.remedy[1]?.command;
      expect(commandOf(3)).toContain('-I INPUT -s 10.0.3.0/24 -p udp');
      expect(commandOf(9)).toContain('-I INPUT -s 10.0.0.0/16 -p udp');
      const apart = othersAt(Array.from({ length: 12 }, (_, at) => `10.${at}.3.20`));
      expect(failures(judged(input('drop'), { others: apart }))[0]?.remedy[1]?.command).toContain(
        '-s 10.0.3.20,10.1.3.20,',
      );
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
      const routes = [throughTunnel('flannel.1')];
      expect(judged(input('drop'), { others: [], host: { routes } })).toMatchObject([{ result: 'pass' }]);
    });

    it('finds what it may not send', () => {
      const output = aFilter('iptables-legacy', 'filter', {
        OUTPUT: { hook: 'output', policy: 'drop', rules: ['-A OUTPUT -p tcp -j ACCEPT'] },
      });
      expect(failures(judged(output))[0]?.detail).toContain('policy drop of OUTPUT');
    });

    // As firewalld 1.3 writes them where nobody has changed anything.
    const zones = (...allowed: string[]) =>
      aFilter('nftables', 'inet firewalld', {
        filter_INPUT: {
          hook: 'input',
          policy: 'accept',
          rules: [
            ...['ct state { established, related } accept', 'ct status dnat accept', 'iifname "lo" accept'],
            ...['ct state invalid drop', 'goto filter_IN_public', 'reject with icmpx admin-prohibited'],
          ],
        },
        filter_IN_public: {
          rules: [
            ...['jump filter_IN_policy_allow-host-ipv6_allow', 'jump filter_IN_public_allow'],
            ...['meta l4proto { icmp, ipv6-icmp } accept', 'reject with icmpx admin-prohibited'],
          ],
        },
        'filter_IN_policy_allow-host-ipv6_allow': {
          rules: ['icmpv6 type nd-neighbor-advert accept', 'icmpv6 type nd-router-advert accept'],
        },
        filter_IN_public_allow: {
          rules: ['tcp dport 22 accept', 'ip6 daddr fe80::/64 udp dport 546 accept', ...allowed],
        },
      });

    it('finds that firewalld refuses it, and opens the port in that zone to the nodes', () => {
      const remedy = failures(judged(zones()))[0]?.remedy ?? [];
      const rule = (address: string) =>
        `'--add-rich-rule=rule priority="-1" family="ipv4" source address="${address}" port port="8472" protocol="udp" accept'`;
      const inZone = `--zone=public ${twoOthers.map(rule).join(' ')}`;
      expect(remedy[1]?.command).toBe(
        `firewall-cmd ${inZone} || nft insert rule inet firewalld filter_INPUT ip saddr '{ 10.0.3.8, 10.0.3.9 }' udp dport 8472 accept`,
      );
      expect(remedy[2]?.text).toContain(`firewall-cmd --permanent ${inZone}`);
    });

    it.each([
      'udp dport 8472 accept',
      'ip saddr 10.0.3.0/24 udp dport 8472 accept',
      'ip saddr @nodes accept',
      'meta l4proto { tcp, udp } th dport 8472 accept',
      'ct protocol udp accept',
    ])('passes where its zone lets it through: %s', (rule) => {
      expect(judged(zones(rule))).toMatchObject([{ result: 'pass' }]);
    });

    describe('as ufw refuses what no rule allows', () => {
      const ufw = (...allowed: string[]) =>
        aFilter('iptables-nft', 'filter', {
          INPUT: { hook: 'input', policy: 'drop', rules: ['counter jump ufw-before-input'] },
          'ufw-before-input': {
            rules: ['ip protocol icmp icmp type echo-request accept', 'jump ufw-not-local', ...allowed],
          },
          'ufw-not-local': {
            rules: [
              ...['local', 'multicast', 'broadcast'].map((kind) => `fib daddr type ${kind} counter return`),
              'counter drop',
            ],
          },
        });

      it('finds it', () => {
        expect(failures(judged(ufw()))[0]?.detail).toContain('policy drop of INPUT');
      });

      it.each(['udp dport 8472 accept', 'ip saddr 10.0.3.0/24 accept'])('passes what %s allows', (rule) => {
        expect(judged(ufw(rule))).toMatchObject([{ result: 'pass' }]);
      });

      it('finds it in the words of iptables', () => {
        const legacy = aFilter('iptables-legacy', 'filter', {
          INPUT: {
            ...{ hook: 'input', policy: 'DROP' },
            rules: ['-A INPUT -m addrtype ! --dst-type LOCAL -j ACCEPT', '-A INPUT -j ufw-not-local'],
          },
          'ufw-not-local': {
            rules: ['-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN', '-A ufw-not-local -j DROP'],
          },
        });
        expect(failures(judged(legacy))[0]?.detail).toContain('policy DROP of INPUT');
      });
    });

    it('passes where the nodes are too many for their list to be read whole', () => {
      const nodes = Array.from({ length: 300 }, (_, at) => `10.0.3.${at}`).join(', ');
      const text = `table inet filter {
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tip saddr { ${nodes} } accept
\t}
}`;
      expect(judged(parseNftables(text))).toMatchObject([{ result: 'pass' }]);
    });

    it('passes where what is not tracked is let through, and tunnels are not tracked', () => {
      const raw = aFilter('iptables-nft', 'raw', {
        PREROUTING: {
          hook: 'prerouting',
          policy: 'accept',
          rules: ['-A PREROUTING -p udp -m udp --dport 8472 -j CT --notrack'],
        },
      });
      const untracked = input(
        'drop',
        '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED,UNTRACKED -j ACCEPT',
      );
      expect(judged([untracked, raw])).toMatchObject([{ result: 'pass' }]);
      expect(failures(judged(untracked))).toHaveLength(1);
    });

    it('says so where there are too many rules to follow', () => {
      const rules = Array.from({ length: 20_500 }, () => '-A INPUT -s 192.0.2.1/32 -j DROP');
      expect(judged(input('drop', ...rules))).toMatchObject([{ result: 'unknown' }]);
    });

    describe('passes where the tunnel takes another way than', () => {
      const own = (address: string, link: string) => anAddress({ address, link });
      const links = [...aHostStack().links, tunnel, aLink({ index: 20, name: 'eth1' })];

      it('the first address of the nodes, as flannel is told to', () => {
        const peer = aNode({
          ...{ name: 'node-2', addresses: ['10.0.3.8'], podCIDRs: ['10.244.2.0/24'] },
          annotations: { ...flannel, 'flannel.alpha.coreos.com/public-ip': '192.168.56.8' },
        });
        const host = {
          links: links.map((link) => (link === tunnel ? { ...link, vxlanLocal: '192.168.56.7' } : link)),
          addresses: [own('10.0.3.7', 'eth0'), own('192.168.56.7', 'eth1')],
        };
        const judge = (rule: string) => judged(input('drop', rule), { others: [peer], host });
        expect(judge('-A INPUT -i eth1 -j ACCEPT')).toMatchObject([{ result: 'pass' }]);
        expect(judge('-A INPUT -s 192.168.56.0/24 -j ACCEPT')).toMatchObject([{ result: 'pass' }]);
        expect(failures(judge('-A INPUT -s 192.168.57.0/24 -j ACCEPT'))).toHaveLength(1);
      });

      it('the link that has the address: lo, as where nodes announce theirs to routers', () => {
        const host = { addresses: [own('10.0.3.7', 'lo'), own('169.254.9.1', 'eth0')] };
        expect(judged(input('drop', '-A INPUT -i eth0 -j ACCEPT'), { host })).toMatchObject([
          { result: 'pass' },
        ]);
        expect(failures(judged(input('drop', '-A INPUT -i eth5 -j ACCEPT'), { host }))).toHaveLength(1);
      });

      it('a link of a virtual router', () => {
        const host = { links: [...links, aLink({ index: 21, name: 'vrf-blue', kind: 'vrf' })] };
        expect(judged(input('drop', '-A INPUT -i vrf-blue -j ACCEPT'), { host })).toMatchObject([
          { result: 'pass' },
        ]);
      });

      it.each([
        '-A INPUT -i eth1 -p udp -m udp --dport 8472 -j DROP',
        'iifname "eth1" udp dport 8472 drop',
        'iifname { "eth1", "eth2" } udp dport 8472 drop',
      ])('the links to the world, at which the port is closed: %s', (rule) => {
        const filter = input('accept', rule);
        expect(judged(filter, { host: { links } })).toMatchObject([{ result: 'pass' }]);
      });

      it('the tunnel: nodes of one network need none', () => {
        const routes = [aRoute({ destination: '10.244.2.0/24', gateway: '10.0.3.8', link: 'eth0' })];
        expect(judged(input('drop'), { host: { routes } })).toMatchObject([{ result: 'notApplicable' }]);
      });

      it.each([
        ['wireguard.cali', 'vxlan.calico', { 'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.1.1' }],
        ['cilium_wg0', 'cilium_vxlan', {}],
      ])('the tunnel: %s encrypts', (name, device, annotations) => {
        const host = {
          links: [...links, { ...tunnel, name: device }, aLink({ index: 22, name, kind: 'wireguard' })],
          routes: [throughTunnel(device)],
        };
        const wireguard = input('drop', '-A INPUT -p udp -m udp --dport 51820 -j ACCEPT');
        expect(judged(wireguard, { host, node: { annotations } })).toMatchObject([
          { result: 'notApplicable' },
        ]);
      });
    });

    it('finds it where the API knows the node by an address that it does not have', () => {
      const host = { addresses: [anAddress({ address: '172.31.0.5' })] };
      const links = [...aHostStack().links, { ...tunnel, vxlanLocal: '172.31.0.5' }];
      expect(failures(judged(input('drop'), { host: { ...host, links } }))).toHaveLength(1);
    });
  });
});
