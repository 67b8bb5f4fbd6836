import { describe, expect, it } from 'vitest';
import { nodeFirewallDrops } from '../../../lib/checks/firewall/node-firewall-drops.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import { aHostStack, anAddress, aPod, aPodNetwork, aStack, context, failures } from '../evidence.ts';
import { aCiliumPod } from '../layouts.ts';

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

const run = (filters: PacketFilter[], networks: PodNetwork[] = [aPodNetwork()]) =>
  nodeFirewallDrops.run(
    { podNetworks: networks, hostNetwork: aHostStack(), hostPacketFilters: filters },
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

  it('finds a rule that drops what comes from the bridge, and removes that rule with the right program', () => {
    const rules = filter('ACCEPT', { FORWARD: ['-i cni0 -j DROP'] }, 'iptables-legacy');
    expect(failures(run([rules]))[0]?.remedy[1]?.command).toBe('iptables-legacy -D FORWARD -i cni0 -j DROP');
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
    expect(dropped[0]?.remedy.map(({ command }) => command)).toEqual(['iptables -S FORWARD', undefined]);
  });

  it.each([
    'iifname "cni0" counter accept',
    'iifname "cni*" counter accept',
    'iifname != "docker0" counter accept',
    'ip saddr 10.244.1.0/24 counter accept',
    'ip saddr { 10.244.1.0/24, 10.244.2.0/24 } counter accept',
    'meta l4proto tcp ip saddr 10.244.0.0/16 counter accept',
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

  it('passes where one pod may send: what stops the others is meant', () => {
    const other = aPodNetwork({
      pod: aPod({ name: 'web-2', podIPs: ['10.244.1.3'] }),
      stack: aStack({ addresses: [anAddress({ address: '10.244.1.3' })] }),
    });
    const filters = [filter('DROP', { FORWARD: ['-s 10.244.1.3/32 -j ACCEPT'] })];
    expect(run(filters, [aPodNetwork(), other])).toMatchObject([{ result: 'pass' }]);
  });

  it('reads no tables of nftables itself, as firewalld has them, and judges no pod that BPF forwards for', () => {
    const firewalld: PacketFilter = {
      backend: 'nftables',
      tables: [
        {
          name: 'inet firewalld',
          chains: [{ name: 'filter_FORWARD', hook: 'forward', policy: 'drop', rules: ['reject'] }],
        },
      ],
    };
    expect(run([firewalld])).toMatchObject([{ result: 'pass' }]);
    expect(run([filter('DROP', {})], [aCiliumPod().network])).toMatchObject([{ result: 'notApplicable' }]);
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

  it('ends where chains call each other without end, and takes no such chain for a certain one', () => {
    const chains = Object.fromEntries(
      Array.from({ length: 11 }, (_, at) => [`C${at}`, Array.from({ length: 8 }, () => `-j C${at + 1}`)]),
    );
    const start = process.cpuUsage();
    expect(run([filter('DROP', { FORWARD: ['-j C0'], ...chains, C11: ['-j LOG'] })])).toMatchObject([
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
