import { describe, expect, it } from 'vitest';
import { nodeFirewallDropsPod } from '../../../lib/checks/firewall/node-firewall-drops-pod.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import { aPodNetwork, context, failures } from '../evidence.ts';

function run(chains: Record<string, string[]>, backend: PacketFilter['backend'] = 'iptables-nft') {
  const listed = Object.entries(chains).map(([name, rules]) => ({ name, hook: null, policy: null, rules }));
  return judged(backend === 'nftables' ? 'inet guard' : 'filter', listed, backend);
}

function judged(
  name: string,
  listed: PacketFilter['tables'][number]['chains'],
  backend: PacketFilter['backend'] = 'nftables',
) {
  const hostPacketFilters = [{ backend, tables: [{ name, chains: listed }] }];
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

  it('finds a rule in a table of nftables itself, and deletes it by its handle', () => {
    const [found] = failures(run({ forward: ['ip daddr 10.244.1.2 counter drop'] }, 'nftables'));
    expect(found?.detail).toContain('(nftables) drops all packets for 10.244.1.2');
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      'nft -a list chain inet guard forward',
      "nft -sa list chain inet guard forward | sed 's/^[[:space:]]*/^/' | grep -F -e '^ip daddr 10.244.1.2 counter drop # handle ' | sed 's/.* # handle //' | head -n 1 | xargs -r nft delete rule inet guard forward handle",
    ]);
  });

  it.each([
    [[], 'policy drop'],
    [['counter packets 3 bytes 84 drop'], 'counter packets 3 bytes 84 drop'],
  ])("finds a chain that sees the packets of the pod's link alone and drops all: %j", (rules, what) => {
    const wall = { name: 'wall', hook: 'ingress', policy: 'drop', devices: ['vethother', 'veth12345678'] };
    const judge = (chain: object) =>
      nodeFirewallDropsPod.run(
        {
          podNetworks: [aPodNetwork()],
          hostPacketFilters: [
            {
              backend: 'nftables',
              tables: [{ name: 'netdev guard', chains: [{ ...wall, rules, ...chain }] }],
            },
          ],
        },
        context,
      );
    const [found] = failures(judge({}));
    expect(found?.detail).toBe(
      `The chain wall of the node (nftables) drops all packets from veth12345678: ${what}.`,
    );
    expect(found?.remedy.at(-1)?.command).toBe('nft delete chain netdev guard wall');
    expect(judge({ devices: ['vethother'] })).toMatchObject([{ result: 'pass' }]);
    expect(judge({ rules: ['ip protocol tcp accept'] })).toMatchObject([{ result: 'pass' }]);
  });

  it("finds a rule about the pod's link, and one that drops only what comes in from outside", () => {
    expect(
      failures(run({ FORWARD: ['-A FORWARD -o veth12345678 -j DROP'] }, 'iptables-legacy'))[0]?.detail,
    ).toContain('drops all packets for veth12345678');
    expect(
      failures(run({ FORWARD: ['-A FORWARD -o veth12345678 -j DROP'] }, 'iptables-legacy'))[0]?.severity,
    ).toBeUndefined();
    const outside = '-A FORWARD -d 10.244.1.2/32 -i eth0 -m conntrack --ctstate NEW -j REJECT';
    expect(failures(run({ FORWARD: [outside] }, 'iptables-legacy'))[0]).toMatchObject({
      detail: expect.stringContaining('drops packets for 10.244.1.2'),
      severity: 'high',
    });
  });

  const inBridge = (...rules: string[]) =>
    judged('bridge guard', [{ name: 'p', hook: 'prerouting', policy: 'accept', rules }]);

  it.each<[string, string]>([
    ['ip daddr 10.244.1.2 counter drop', '-A FORWARD -d 10.244.1.2/32 -j DROP'],
    [
      'oifname "veth12345678" counter drop',
      '-A FORWARD -o veth12345678 -m comment --comment "a \\"b\\"" -j DROP',
    ],
    [
      'iifname "eth0" ip daddr 10.244.1.2 ct state new counter reject',
      '-A FORWARD -d 10.244.1.2/32 -i eth0 -m conntrack --ctstate NEW -j REJECT --reject-with icmp-port-unreachable',
    ],
    [
      'ip daddr 10.244.1.2 counter jump WALL',
      '-A FORWARD -d 10.244.1.2/32 -m comment --comment gone -j WALL',
    ],
    ['ip daddr 10.244.1.2 counter goto WALL', '-A FORWARD -d 10.244.1.2/32 -g WALL'],
  ])('deletes "%s" as iptables lists it, and no other', (rule, listed) => {
    const others = [
      '-A FORWARD -d 10.244.1.2/32 -p tcp -m tcp --dport 22 -j DROP',
      '-A FORWARD -d 10.244.1.2/32 -i eth0 -p tcp -m conntrack --ctstate NEW -j REJECT',
      '-A FORWARD -d 10.244.1.2/32 -m comment --comment "x" -m mark --mark 0x1 -j WALL',
      '-A FORWARD -d 10.244.1.20/32 -j DROP',
      '-A FORWARD -s 10.244.1.2/32 -j DROP',
      '-A FORWARD -o veth12345678 -p udp -j DROP',
      '-A FORWARD -d 10.244.1.2/32 -j ACCEPT',
    ];
    const [found] = failures(run({ FORWARD: [rule], WALL: ['counter drop'] }));
    const [, pattern = 'nothing'] = /grep -nE -e '(.*)' \|/.exec(found?.remedy.at(-1)?.command ?? '') ?? [];
    expect([...others, listed].filter((line) => new RegExp(pattern).test(line))).toEqual([listed]);
  });

  it('deletes a rule of the old iptables by all that it says', () => {
    const rule = '-A FORWARD -s 10.244.1.2/32 -m comment --comment "cut off" -j DROP';
    expect(failures(run({ FORWARD: [rule] }, 'iptables-legacy'))[0]?.remedy.at(-1)?.command).toBe(
      "iptables-legacy -D FORWARD -s 10.244.1.2/32 -m comment --comment 'cut off' -j DROP",
    );
  });

  it('says what a rule about ARP drops, and deletes that rule', () => {
    for (const [rule, what] of [
      ['arp saddr ip 10.244.1.2 drop', 'all ARP packets from 10.244.1.2'],
      ['iifname "veth12345678" arp htype 1 drop', 'all ARP packets from veth12345678'],
      ['iifname "veth12345678" ether type arp drop', 'all ARP packets from veth12345678'],
    ] as const) {
      const [found] = failures(inBridge('ip saddr 10.244.1.2 tcp dport 22 drop', rule));
      expect(found?.detail).toContain(`drops ${what}: ${rule}.`);
      expect(found?.remedy.at(-1)?.command).toContain(`'^${rule} # handle '`);
    }
    const inArp = [
      { name: 'in', hook: 'input', policy: 'accept', rules: ['iifname "veth12345678" counter drop'] },
    ];
    expect(failures(judged('arp filter', inArp))[0]?.detail).toContain('drops all ARP packets from');
  });

  it('leaves rules alone about packets of another family, and about a part', () => {
    for (const rule of [
      'iifname "veth12345678" ether type ip6 drop',
      'iifname != "veth12345678" ip saddr 10.244.1.2 drop',
      'iifname "veth12345678" arp saddr ip != 10.244.1.2 drop',
      'iifname "veth12345678" ether type arp ip saddr 10.244.1.2 drop',
      'ip saddr 10.244.1.2 numgen random mod 100 < 1 drop',
      'iifname "veth12345678" ip ttl 1 drop',
    ])
      expect(inBridge(rule), rule).toMatchObject([{ result: 'pass' }]);
    expect(
      run({ FORWARD: ['-A FORWARD -d 10.244.1.2/32 -m physdev --physdev-is-bridged -j DROP'] }),
    ).toMatchObject([{ result: 'pass' }]);
    const ofArp = { name: 'p', hook: 'ingress', policy: 'accept', devices: ['veth12345678'] };
    expect(judged('netdev f', [{ ...ofArp, rules: ['arp htype 1 drop'] }])).toMatchObject([
      { result: 'pass' },
    ]);
    expect(failures(inBridge('iifname "veth12345678" ether type ip drop'))[0]).toMatchObject({
      detail: expect.stringContaining('drops packets from veth12345678'),
      severity: 'high',
    });
  });

  it('finds a chain that drops after it wrote a log', () => {
    const chains = {
      FORWARD: ['ip saddr 10.244.1.2 counter jump WALL'],
      WALL: ['counter log prefix "cut off"', 'counter drop'],
    };
    expect(failures(run(chains))).toHaveLength(1);
  });

  const ofPod = (name: string) => ({
    'KUBE-ROUTER-FORWARD': [
      `-A KUBE-ROUTER-FORWARD -d 10.244.1.2/32 -m comment --comment "rule to jump traffic destined to POD name:${name} namespace: shop to chain KUBE-POD-FW-ABC" -j KUBE-POD-FW-ABC`,
    ],
    'KUBE-POD-FW-ABC': [
      '-A KUBE-POD-FW-ABC -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      '-A KUBE-POD-FW-ABC -m mark ! --mark 0x10000/0x10000 -j REJECT',
    ],
  });

  it("finds kube-router's chain of another pod for the address, and leaves the pod's own alone", () => {
    const [found] = failures(run(ofPod('web-0'), 'iptables-legacy'));
    expect(found?.severity).toBe('high');
    expect(found?.detail).toContain('holds rules of another pod, shop/web-0, for the packets of 10.244.1.2');
    expect(run(ofPod('web-1'), 'iptables-legacy')).toMatchObject([{ result: 'pass' }]);
  });

  it.each(['ip calico', 'inet firewalld', 'ip kube-proxy'])('leaves the table %s to its agent', (name) => {
    const chains = [
      { name: 'forward', hook: 'forward', policy: null, rules: ['ip daddr 10.244.1.2 counter drop'] },
    ];
    const hostPacketFilters: PacketFilter[] = [{ backend: 'nftables', tables: [{ name, chains }] }];
    expect(
      nodeFirewallDropsPod.run({ podNetworks: [aPodNetwork()], hostPacketFilters }, context),
    ).toMatchObject([{ result: 'pass' }]);
  });

  it.each<[string, Record<string, string[]>]>([
    ['a rule about links of a prefix', { FORWARD: ['oifname "veth*" counter drop'] }],
    ['a rule about established connections', { FORWARD: ['ip daddr 10.244.1.2 ct state invalid drop'] }],
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
