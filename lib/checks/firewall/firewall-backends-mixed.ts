import { CLUSTER_CHAIN_PREFIXES, CLUSTER_CHAINS } from '../../model/cni-names.ts';
import type { Sources } from '../../model/evidence.ts';
import type { PacketFilter } from '../../model/network.ts';
import { counted, listed, quote } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { command, lookOnNode, repair } from '../remedies/steps.ts';

const SHOWN = 5;
const OF_CLUSTER = command('grep', ...CLUSTER_CHAIN_PREFIXES.flatMap((prefix) => ['-e', prefix]));
/**
 * The kubelet writes this chain with the node's iptables, so that others can detect the backend; older
 * kubelets also had a firewall.
 */
const OF_KUBELET =
  /^KUBE-(KUBELET-CANARY|PROXY-CANARY|IPTABLES-HINT|FIREWALL|MARK-DROP|MARK-MASQ|POSTROUTING)$/;

const FAMILIES = [
  { nft: 'iptables-nft', legacy: 'iptables-legacy' },
  { nft: 'ip6tables-nft', legacy: 'ip6tables-legacy' },
] as const;

/** Packets pass both backends, and neither knows what the other accepted or translated (kubernetes#71305). */
export const firewallBackendsMixed = defineCheck({
  id: 'firewall-backends-mixed',
  topic: 'firewall',
  severity: 'medium',
  title: "Rules of the cluster are in one backend of the node's iptables",
  failureTitle: 'Cluster rules are split across both iptables backends',
  why:
    'Packets pass both backends. One may drop what the other accepts, and rules that an agent left in a ' +
    'backend that it no longer uses stay active, for Services and pods that are gone.',
  needs: ['hostPacketFilters'],
  run({ hostPacketFilters }, { node }) {
    const object = nodeObject(node);
    const found = FAMILIES.map(({ nft, legacy }) => ({
      nft: chainsOf(hostPacketFilters, nft),
      legacy: chainsOf(hostPacketFilters, legacy),
    }));
    const mixed = found.find(({ nft, legacy }) => nft.length > 0 && legacy.length > 0);
    if (mixed === undefined)
      return found.some(({ nft, legacy }) => nft.length + legacy.length > 0)
        ? [pass(object)]
        : [notApplicable(object, 'neither backend of iptables holds rules of the cluster')];
    return [
      fail(object, {
        detail: `${textOf('legacy', mixed.legacy)}, and ${textOf('nft', mixed.nft)}.`,
        confidence: 'confirmed',
        evidence: (['legacy', 'nft'] as const).map((backend) => ({
          what: `chains with rules of the cluster (${backend})`,
          expected: 'in one backend',
          actual: namesOf(mixed[backend]),
          source: backend === 'nft' ? 'nft list ruleset (node)' : 'iptables-legacy-save (node)',
        })),
        remedy: [
          lookOnNode(
            node,
            "find out which backend each agent uses now, by the counters of its rules; the node's own iptables uses one of them.",
            `${command('iptables', '--version')}; iptables-legacy-save -c | ${OF_CLUSTER} | head -n 20; ` +
              `iptables-nft-save -c | ${OF_CLUSTER} | head -n 20`,
          ),
          repair(
            'Give kube-proxy and the CNI plugin the same backend (its image, FELIX_IPTABLESBACKEND of Calico, ' +
              'iptables of the node), then drain and restart the node: that clears what is left in the other.',
          ),
        ],
      }),
    ];
  },
});

type Chain = PacketFilter['tables'][number]['chains'][number];

function chainsOf(filters: Sources['hostPacketFilters'], wanted: PacketFilter['backend']): Chain[] {
  return filters
    .filter(({ backend }) => backend === wanted)
    .flatMap(({ tables }) =>
      tables.flatMap(({ chains }) =>
        chains.filter(
          ({ name, rules }) => rules.length > 0 && CLUSTER_CHAINS.test(name) && !OF_KUBELET.test(name),
        ),
      ),
    );
}

function textOf(backend: string, chains: readonly Chain[]): string {
  const rules = chains.reduce((sum, chain) => sum + chain.rules.length, 0);
  return `${backend} holds ${counted(rules, 'rule')} of the cluster (${namesOf(chains)})`;
}

const namesOf = (chains: readonly Chain[]): string =>
  listed([...new Set(chains.map(({ name }) => quote(name, 40)))], SHOWN);
