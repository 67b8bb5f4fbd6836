import { describe, expect, it } from 'vitest';
import { nodeFirewallDrops } from '../../../lib/checks/firewall/node-firewall-drops.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import {
  aClusterDns,
  aHostLink,
  aHostStack,
  aKernel,
  anAddress,
  aPod,
  aPodNetwork,
  aRoute,
  aStack,
  context,
  failures,
} from '../evidence.ts';
import { aFilter } from './filters.ts';

/** A pod on a bridge, or on none. */
function podAt(last: number, { bridge = 'cni0' as string | null, family = 4 as 4 | 6 } = {}): PodNetwork {
  const address = family === 4 ? `10.244.1.${last}` : `fd00:1::${last}`;
  return aPodNetwork({
    pod: aPod({ uid: `pod-${family}-${last}`, name: `web-${last}`, podIPs: [address] }),
    plugin: bridge === null ? 'ptp' : 'bridge',
    stack: aStack({ addresses: [anAddress({ address, family, prefixLength: family === 4 ? 24 : 64 })] }),
    hostLink: aHostLink({ name: `veth${last}`, master: bridge }),
  });
}
const TWO = [podAt(3), podAt(4)];
const APART = [podAt(3, { bridge: null }), podAt(4, { bridge: null })];
const OF_IPV6 = [podAt(3, { family: 6 }), podAt(4, { family: 6 })];
const hostOf = (networks: readonly PodNetwork[]) => {
  const held = networks.flatMap((network) => network.stack?.addresses ?? []);
  return held.some(({ family }) => family === 6)
    ? aHostStack({ routes: [aRoute({ family: 6, destination: '::/0', gateway: 'fe80::1', link: 'eth0' })] })
    : aHostStack();
};

function judged(filters: readonly PacketFilter[], networks: readonly PodNetwork[] = TWO, sees = '1') {
  const sysctls = {
    'net.bridge.bridge-nf-call-iptables': sees,
    'net.bridge.bridge-nf-call-ip6tables': sees,
  };
  return nodeFirewallDrops.run(
    {
      ...{ podNetworks: [...networks], hostNetwork: hostOf(networks), hostPacketFilters: [...filters] },
      ...{ otherNodes: [], clusterDns: aClusterDns(), kernel: aKernel({ sysctls }) },
    },
    context,
  );
}
const details = (...args: Parameters<typeof judged>) =>
  failures(judged(...args)).map(({ detail, severity }) => `${severity ?? 'critical'}: ${detail}`);

/** Chains of iptables-legacy by name; those of a hook accept. */
const legacy = (chains: Readonly<Record<string, readonly string[]>>) =>
  aFilter(
    'iptables-legacy',
    'filter',
    Object.fromEntries(
      Object.entries(chains).map(([name, rules]) => [
        name,
        {
          ...(name === 'FORWARD' ? { hook: 'forward', policy: 'ACCEPT' } : {}),
          rules: rules.map((rule) => `-A ${name} ${rule}`),
        },
      ]),
    ),
  );
const nft = (table: string, hook: string, ...rules: string[]) =>
  aFilter('nftables', table, { guard: { hook, policy: 'accept', rules } });
const onDevice = (device: string, ...rules: string[]): PacketFilter => ({
  backend: 'nftables',
  tables: [
    {
      name: 'netdev guard',
      chains: [{ name: 'guard', hook: 'ingress', policy: 'accept', devices: [device], rules }],
    },
  ],
});

describe('packets of pods beside each other', () => {
  it.each<[string, PacketFilter, readonly PodNetwork[]]>([
    ['by address', legacy({ FORWARD: ['-d 10.244.1.4/32 -j DROP'] }), TWO],
    ['by address, without a bridge', legacy({ FORWARD: ['-d 10.244.1.4/32 -j DROP'] }), APART],
    ['by link', legacy({ FORWARD: ['-o veth4 -j DROP'] }), APART],
    ['both ways', legacy({ FORWARD: ['-s 10.244.1.4/32 -j DROP', '-d 10.244.1.4/32 -j DROP'] }), TWO],
    ['by the port of a bridge', nft('bridge f', 'forward', 'oifname "veth4" drop'), TWO],
    [
      'between two others',
      nft('inet f', 'forward', 'ip saddr 10.244.1.4 drop', 'ip daddr 10.244.1.4 drop'),
      [...TWO, podAt(5)],
    ],
  ])('leaves a rule that cuts off one pod to node-firewall-drops-pod: %s', (_, filter, networks) => {
    expect(details([filter], networks)).toEqual([]);
    expect(details([filter], networks, '0')).toEqual([]);
  });

  it('finds a rule for all of them, however many are cut off by a rule of their own', () => {
    const own = ['-d 10.244.1.3/32 -j DROP', '-d 10.244.1.4/32 -j DROP'];
    expect(details([legacy({ FORWARD: own })])).toEqual([]);
    const last = ['-d 10.244.1.4/32 -j DROP', '-d 10.244.1.5/32 -j DROP'];
    expect(details([legacy({ FORWARD: last })], [podAt(4), podAt(5)])).toEqual([]);
    const [found] = details([legacy({ FORWARD: [...own, '-i cni0 -o cni0 -j DROP'] })]);
    expect(found).toMatch(
      /^high: .* drops what pods send to other pods of the node: .* all 2 pods that were/,
    );
  });

  it('finds a rule about all ports of the bridge', () => {
    const rule = 'iifname "veth*" oifname "veth*" drop';
    expect(details([nft('bridge f', 'forward', rule)], TWO, '0')).toHaveLength(1);
  });

  it('leaves pods alone that the firewall plugin isolates', () => {
    const filter = legacy({
      FORWARD: ['-j CNI-ISOLATION-STAGE-1'],
      'CNI-ISOLATION-STAGE-1': [
        '-i cni0 ! -o cni0 -j CNI-ISOLATION-STAGE-2',
        '-i cni0 -o cni0 -j DROP',
        '-j RETURN',
      ],
      'CNI-ISOLATION-STAGE-2': ['-o cni0 -j DROP', '-j RETURN'],
    });
    expect(details([filter])).toEqual([]);
  });

  it('asks for the setting of each family whether IP sees what a bridge passes on', () => {
    const ip6 = (rule: string) =>
      aFilter('ip6tables-legacy', 'filter', {
        FORWARD: { hook: 'forward', policy: 'ACCEPT', rules: [`-A FORWARD ${rule}`] },
      });
    const between = ip6('-i cni0 -o cni0 -j DROP');
    expect(details([between], OF_IPV6)).toHaveLength(1);
    expect(details([between], OF_IPV6, '0')).toEqual([]);
    const sysctls = { 'net.bridge.bridge-nf-call-iptables': '1' };
    const sources = {
      ...{ podNetworks: OF_IPV6, hostNetwork: hostOf(OF_IPV6), hostPacketFilters: [between] },
      ...{ otherNodes: [], clusterDns: aClusterDns(), kernel: aKernel({ sysctls }) },
    };
    expect(failures(nodeFirewallDrops.run(sources, context))).toEqual([]);
  });

  it('sends nothing from a pod of one family to one of the other', () => {
    const mixed = [podAt(3), podAt(4, { family: 6 })];
    expect(details([nft('bridge f', 'forward', 'drop')], mixed, '0')).toEqual([]);
    expect(details([nft('bridge f', 'forward', 'drop')], [...mixed, podAt(5)], '0')).toHaveLength(1);
  });

  it('routes what one bridge sends to another, which no rule of bridged packets concerns', () => {
    const bridges = [podAt(3), podAt(4, { bridge: 'cni1' })];
    const drop = aFilter('nftables', 'bridge filter', {
      FORWARD: { hook: 'forward', policy: 'drop', rules: [] },
    });
    expect(details([drop], bridges, '0')).toEqual([]);
    expect(details([legacy({ FORWARD: ['-m physdev --physdev-is-bridged -j DROP'] })], bridges)).toEqual([]);
    expect(
      details([legacy({ FORWARD: ['-i cni0 -o cni1 -j DROP', '-i cni1 -o cni0 -j DROP'] })], bridges),
    ).toEqual([]);
  });

  it('follows ingress of the port alone for what a bridge passes on, which its own link does not get', () => {
    const between = 'ip saddr 10.244.1.0/24 ip daddr 10.244.1.0/24 drop';
    expect(details([onDevice('cni0', between)], TWO, '0')).toEqual([]);
    expect(details([onDevice('cni0', between)])).toEqual([]);
    const ports = [onDevice('veth3', between), onDevice('veth4', between)];
    expect(details(ports, TWO, '0').join()).toContain('drops what pods send to other pods of the node: ');
    expect(details(ports.slice(0, 1), TWO, '0')).toEqual([]);
  });
});

describe('rules about what a frame carries', () => {
  it.each<[PacketFilter, readonly PodNetwork[]]>([
    [nft('bridge f', 'prerouting', 'iifname "veth*" arp daddr ip != 10.244.1.0/24 drop'), TWO],
    [nft('bridge f', 'output', 'arp saddr ip != 10.244.1.1 drop'), TWO],
    [nft('bridge f', 'forward', 'arp daddr ip 10.244.1.0/24 drop'), TWO],
    [nft('bridge f', 'prerouting', 'arp saddr ip != 10.244.1.0/24 drop'), OF_IPV6],
    [nft('bridge f', 'forward', 'ip daddr != 10.244.0.0/16 drop'), OF_IPV6],
    [nft('bridge f', 'forward', 'ip protocol tcp drop', 'ether type ip drop'), OF_IPV6],
    [nft('inet f', 'forward', 'ip saddr != 10.244.0.0/16 drop'), OF_IPV6],
    [nft('inet f', 'forward', 'ip6 nexthdr tcp drop', 'ip6 hoplimit 1 drop'), TWO],
    [nft('inet f', 'input', 'ip6 nexthdr tcp drop'), TWO],
    [onDevice('cni0', 'arp daddr ip != 10.244.1.0/24 drop'), TWO],
  ])('leaves alone what concerns other packets: %j', (filter, networks) => {
    expect(details([filter], networks, '0')).toEqual([]);
  });

  it('finds what drops these packets', () => {
    expect(details([nft('bridge f', 'forward', 'ether type ip6 drop')], OF_IPV6, '0')).toHaveLength(1);
    expect(details([nft('inet f', 'forward', 'ip6 nexthdr tcp drop')], OF_IPV6).join()).toContain('all TCP');
    expect(details([nft('bridge f', 'prerouting', 'arp htype 1 counter drop')]).join()).toContain(
      'drops ARP packets of pods: ',
    );
    expect(details([nft('bridge f', 'prerouting', 'arp saddr ip 10.244.0.0/16 drop')]).join()).toContain(
      'drops ARP packets of pods: ',
    );
    expect(details([nft('bridge f', 'prerouting', 'ip saddr 10.244.0.0/16 drop')]).join()).toContain(
      'drops what pods send: ',
    );
  });

  it('lets no accept for others hide the policy', () => {
    const policy = aFilter('nftables', 'inet f', {
      guard: { hook: 'forward', policy: 'drop', rules: ['ip6 saddr != fd00::/8 accept'] },
    });
    expect(details([policy])).toHaveLength(1);
    expect(details([policy], [podAt(3, { family: 6 })])).toHaveLength(1);
  });

  it.each([
    'ct original ip saddr 10.244.0.0/16 drop',
    'rt ip nexthop 192.168.1.1 drop',
    'vxlan ip saddr 10.244.0.0/16 drop',
  ])('takes no address for that of the packet in "%s"', (rule) =>
    expect(details([nft('inet f', 'forward', rule)])).toEqual([]),
  );
});

describe('rules that drop a part', () => {
  const SHARE = '-m statistic --mode random --probability 0.50000000000';
  it.each<[string, PacketFilter]>([
    ['a share by chance', legacy({ FORWARD: [`${SHARE} -j DROP`] })],
    ['a share in a chain of its own', legacy({ FORWARD: ['-j SHED'], SHED: [`${SHARE} -j DROP`] })],
    ['what a share is sent to', legacy({ FORWARD: [`${SHARE} -j CHAOS`], CHAOS: ['-j DROP'] })],
    ['all but a share', legacy({ FORWARD: ['-m statistic --mode random ! --probability 0.25 -j DROP'] })],
    ['each second', legacy({ FORWARD: ['-m statistic --mode nth --every 2 --packet 0 -j DROP'] })],
    ['each second, as nft writes it', nft('ip f', 'forward', 'numgen inc mod 2 0 counter drop')],
    ['two of three', nft('ip f', 'forward', 'numgen inc mod 3 != 1 counter drop')],
    [
      'all but a share, as nft writes it',
      nft('ip f', 'forward', 'meta random & 2147483647 >= 536870912 drop'),
    ],
  ])('finds those that drop %s', (_, filter) => {
    const [found] = details([filter]);
    expect(found).toMatch(/^high: .* drops a part of what pods send: /);
  });

  it.each([
    ['meta random & 1 < 1 drop', /^high: .* drops a part of /],
    ['numgen random mod 100 >= 0 drop', / drops what pods send/],
  ])('reads how large a share is that nft writes: %s', (rule, expected) => {
    expect(details([nft('inet f', 'forward', rule)])[0]).toMatch(expected);
  });

  it('passes what no packet is, as nft writes it', () => {
    expect(details([nft('inet f', 'forward', 'numgen inc mod 1 != 0 drop')])).toEqual([]);
  });

  it('passes no packet by a share that is none', () => {
    const none = '-m statistic --mode random --probability 0.00000000000 -j ACCEPT';
    expect(details([legacy({ FORWARD: [none, '-j DROP'] })])).toHaveLength(1);
  });

  it('finds a share that is all as what it is', () => {
    for (const share of [
      '--mode random --probability 1.00000000000',
      '--mode random ! --probability 0.00000000000',
      '--mode nth --every 1 --packet 0',
    ])
      expect(details([legacy({ FORWARD: [`-m statistic ${share} -j DROP`] })])[0]).toMatch(
        /^critical: .* drops what pods send: /,
      );
  });

  it.each<[string, PacketFilter]>([
    [
      'packets of a set',
      legacy({ FORWARD: ['-m set --match-set few src -j SHED'], SHED: [`${SHARE} -j DROP`] }),
    ],
    ['packets of a port', legacy({ FORWARD: ['-p tcp --sport 9999 -j SHED'], SHED: [`${SHARE} -j DROP`] })],
    [
      'a share of such packets',
      legacy({
        FORWARD: ['-m set --match-set few src -j SHED'],
        SHED: [`${SHARE} -j CHAOS`],
        CHAOS: ['-j DROP'],
      }),
    ],
    ['none', legacy({ FORWARD: ['-m statistic --mode random --probability 0.00000000000 -j DROP'] })],
    ['none, as nft writes it', nft('inet f', 'forward', 'numgen random mod 100 < 0 drop')],
    ['none in turn', nft('inet f', 'forward', 'numgen inc mod 2 2 drop')],
    ['a share that is not known', nft('inet f', 'forward', 'numgen random mod 100 <= 1 drop')],
    ['none that it could read', legacy({ FORWARD: ['-m statistic --mode nth --every x -j DROP'] })],
  ])('leaves alone those that drop %s', (_, filter) => {
    expect(details([filter])).toEqual([]);
  });

  it('leaves packets alone that only a chain for some takes out of connection tracking', () => {
    const nat = aFilter('iptables-legacy', 'nat', {
      PREROUTING: { hook: 'prerouting', policy: 'ACCEPT', rules: ['-A PREROUTING -j KUBE-SERVICES'] },
      'KUBE-SERVICES': { rules: ['-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-X'] },
      'KUBE-SVC-X': { rules: [] },
    });
    const raw = (jump: string) =>
      aFilter('iptables-legacy', 'raw', {
        PREROUTING: { hook: 'prerouting', policy: 'ACCEPT', rules: [`-A PREROUTING ${jump}-j APART`] },
        APART: { rules: ['-A APART -j CT --notrack'] },
      });
    expect(details([nat, raw('-m set --match-set few src ')])).toEqual([]);
    expect(details([nat, raw('')])).toHaveLength(1);
  });
});

it('leaves a node alone whose guard drops what leaves it for reserved addresses', () => {
  const reserved = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '192.0.2.0/24', '198.51.100.0/24'];
  const guard = legacy({ FORWARD: reserved.map((range) => `-d ${range} -o eth0 -j DROP`) });
  expect(details([guard])).toEqual([]);
  expect(details([legacy({ FORWARD: ['-o eth0 -j DROP'] })])).toHaveLength(1);
});
