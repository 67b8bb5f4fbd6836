import { describe, expect, it } from 'vitest';
import { nodeFirewallDrops } from '../../../lib/checks/firewall/node-firewall-drops.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import type { OtherNode } from '../../../lib/model/kubernetes.ts';
import type { NetworkStack, PacketFilter, Route } from '../../../lib/model/network.ts';
import {
  aClusterDns,
  aHostLink,
  aHostStack,
  aKernel,
  aLink,
  aNode,
  anAddress,
  aPod,
  aPodNetwork,
  aRoute,
  aStack,
  context,
  failures,
} from '../evidence.ts';
import { aCiliumPod } from '../layouts.ts';
import { aFilter } from './filters.ts';

type Chains = Readonly<Record<string, readonly string[]>>;

function filter(
  policy: string,
  chains: Chains,
  backend: PacketFilter['backend'] = 'iptables-nft',
): PacketFilter {
  const all = { FORWARD: [], ...chains };
  return {
    backend,
    tables: [
      {
        name: 'filter',
        chains: Object.entries(all).map(([name, rules]) => ({
          name,
          hook: name === 'FORWARD' ? 'forward' : null,
          policy: name === 'FORWARD' ? policy : null,
          rules: rules.map((rule) => `-A ${name} ${rule}`),
        })),
      },
    ],
  };
}

/** Rules in PREROUTING of table raw. */
const inRaw = (...rules: string[]): PacketFilter =>
  aFilter('iptables-legacy', 'raw', { PREROUTING: { hook: 'prerouting', policy: 'accept', rules } });

const run = (filters: PacketFilter[], networks: PodNetwork[] = [aPodNetwork()]) =>
  nodeFirewallDrops.run(
    {
      podNetworks: networks,
      hostNetwork: aHostStack(),
      hostPacketFilters: filters,
      otherNodes: [],
      clusterDns: aClusterDns(),
      kernel: aKernel(),
    },
    context,
  );

/** Rules of kube-proxy, Docker and others: none certainly accepts a pod's first packet. */
const KUBE_PROXY = [
  '-m conntrack --ctstate INVALID -m nfacct --nfacct-name ct_state_invalid_dropped_pkts -j DROP',
  '-m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT',
  '-m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
];

describe('node-firewall-drops', () => {
  it('passes a node whose FORWARD chain accepts by its policy, or has no packet filter at all', () => {
    expect(
      run([filter('ACCEPT', { FORWARD: ['-j KUBE-FORWARD'], 'KUBE-FORWARD': KUBE_PROXY })]),
    ).toMatchObject([{ result: 'pass' }]);
    expect(run([])).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a policy DROP beside the rules of kube-proxy, and lets the node forward again', () => {
    const [found] = failures(
      run([filter('DROP', { FORWARD: ['-j KUBE-FORWARD'], 'KUBE-FORWARD': KUBE_PROXY })]),
    );
    expect(found?.object).toEqual({ kind: 'node', name: 'node-1' });
    expect(found?.detail).toContain('policy DROP of FORWARD');
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      'iptables -S FORWARD',
      'iptables -P FORWARD ACCEPT',
    ]);
  });

  it('leaves a rule about the only pod of a node to node-firewall-drops-pod', () => {
    const pod = aPodNetwork();
    const [{ address = '' } = {}] = pod.stack?.addresses.filter(({ scope }) => scope === 'global') ?? [];
    for (const rule of [`-s ${address}/32 -j DROP`, `-d ${address}/32 -j REJECT`])
      expect(run([filter('ACCEPT', { FORWARD: [rule] })], [pod])).toMatchObject([{ result: 'pass' }]);
    const onLink = {
      ...{ name: 'guard', hook: 'ingress', policy: 'drop', rules: [] },
      devices: [pod.hostLink?.name ?? ''],
    };
    expect(
      run([{ backend: 'nftables', tables: [{ name: 'netdev e2e', chains: [onLink] }] }], [pod]),
    ).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a rule that drops what comes from the bridge, and removes that rule with the right program', () => {
    const rules = filter('ACCEPT', { FORWARD: ['-i cni0 -j DROP'] }, 'iptables-legacy');
    expect(failures(run([rules]))[0]?.remedy[1]?.command).toBe('iptables-legacy -D FORWARD -i cni0 -j DROP');
  });

  it('removes a rule whose comment has quotes, which iptables-save escapes', () => {
    const rule = String.raw`-i cni0 -m comment --comment "a \"b\" c\\d" -j DROP`;
    const [found] = failures(run([filter('ACCEPT', { FORWARD: [rule] }, 'iptables-legacy')]));
    expect(found?.remedy[1]?.command).toBe(
      String.raw`iptables-legacy -D FORWARD -i cni0 -m comment --comment 'a "b" c\d' -j DROP`,
    );
  });

  it.each([
    ['a rule for the pods of the node', ['-s 10.244.1.0/24 -j ACCEPT']],
    ['a rule for the bridge', ['-i cni0 -j ACCEPT']],
    ['a rule for links by a prefix', ['-i cni+ -j ACCEPT']],
    ['a rule that names what it is not for', ['! -i docker0 -j ACCEPT']],
    ['a condition that is not understood', ['-m set --match-set pods src -j ACCEPT']],
    [
      'a mark that an earlier rule may have set',
      ['-j MARK --set-xmark 0x10000/0x10000', '-m mark --mark 0x10000/0x10000 -j ACCEPT'],
    ],
    ['a target that is no chain', ['-j NFQUEUE --queue-num 1']],
    ['a chain that accepts', ['-j CNI-FORWARD']],
    ['a mark that BPF may have set', ['-i cni0 -m mark --mark 0x10/0x10 -j ACCEPT']],
    ['a rule for what stays in the cluster', ['-s 10.244.0.0/16 -d 10.244.0.0/16 -j ACCEPT']],
  ])('passes where %s may accept it before the policy', (_, rules) => {
    const filters = [filter('DROP', { FORWARD: rules, 'CNI-FORWARD': ['-s 10.244.1.2/32 -j ACCEPT'] })];
    expect(run(filters)).toMatchObject([{ result: 'pass' }]);
  });

  it.each([
    ['a rule for others', ['-s 172.17.0.0/16 -j ACCEPT', '-i docker0 -j ACCEPT']],
    ['a rule for answers only', ['-m state --state RELATED,ESTABLISHED -j ACCEPT']],
    ['a chain that returns', ['-j DOCKER-USER', '-j LOG']],
  ])('finds the policy in spite of %s', (_, rules) => {
    expect(failures(run([filter('DROP', { FORWARD: rules, 'DOCKER-USER': ['-j RETURN'] })]))).toHaveLength(1);
  });

  /** In the format of `nft list ruleset` for the rules of iptables-nft. */
  const nft = (policy: string, forward: string[], more: Record<string, string[]> = {}): PacketFilter => ({
    backend: 'iptables-nft',
    tables: [
      {
        name: 'ip filter',
        chains: [
          { name: 'FORWARD', hook: 'forward', policy, rules: forward },
          ...Object.entries(more).map(([name, rules]) => ({ name, hook: null, policy: null, rules })),
        ],
      },
    ],
  });

  it('reads the rules of iptables as nft writes them', () => {
    const chains = {
      'KUBE-FORWARD': [
        'ct state invalid xt match nfacct counter drop',
        'meta mark & 0x00004000 == 0x00004000 counter accept',
        'ct state related,established counter accept',
      ],
    };
    const [found] = failures(
      run([
        nft('drop', ['ct state new  counter jump KUBE-NONE', 'counter jump KUBE-FORWARD'], {
          ...chains,
          'KUBE-NONE': [],
        }),
      ]),
    );
    expect(found?.detail).toContain('policy drop of FORWARD');
    const dropped = failures(run([nft('accept', ['iifname "cni0" counter packets 0 bytes 0 drop'])]));
    expect(dropped[0]?.remedy.map(({ command }) => command)).toEqual([
      'iptables -S FORWARD',
      "nft -sa list chain ip filter FORWARD | sed 's/^[[:space:]]*/^/' | " +
        'grep -F -e \'^iifname "cni0" counter packets 0 bytes 0 drop # handle \' ' +
        "| sed 's/.* # handle //' | head -n 1 | xargs -r nft delete rule ip filter FORWARD handle",
    ]);
  });

  it.each([
    'iifname "cni0" counter accept',
    'iifname "cni*" counter accept',
    'iifname != "docker0" counter accept',
    'ip saddr 10.244.1.0/24 counter accept',
    'ip saddr { 10.244.1.0/24, 10.244.2.0/24 } counter accept',
    'meta l4proto { tcp, udp } ip saddr 10.244.0.0/16 counter accept',
    'ip saddr @pods accept',
    'iifname @links accept',
    'iifname . ip saddr { "cni0" . 10.244.1.0/24 } accept',
    'ip saddr . ip daddr { 10.244.1.2 . 10.9.0.1 } accept',
    'ip saddr 10.244.1.0-10.244.1.255 accept',
    'ip saddr vmap { 10.244.1.0/24 : accept, 10.9.0.0/16 : drop }',
    'fib saddr . iif oif exists accept',
    'meta mark set 0x1 accept',
    'log prefix "please drop this" accept',
    'xt match "set" counter accept',
    'counter queue num 1',
    'ct mark 0x1 accept',
    'ct state { new, established } accept',
    'ct state vmap { established : accept, new : accept }',
  ])('passes where "%s" may accept it', (rule) => {
    expect(run([nft('drop', [rule])])).toMatchObject([{ result: 'pass' }]);
  });

  it.each([
    'iifname "docker0" counter accept',
    'ip saddr 172.17.0.0/16 accept',
    'oifname "docker0" jump D',
    'counter jump D',
  ])('finds the policy in spite of "%s"', (rule) => {
    expect(failures(run([nft('drop', [rule], { D: ['counter return'] })]))).toHaveLength(1);
  });

  describe('kinds of traffic', () => {
    /** With a node 10.244.2.0/24 behind the uplink. */
    const host = (changes: Partial<NetworkStack> = {}) => {
      const stack = aHostStack();
      const toOther = aRoute({ destination: '10.244.2.0/24', gateway: '192.168.1.12', link: 'eth0' });
      return { ...stack, routes: [...stack.routes, toOther], ...changes };
    };
    const others: OtherNode[] = [
      aNode({ name: 'node-2', addresses: ['192.168.1.12', 'node-2'], podCIDRs: ['10.244.2.0/24'] }),
    ];
    const dns = (
      endpointAddresses: string[] | null = ['10.244.2.53', '10.244.2.54'],
      kubelet = '10.96.0.10',
    ) =>
      aClusterDns({
        services: [
          {
            ...{ namespace: 'kube-system', name: 'kube-dns', endpoints: 2 },
            addresses: ['10.96.0.10'],
            endpointAddresses,
          },
        ],
        kubelet: { servers: [kubelet], domain: 'cluster.local' },
      });
    const found = (
      filters: PacketFilter[],
      hostNetwork: NetworkStack = host(),
      otherNodes = others,
      clusterDns = dns(),
    ) =>
      failures(
        nodeFirewallDrops.run(
          {
            podNetworks: [aPodNetwork(), aPodNetwork()],
            hostNetwork,
            hostPacketFilters: filters,
            otherNodes,
            clusterDns,
            kernel: aKernel(),
          },
          context,
        ),
      )[0];
    const iptables = (...rules: string[]) => found([filter('ACCEPT', { FORWARD: rules })]);
    const ofNft = (name: string, hook: string, rules: string[], devices?: string[]): PacketFilter => ({
      backend: 'nftables',
      tables: [
        {
          name,
          chains: [{ name: 'own', hook, policy: 'accept', ...(devices && { devices }), rules }],
        },
      ],
    });

    it.each([
      ['all TCP that pods send', '-p tcp -j REJECT --reject-with icmp-port-unreachable'],
      ['all UDP that pods send', '-i cni0 -p udp -j DROP'],
      ['DNS queries that pods send', '-p udp -m udp --dport 53 -j DROP'],
      ['what pods send to pods of other nodes', '-s 10.244.0.0/16 -d 10.244.0.0/16 -j DROP'],
      ['what pods of other nodes send to pods of this one', '-d 10.244.1.0/24 -j DROP'],
    ])('finds that %s is dropped', (what, rule) => {
      const drop = iptables(rule);
      expect(drop?.detail).toContain(`drops ${what}: -A FORWARD ${rule}, and`);
      expect(drop?.remedy[1]?.command).toBe(`iptables -D FORWARD ${rule}`);
    });

    it('is high where only UDP or DNS is dropped, and critical else', () => {
      const severityOf = (rule: string) => iptables(rule)?.severity ?? nodeFirewallDrops.severity;
      expect(severityOf('-i cni0 -p udp -j DROP')).toBe('high');
      expect(severityOf('-p udp -m udp --dport 53 -j DROP')).toBe('high');
      expect(severityOf('-p tcp -j DROP')).toBe('critical');
    });

    it.each([
      ['one port of TCP', ['-p tcp -m tcp --dport 25 -j REJECT']],
      ['ports of UDP from a number on', ['-p udp -m udp --dport 1:1024 -j DROP']],
      ['what is not for the cluster', ['-p udp -m udp --dport 53 ! -d 10.244.0.0/16 -j DROP']],
      ['what pods send to one network', ['-s 10.244.0.0/16 -d 10.9.0.0/16 -j DROP']],
      ['connections that begin in an odd way', ['-p tcp -m tcp ! --tcp-flags SYN,ACK SYN -j DROP']],
      ['TCP after it was accepted', ['-i cni0 -j ACCEPT', '-o cni0 -j ACCEPT', '-p tcp -j DROP']],
      ['DNS of one pod', ['-s 10.244.1.77/32 -p udp -m udp --dport 53 -j DROP']],
      ['what another bridge gets', ['-o docker0 -p tcp -j DROP']],
    ])('leaves a rule alone that drops %s', (_, rules) => {
      expect(iptables(...rules)).toBeUndefined();
    });

    describe('DNS', () => {
      const noDns = filter('ACCEPT', { FORWARD: ['-p udp -m udp --dport 53 -j DROP'] });
      const withAddress = (link: string, address: string, prefixLength: number) =>
        host({ addresses: [...aHostStack().addresses, anAddress({ link, address, prefixLength })] });

      it.each([
        ['an endpoint', '10.244.2.54/32'],
        ['the Service', '10.96.0.10/32'],
        ['a server that the kubelet gives', '10.0.5.10/32'],
      ])('leaves rules alone that let pods ask %s', (_, server) => {
        const only = filter('ACCEPT', {
          FORWARD: [`-d ${server} -p udp -m udp --dport 53 -j ACCEPT`, '-p udp -m udp --dport 53 -j DROP'],
        });
        expect(found([only], host(), others, dns(undefined, '10.0.5.10'))).toBeUndefined();
        expect(found([only], host(), others, dns(['10.244.9.9'], '10.0.5.11')) === undefined).toBe(
          server.startsWith('10.96'),
        );
      });

      it('does not judge queries if nobody knows who answers them', () => {
        expect(found([noDns], host(), others, dns(null))).toBeUndefined();
        expect(found([noDns], host(), others, { ...dns(), services: null })).toBeUndefined();
        expect(found([noDns])?.detail).toContain('drops DNS queries that pods send');
      });

      it.each([
        ['at its own address', 'nodelocaldns', '169.254.20.10', 32],
        ['at the address of the Service', 'nodelocaldns', '10.96.0.10', 32],
        ['at an address that the kubelet gives', 'dummy0', '169.254.25.10', 30],
      ])('leaves rules alone where a cache on the node asks for the pods %s', (_, link, address, length) => {
        const kubelet = length === 30 ? address : '10.96.0.10';
        expect(
          found([noDns], withAddress(link, address, length), others, dns(undefined, kubelet)),
        ).toBeUndefined();
      });

      it.each([
        ['the end of a VPN tunnel', 'tun0', '169.254.11.2', 30],
        ['what kube-proxy has in mode ipvs', 'kube-ipvs0', '10.96.0.10', 32],
      ])('takes %s for no cache', (_, link, address, length) => {
        expect(found([noDns], withAddress(link, address, length))?.detail).toContain('drops DNS queries');
      });
    });

    it('sends to pods of other nodes what leaves by the link of their routes, and no other', () => {
      const flannel = aRoute({ destination: '10.244.2.0/24', gateway: '10.244.2.0', link: 'flannel.1' });
      const tunnel = host({ routes: [...aHostStack().routes, flannel] });
      const outwards = filter('ACCEPT', { FORWARD: ['-i cni0 -o eth0 -j DROP'] });
      expect(found([outwards], tunnel)).toBeUndefined();
      const into = filter('ACCEPT', { FORWARD: ['-i cni0 -o flannel.1 -j DROP'] });
      expect(found([into], tunnel)?.detail).toContain('drops what pods send to pods of other nodes');
      // A network that has nothing to do with pods.
      const vpn = aRoute({ destination: '10.50.0.0/16', gateway: '192.168.1.1', link: 'tun0' });
      const toVpn = filter('ACCEPT', { FORWARD: ['-o tun0 -j DROP'] });
      expect(found([toVpn], host({ routes: [...aHostStack().routes, vpn] }))).toBeUndefined();
    });

    it('brings to the port of a pod what pods of other nodes send', () => {
      const rule = 'oifname "veth*" ip saddr 10.244.2.0/24 drop';
      expect(found([ofNft('bridge f', 'output', [rule])])?.detail).toContain(
        'drops what pods of other nodes send to pods of this one: ',
      );
    });

    describe('to pods of other nodes', () => {
      const routed = (...routes: Partial<Route>[]) =>
        host({ routes: [...aHostStack().routes, ...routes.map((route) => aRoute(route))] });
      const dropped = (network: string) => [
        filter('ACCEPT', { FORWARD: [`-s 10.244.0.0/16 -d ${network} -j DROP`] }),
      ];

      it.each([
        ['a nameserver of the network', '10.244.0.2/32', '192.168.1.1'],
        ['a network for management', '10.244.200.0/24', '192.168.1.1'],
      ])('leaves %s alone, though its address is as those of pods', (_, destination, gateway) => {
        expect(found(dropped(destination), routed({ destination, gateway, link: 'eth0' }))).toBeUndefined();
      });

      it('takes no route for one to pods where these have addresses of the VPC', () => {
        const behindNode = routed({ destination: '10.244.77.0/24', gateway: '192.168.1.12', link: 'eth0' });
        const outcomeOf = (plugin: string) =>
          nodeFirewallDrops.run(
            {
              podNetworks: [aPodNetwork({ plugin })],
              hostNetwork: behindNode,
              hostPacketFilters: dropped('10.244.77.0/24'),
              otherNodes: others,
              clusterDns: dns(),
              kernel: aKernel(),
            },
            context,
          );
        expect(outcomeOf('aws-cni')).toMatchObject([{ result: 'pass' }]);
        expect(outcomeOf('ptp')).toMatchObject([{ result: 'fail' }]);
      });

      it('knows the blocks of Calico by the node behind them', () => {
        const destination = '10.244.77.64/26';
        const block = routed({ destination, gateway: '192.168.1.12', link: 'tunl0' });
        expect(found(dropped(destination), block)?.detail).toContain('what pods send to pods of other nodes');
        const tunnel = routed({ destination, gateway: '10.244.77.64', link: 'vxlan.calico' });
        const announces = { 'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.77.64' };
        const node = aNode({
          name: 'node-2',
          addresses: ['192.168.1.12'],
          podCIDRs: [],
          annotations: announces,
        });
        expect(found(dropped(destination), tunnel, [node])?.detail).toContain('to pods of other nodes');
        expect(found(dropped(destination), tunnel, [])).toBeUndefined();
      });
    });

    it.each([
      ['inet own', 'prerouting', 'ip saddr 10.244.0.0/16 ip daddr 10.244.0.0/16 drop'],
      ['ip own', 'forward', 'iifname "cni0" counter drop'],
      ['inet own', 'forward', 'log prefix "all accept " level info meta l4proto tcp reject'],
      ['inet own', 'prerouting', 'udp dport 53 drop'],
    ])('finds what a table %s drops at %s by "%s"', (table, hook, rule) => {
      const drop = found([ofNft(table, hook, [rule])]);
      expect(drop?.detail).toContain(`The node's chain own of table ${table} (nftables) drops `);
      expect(drop?.remedy[0]?.command).toBe(`nft -sa list chain ${table} own`);
      expect(drop?.remedy[1]?.command).toContain(`nft delete rule ${table} own handle`);
    });

    it('deletes the rule itself, and no other that ends with the same words', () => {
      const rules = ['ct state invalid drop', 'ip saddr 203.0.113.0/24 drop', 'drop'];
      const remedy = found([ofNft('inet own', 'forward', rules)])?.remedy[1]?.command ?? '';
      const [list, mark, search = ''] = remedy.split(' | ');
      expect([list, mark]).toEqual(['nft -sa list chain inet own own', "sed 's/^[[:space:]]*/^/'"]);
      const [, wanted = 'nothing'] = /^grep -F -e '(.*)'$/.exec(search) ?? [];
      const listed = rules.map((rule, at) => `^${rule} # handle ${at}`);
      expect(listed.filter((line) => line.includes(wanted))).toEqual(['^drop # handle 2']);
    });

    it('finds the policy of a chain of nftables', () => {
      const policy = ofNft('inet filter', 'forward', ['ct state established,related accept']);
      const [table] = policy.tables;
      if (table?.chains[0] !== undefined) table.chains[0].policy = 'drop';
      expect(found([policy])?.remedy[1]?.command).toBe("nft chain inet filter own '{ policy accept; }'");
    });

    it('finds what a chain of family netdev drops on the link of the pods, and not on others', () => {
      const rules = ['ip saddr 10.244.0.0/16 ip daddr 10.244.0.0/16 drop'];
      expect(found([ofNft('netdev own', 'ingress', rules, ['cni0'])])?.detail).toContain(
        'what pods send to pods of other nodes',
      );
      expect(found([ofNft('netdev own', 'ingress', rules, ['dummy0'])])).toBeUndefined();
      expect(found([ofNft('netdev own', 'egress', rules, ['cni0'])])).toBeUndefined();
    });

    it.each([
      ['bridge own', 'forward', 'drop'],
      ['inet own', 'postrouting', 'drop'],
      ['inet own', 'input', 'ct state new drop'],
      ['ip6 own', 'forward', 'drop'],
      ['inet kube-router', 'forward', 'drop'],
      ['inet own', 'prerouting', 'fib saddr . iif oif missing drop'],
      ['inet own', 'forward', 'ct state invalid drop'],
      ['inet own', 'forward', 'ip saddr 10.244.0.0/16 limit rate over 400/minute drop'],
      ['inet own', 'forward', 'ip daddr @denied drop'],
    ])('leaves a table %s alone that has "%s: %s"', (table, hook, rule) => {
      expect(found([ofNft(table, hook, [rule])])).toBeUndefined();
    });

    describe('connection tracking', () => {
      const raw = (rules: string[], chains: Chains = {}): PacketFilter => {
        const chain = (name: string, own: readonly string[]) => ({
          name,
          hook: null,
          policy: null,
          rules: [...own],
        });
        const jump = '-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-X';
        return {
          backend: 'iptables-legacy',
          tables: [
            { name: 'nat', chains: [chain('KUBE-SERVICES', [jump])] },
            {
              name: 'raw',
              chains: [
                { ...chain('PREROUTING', rules), hook: 'prerouting', policy: 'accept' },
                ...Object.entries(chains).map(([name, own]) => chain(name, own)),
              ],
            },
          ],
        };
      };

      it('finds that what all pods send is not tracked', () => {
        const drop = found([raw(['-A PREROUTING -s 10.244.0.0/16 -j CT --notrack'])]);
        expect(drop?.detail).toContain('keeps what pods send out of connection tracking');
        expect(drop?.evidence[0]).toMatchObject({ expected: 'tracked' });
        expect(drop?.remedy[1]?.command).toBe(
          'iptables-legacy -t raw -D PREROUTING -s 10.244.0.0/16 -j CT --notrack',
        );
      });

      it('reads it as nft writes it', () => {
        const rules = raw([], {});
        const nftRules: PacketFilter = {
          ...rules,
          backend: 'iptables-nft',
          tables: rules.tables.map((table) =>
            table.name === 'raw'
              ? {
                  ...table,
                  chains: table.chains.map((each) => ({
                    ...each,
                    rules: ['ip saddr 10.244.0.0/16 counter notrack'],
                  })),
                }
              : table,
          ),
        };
        expect(found([nftRules])?.detail).toContain('out of connection tracking');
      });

      it.each([
        ['of one port', ['-A PREROUTING -p udp -m udp --dport 8472 -j CT --notrack'], {}],
        ['for a cache on the node', ['-A PREROUTING -d 169.254.20.10/32 -j CT --notrack'], {}],
        ['between pods', ['-A PREROUTING -s 10.244.0.0/16 -d 10.244.0.0/16 -j CT --notrack'], {}],
        ['after it was accepted', ['-A PREROUTING -i cni0 -j ACCEPT', '-A PREROUTING -j CT --notrack'], {}],
        ['zones', ['-A PREROUTING -i cni0 -j CT --zone 1'], {}],
        [
          'of an agent',
          ['-A PREROUTING -j cali-PREROUTING'],
          { 'cali-PREROUTING': ['-A cali-PREROUTING -j CT --notrack'] },
        ],
      ])('leaves rules alone about what is %s', (_, rules, chains) => {
        expect(found([raw(rules, chains)])).toBeUndefined();
      });

      it('leaves it alone without kube-proxy', () => {
        const rules = raw(['-A PREROUTING -s 10.244.0.0/16 -j CT --notrack']);
        expect(
          found([{ ...rules, tables: rules.tables.filter(({ name }) => name === 'raw') }]),
        ).toBeUndefined();
      });
    });

    describe('of the node itself', () => {
      const own = (chain: 'INPUT' | 'OUTPUT', policy: string, ...rules: string[]): PacketFilter => ({
        backend: 'iptables-legacy',
        tables: [
          {
            name: 'filter',
            chains: [
              {
                name: chain,
                hook: chain.toLowerCase(),
                policy,
                rules: rules.map((rule) => `-A ${chain} ${rule}`),
              },
            ],
          },
        ],
      });

      it.each([
        ['what the node sends to its pods', own('OUTPUT', 'ACCEPT', '-d 10.244.0.0/16 -j DROP')],
        ['what the node sends to its pods', own('OUTPUT', 'ACCEPT', '-o cni0 -j REJECT')],
        ['what the node sends to its pods', own('OUTPUT', 'DROP', '-d 192.168.1.0/24 -j ACCEPT')],
        ['all TCP that the node sends to its pods', own('OUTPUT', 'ACCEPT', '-o cni0 -p tcp -j REJECT')],
        ['what pods answer to the node', own('INPUT', 'ACCEPT', '-s 10.244.0.0/16 -j DROP')],
        ['what pods answer to the node', own('INPUT', 'ACCEPT', '-i cni0 -j DROP')],
      ])('finds that %s is dropped', (what, filters) => {
        expect(found([filters])).toMatchObject({
          severity: 'high',
          detail: expect.stringContaining(`drops ${what}: `),
        });
      });

      it.each([
        ['what pods send to the node', own('INPUT', 'DROP', '-m conntrack --ctstate ESTABLISHED -j ACCEPT')],
        ['new connections of pods', own('INPUT', 'ACCEPT', '-i cni0 -m state --state NEW -j DROP')],
        ['what is for one address of the node', own('INPUT', 'ACCEPT', '-i cni0 -d 192.168.1.11/32 -j DROP')],
        ['what is for one port of pods', own('OUTPUT', 'ACCEPT', '-o cni0 -p tcp -m tcp --dport 22 -j DROP')],
        [
          'what comes from one address of the node',
          own('OUTPUT', 'ACCEPT', '-s 192.168.1.11/32 -o cni0 -j DROP'),
        ],
        ['what leaves the node', own('OUTPUT', 'ACCEPT', '-o eth0 -j DROP')],
        ['what is accepted from one address', own('OUTPUT', 'DROP', '-s 10.244.1.1/32 -j ACCEPT')],
      ])('leaves a rule alone that drops %s', (_, filters) => {
        expect(found([filters])).toBeUndefined();
      });
    });

    it('finds what tables raw and mangle drop', () => {
      const raw = inRaw('-A PREROUTING -i cni0 -j DROP');
      expect(found([raw])?.detail).toContain("The node's PREROUTING chain of table raw (iptables-legacy)");
      expect(found([raw])?.remedy.map(({ command }) => command)).toEqual([
        'iptables-legacy -t raw -S PREROUTING',
        'iptables-legacy -t raw -D PREROUTING -i cni0 -j DROP',
      ]);
    });
  });

  describe('on the node', () => {
    const podAt = (last: number, plugin = 'bridge') => {
      const uid = `pod-${last}`;
      const link = { name: `veth${last}`, master: plugin === 'bridge' ? 'cni0' : null };
      return aPodNetwork({
        pod: aPod({ uid, podIPs: [`10.244.1.${last}`] }),
        plugin,
        stack: aStack({ addresses: [anAddress({ address: `10.244.1.${last}` })] }),
        hostLink: aHostLink(link),
      });
    };
    const bridged = [podAt(3), podAt(4)];
    const judged = (filters: PacketFilter[], networks = bridged, sees = '1') =>
      nodeFirewallDrops.run(
        {
          ...{ podNetworks: networks, hostNetwork: aHostStack(), hostPacketFilters: filters },
          ...{ otherNodes: [], clusterDns: aClusterDns() },
          kernel: aKernel({ sysctls: { 'net.bridge.bridge-nf-call-iptables': sees } }),
        },
        context,
      );
    const nft = (table: string, name: string, hook: string, policy: string, ...rules: string[]) =>
      aFilter('nftables', table, { [name]: { hook, policy, rules } });

    it.each<[string, PacketFilter]>([
      [
        'what one port of a bridge sends to another',
        filter('ACCEPT', { FORWARD: ['-i cni0 -o cni0 -j DROP'] }),
      ],
      ['what a bridge passes on', filter('ACCEPT', { FORWARD: ['-m physdev --physdev-is-bridged -j DROP'] })],
      ['frames, by the policy of ebtables', nft('bridge filter', 'FORWARD', 'forward', 'drop')],
      ['frames of IPv4', nft('bridge filter', 'FORWARD', 'forward', 'accept', 'ether type ip counter drop')],
    ])('finds a rule that drops %s', (_, broken) => {
      const [found] = failures(judged([broken]));
      expect(found).toMatchObject({ severity: 'high' });
      expect(found?.detail).toContain('what pods send to other pods of the node');
    });

    it('finds answers dropped by a chain that accepts only what a node serves', () => {
      const input = (...rules: string[]) =>
        aFilter('iptables-legacy', 'filter', { INPUT: { hook: 'input', policy: 'drop', rules } });
      const served = ['-A INPUT -i lo -j ACCEPT', '-A INPUT -p tcp -m tcp --dport 10250 -j ACCEPT'];
      expect(failures(judged([input(...served, '-A INPUT -p icmp -j ACCEPT')]))[0]?.detail).toContain(
        'drops what pods answer to the node: policy drop of INPUT',
      );
      for (const rule of [
        '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
        '-p tcp --dport 1024:65535 -j ACCEPT',
      ])
        expect(judged([input(...served, `-A INPUT ${rule}`)])).toMatchObject([{ result: 'pass' }]);
    });

    it('takes no status of a connection for what a rule does', () => {
      const guard = 'ip saddr != 127.0.0.0/8 ip daddr 127.0.0.0/8  ct status dnat counter drop';
      const status = aFilter('nftables', 'ip f', { in: { hook: 'input', policy: 'drop', rules: [guard] } });
      expect(failures(judged([status]))[0]?.detail).toContain('policy drop of in');
      const accepted = aFilter('nftables', 'ip f', {
        in: { hook: 'input', policy: 'drop', rules: ['ct status != dnat accept'] },
      });
      expect(judged([accepted])).toMatchObject([{ result: 'pass' }]);
      const counted = nft('ip f', 'f', 'forward', 'accept', 'ct status != dnat counter', 'drop');
      expect(failures(judged([counted]))).toHaveLength(1);
    });

    it('finds a rule between the links of pods that have no bridge', () => {
      const between = filter('ACCEPT', { FORWARD: ['-i veth+ -o veth+ -j DROP'] });
      expect(failures(judged([between], [podAt(3, 'ptp'), podAt(4, 'ptp')]))).toHaveLength(1);
      expect(judged([between], [podAt(3, 'ptp')])).toMatchObject([{ result: 'pass' }]);
    });

    it('follows no rules of IP for what a bridge keeps from them, nor rules about other bridges', () => {
      expect(
        judged([filter('ACCEPT', { FORWARD: ['-i cni0 -o cni0 -j DROP'] })], bridged, '0'),
      ).toMatchObject([{ result: 'pass' }]);
      for (const rule of ['meta ibrname "docker0" drop', 'iifname "veth9" drop', 'ether type arp drop'])
        expect(judged([nft('bridge filter', 'FORWARD', 'forward', 'accept', rule)])).toMatchObject([
          { result: 'pass' },
        ]);
      expect(
        judged([nft('bridge filter', 'FORWARD', 'forward', 'drop')], [podAt(3, 'ptp'), podAt(4, 'ptp')]),
      ).toMatchObject([{ result: 'pass' }]);
    });

    it.each([
      ['frames for the node', nft('bridge filter', 'INPUT', 'input', 'drop'), 'what pods send'],
      [
        'frames of the node',
        nft('bridge filter', 'OUTPUT', 'output', 'drop'),
        'what the node sends to its pods',
      ],
      ['ARP of pods', nft('arp filter', 'INPUT', 'input', 'drop'), 'ARP packets of pods'],
      [
        'ARP that comes from the bridge',
        nft(
          'arp f',
          'in',
          'input',
          'accept',
          'iifname "cni0" arp htype 1 arp hlen 6 arp plen 4 counter drop',
        ),
        'ARP packets of pods',
      ],
      [
        'ARP in frames',
        nft('bridge filter', 'INPUT', 'input', 'accept', 'ether type arp counter drop'),
        'ARP packets of pods',
      ],
      ['its own ARP', nft('arp f', 'out', 'output', 'drop'), 'ARP packets of the node for its pods'],
    ])('finds rules that drop %s', (_, broken, what) => {
      expect(failures(judged([broken]))[0]?.detail).toContain(`drops ${what}: `);
    });

    it('takes no rule about an address of IP for one about ARP', () => {
      const rules = ['ip saddr 10.244.0.0/16 ether type arp drop', 'arp operation reply drop'];
      expect(judged([nft('bridge f', 'in', 'input', 'accept', ...rules)])).toMatchObject([
        { result: 'pass' },
      ]);
      expect(judged([nft('arp f', 'in', 'input', 'accept', 'arp saddr ip 10.99.0.0/24 drop')])).toMatchObject(
        [{ result: 'pass' }],
      );
    });

    it.each([
      filter('ACCEPT', { FORWARD: ['-m statistic --mode random --probability 0.30000000019 -j DROP'] }),
      nft('ip f', 'f', 'forward', 'accept', 'meta random & 2147483647 < 1073741824 counter drop'),
      nft('inet f', 'f', 'forward', 'accept', 'numgen random mod 100 < 30 drop'),
    ])('finds a rule that drops at random', (broken) => {
      const [found] = failures(judged([broken]));
      expect(found).toMatchObject({ severity: 'high' });
      expect(found?.detail).toContain('drops a part of what pods send: ');
    });

    it('leaves alone what shares out packets at random, or loses those of one pod', () => {
      for (const rule of [
        '-m statistic --mode random --probability 0.5 -j ACCEPT',
        '-s 10.244.1.3/32 -m statistic --mode random --probability 0.5 -j DROP',
        '-m statistic --mode nth --every 2 --packet 0 -j ACCEPT',
      ])
        expect(judged([filter('ACCEPT', { FORWARD: [rule] })])).toMatchObject([{ result: 'pass' }]);
    });
  });

  it('passes where one pod may send: what stops the others is meant', () => {
    const other = aPodNetwork({
      pod: aPod({ name: 'web-2', podIPs: ['10.244.1.3'] }),
      stack: aStack({ addresses: [anAddress({ address: '10.244.1.3' })] }),
    });
    const filters = [filter('DROP', { FORWARD: ['-s 10.244.1.3/32 -j ACCEPT'] })];
    expect(run(filters, [aPodNetwork(), other])).toMatchObject([{ result: 'pass' }]);
  });

  it('judges no pod that BPF forwards for', () => {
    expect(run([filter('DROP', {})], [aCiliumPod().network])).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('judges what pods of Cilium send out of the node where the kernel masquerades it', () => {
    const rules = ['-A CILIUM_POST_nat -s 10.244.1.0/24 ! -d 10.244.0.0/16 ! -o cilium_+ -j MASQUERADE'];
    const nat = aFilter('iptables-nft', 'nat', { CILIUM_POST_nat: { rules } });
    const pods = [aCiliumPod().network, aCiliumPod().network];
    const [found] = failures(run([nat, filter('DROP', {})], pods));
    expect(found?.detail).toContain('drops what pods send out of the node: policy DROP of FORWARD');
    expect(found?.severity).toBe('high');
    const accepts = ['-i lxc+ -j ACCEPT'];
    const reached = filter('DROP', { FORWARD: ['-j CILIUM_FORWARD'], CILIUM_FORWARD: accepts });
    expect(run([nat, reached], pods)).toMatchObject([{ result: 'pass' }]);
    // Who keeps pods from the outside alone may want that.
    const inside = filter('ACCEPT', { FORWARD: ['! -d 10.0.0.0/8 -j DROP'] });
    expect(run([nat, inside], pods)).toMatchObject([{ result: 'pass' }]);
  });

  describe('between nodes of Cilium', () => {
    const masquerades = ['-A CILIUM_POST_nat -s 10.244.1.0/24 ! -d 10.244.0.0/16 -j MASQUERADE'];
    const nat = aFilter('iptables-nft', 'nat', { CILIUM_POST_nat: { rules: masquerades } });
    const { network, host } = aCiliumPod();
    const toOther = aRoute({ destination: '10.244.2.0/24', gateway: '10.0.3.8' });
    const native = { ...host, routes: [...host.routes, toOther] };
    const tunnel = aLink({ index: 9, name: 'cilium_vxlan', kind: 'vxlan', peer: null });
    const { name, createdAt, ready, annotations } = aNode({ name: 'node-2' });
    const other = {
      name,
      createdAt,
      ready,
      annotations,
      addresses: ['10.0.3.8'],
      podCIDRs: ['10.244.2.0/24'],
    };
    const of = (filters: PacketFilter[], hostNetwork = native) =>
      nodeFirewallDrops.run(
        {
          ...{ podNetworks: [network, network], hostNetwork, hostPacketFilters: filters },
          ...{ otherNodes: [other], clusterDns: aClusterDns(), kernel: aKernel() },
        },
        context,
      );
    const between = filter('ACCEPT', { FORWARD: ['-s 10.244.0.0/16 -d 10.244.0.0/16 -j DROP'] });

    it.each([
      ['what pods send to pods of other nodes', between],
      ['what pods of other nodes send to pods of this one', inRaw('-A PREROUTING -d 10.244.1.0/24 -j DROP')],
      [
        'what pods of other nodes send to pods of this one',
        filter('ACCEPT', { FORWARD: ['-o cilium_host -j DROP'] }),
      ],
    ])('finds without a tunnel that %s is dropped', (what, rules) => {
      const [found] = failures(of([nat, rules]));
      expect(found?.detail).toContain(`drops ${what}`);
      expect(found?.severity ?? nodeFirewallDrops.severity).toBe('critical');
    });

    it('finds that what the node and its pods exchange is dropped, with a tunnel too', () => {
      const inTunnel = {
        ...native,
        links: [...native.links, tunnel],
        addresses: [...native.addresses, anAddress({ link: 'cilium_host', address: '10.244.1.200' })],
      };
      const answers = inRaw('-A PREROUTING -d 10.244.1.0/24 -j DROP');
      const [found] = failures(of([nat, answers], inTunnel));
      expect(found?.detail).toContain('drops what pods answer to the node');
      expect(found?.severity).toBe('high');
      const out = aFilter('iptables-nft', 'filter', {
        OUTPUT: { hook: 'output', policy: 'accept', rules: ['-A OUTPUT -o cilium_host -j DROP'] },
      });
      expect(failures(of([nat, out], inTunnel))[0]?.detail).toContain(
        'drops what the node sends to its pods',
      );
      expect(of([answers], inTunnel)).toMatchObject([{ result: 'notApplicable' }]);
    });

    it('passes what programs carry: all without rules that masquerade, and what goes by a tunnel', () => {
      expect(of([between])).toMatchObject([{ result: 'notApplicable' }]);
      expect(of([nat, between], { ...native, links: [...native.links, tunnel] })).toMatchObject([
        { result: 'pass' },
      ]);
      expect(
        of([nat, filter('DROP', { FORWARD: ['-i lxc+ -j ACCEPT', '-o cilium_host -j ACCEPT'] })]),
      ).toMatchObject([{ result: 'pass' }]);
    });
  });

  it('deletes no guard of an agent that sees marks of BPF', () => {
    const guard = {
      FORWARD: ['-j cali-FORWARD'],
      'cali-FORWARD': [
        '-i cni+ -m comment --comment "From workload without BPF seen mark" -m mark ! --mark 0x1000000/0x1000000 -j DROP',
      ],
    };
    expect(run([filter('ACCEPT', guard)])).toMatchObject([{ result: 'pass' }]);
  });

  describe('of a node with very many rules', { timeout: 120_000 }, () => {
    const pods = Array.from({ length: 30 }, (_, at) =>
      aPodNetwork({
        pod: aPod({ name: `web-${at}` }),
        stack: aStack({ addresses: [anAddress({ address: `10.244.1.${at + 2}` })] }),
      }),
    );
    const others = (count: number) =>
      Array.from({ length: count }, (_, at) => `-s 172.${at >> 8}.${at & 255}.0/24 -j DROP`);
    const raw = (count: number) => inRaw(...others(count).map((rule) => `-A PREROUTING ${rule}`));
    const unknown = { result: 'unknown', reason: 'the node has too many rules to follow them all' };

    it('finds a policy DROP behind thousands of them', () => {
      expect(failures(run([filter('DROP', { FORWARD: others(6000) })], pods))).toHaveLength(1);
      expect(failures(run([raw(6000), filter('DROP', {})], pods))).toHaveLength(1);
    });

    it('finds what a later chain certainly drops, however long an earlier one is', () => {
      expect(failures(run([raw(15_000), filter('DROP', {})]))).toHaveLength(1);
      expect(failures(run([raw(25_000), filter('DROP', {})]))).toHaveLength(1);
    });

    it('says so where it could not follow them, and takes no such node for a healthy one', () => {
      const all = [filter('DROP', { FORWARD: others(25_000) })];
      expect(run(all)).toMatchObject([unknown]);
      expect(run(all, pods)).toMatchObject([unknown]);
    });

    it('passes where a packet of one pod passes', () => {
      const rules = [...others(15_000), '-s 10.244.1.21/32 -j ACCEPT'];
      expect(run([filter('DROP', { FORWARD: rules })], pods)).toMatchObject([{ result: 'pass' }]);
    });

    it('finds one kind of traffic where another could not be followed', () => {
      const filters = filter('ACCEPT', {
        FORWARD: ['-p udp -j ACCEPT', ...others(25_000)],
        OUTPUT: ['-o cni0 -j DROP'],
      });
      const [found] = failures(run([filters], pods));
      expect(found?.detail).toContain('drops what the node sends to its pods');
    });

    it('ends where chains call each other without end', () => {
      const chains = Object.fromEntries(
        Array.from({ length: 11 }, (_, at) => [`C${at}`, Array.from({ length: 8 }, () => `-j C${at + 1}`)]),
      );
      const start = process.cpuUsage();
      const rules = filter('DROP', { FORWARD: ['-j C0'], ...chains, C11: ['-j LOG'] });
      expect(run([rules], pods)).toMatchObject([unknown]);
      const { user, system } = process.cpuUsage(start);
      expect((user + system) / 1e6).toBeLessThan(5);
    });
  });

  it('ends where a node shows chains at hooks by the thousand', () => {
    const chains = Array.from({ length: 20_000 }, (_, at) => ({
      name: `c${at}`,
      hook: 'forward',
      policy: 'accept',
      rules: [],
    }));
    const start = process.cpuUsage();
    expect(run([{ backend: 'nftables', tables: [{ name: 'inet x', chains }] }])).toMatchObject([
      { result: 'pass' },
    ]);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1e6).toBeLessThan(5);
  });

  it('takes no hostile rule for a certain one', () => {
    const loop = { FORWARD: ['-j A'], A: ['-j B'], B: ['-j A'] };
    expect(run([filter('DROP', loop)])).toMatchObject([{ result: 'pass' }]);
    const odd = filter('ACCEPT', {});
    odd.tables[0]?.chains[0]?.rules.push('DROP everything', '-A FORWARD -j', '', 'drop what you like');
    expect(run([odd])).toMatchObject([{ result: 'pass' }]);
  });
});
