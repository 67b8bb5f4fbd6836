import { describe, expect, it } from 'vitest';
import { firewallBackendsMixed } from '../../../lib/checks/firewall/firewall-backends-mixed.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import { context, failures } from '../evidence.ts';

const filter = (backend: PacketFilter['backend'], ...names: string[]): PacketFilter => ({
  backend,
  tables: [
    {
      name: 'nat',
      chains: names.map((name) => ({ name, hook: null, policy: null, rules: [`-A ${name} -j RETURN`] })),
    },
  ],
});
const run = (...hostPacketFilters: PacketFilter[]) =>
  firewallBackendsMixed.run({ hostPacketFilters }, context);

describe('firewall-backends-mixed', () => {
  it('finds rules of kube-proxy in one backend and of a CNI plugin in the other', () => {
    const [found] = failures(
      run(filter('iptables-legacy', 'KUBE-SERVICES'), filter('iptables-nft', 'CNI-HOSTPORT-DNAT')),
    );
    expect(found?.detail).toBe(
      'legacy holds 1 rule of the cluster (KUBE-SERVICES), and nft holds 1 rule of the cluster (CNI-HOSTPORT-DNAT).',
    );
    expect(found?.object).toEqual({ kind: 'node', name: 'node-1' });
  });

  it.each<[string, PacketFilter[]]>([
    ['one backend', [filter('iptables-nft', 'KUBE-SERVICES', 'cali-FORWARD')]],
    [
      'docker and firewalld in the other',
      [filter('iptables-legacy', 'KUBE-SERVICES'), filter('iptables-nft', 'DOCKER', 'IN_public')],
    ],
    [
      "the kubelet's own hints in the other",
      [
        filter('iptables-legacy', 'KUBE-SERVICES'),
        filter('iptables-nft', 'KUBE-IPTABLES-HINT', 'KUBE-KUBELET-CANARY', 'KUBE-FIREWALL'),
      ],
    ],
    [
      'one backend for each family',
      [filter('iptables-legacy', 'KUBE-SERVICES'), filter('ip6tables-nft', 'KUBE-SERVICES')],
    ],
    [
      'nftables itself beside one backend',
      [filter('iptables-legacy', 'CNI-HOSTPORT-DNAT'), filter('nftables', 'services')],
    ],
  ])('passes %s', (_, filters) => {
    expect(run(...filters)).toMatchObject([{ result: 'pass' }]);
  });

  it('passes chains that hold no rule', () => {
    const empty = filter('iptables-nft', 'KUBE-SERVICES');
    for (const { chains } of empty.tables) for (const chain of chains) chain.rules = [];
    expect(run(filter('iptables-legacy', 'KUBE-SERVICES'), empty)).toMatchObject([{ result: 'pass' }]);
  });

  it('is not applicable where no rule is of the cluster, as with Cilium alone or kube-proxy in nftables', () => {
    expect(run(filter('nftables', 'services'))).toMatchObject([{ result: 'notApplicable' }]);
  });
});
