import type { FilteredPacket } from '../../computed/firewall/filtered-packet.ts';
import { type Drop, type Fate, forwarder, ruleBudget } from '../../computed/firewall/forwarding.ts';
import { natChain, toolOf } from '../../computed/firewall/nat-chain.ts';
import { isOfNftables } from '../../computed/firewall/service-maps.ts';
import { SERVICES } from '../../computed/firewall/service-rules.ts';
import { anotherPod, ordinaryTraffic } from '../../computed/path/pod-packets.ts';
import { FIREWALLD_TABLE } from '../../model/cni-names.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { counted, quote } from '../../model/text.ts';
import { defineCheck, type Failure, fail, nodeObject, notApplicable, pass, unknown } from '../define.ts';
import { trustPods } from '../remedies/firewalld.ts';
import { command, lookOnNode } from '../remedies/steps.ts';
import { listOf, tableOf, takeBack } from '../remedies/take-back.ts';

/** A node treats its pods alike, so a few are enough. */
const ASKED = 20;

/**
 * Docker and hardening guides set this policy, and not every CNI plugin adds a rule that accepts
 * (kubernetes#39823, #108718).
 */
export const nodeFirewallDrops = defineCheck({
  id: 'node-firewall-drops',
  topic: 'firewall',
  severity: 'critical',
  title: 'The packet filter of the node forwards what pods send',
  failureTitle: "Node's firewall drops its pods' packets",
  why:
    "The node's pods reach no pod on other nodes, no Service and no DNS, or one kind of their packets is lost. " +
    "Pods on the host's network are not affected.",
  needs: ['podNetworks', 'hostNetwork', 'hostPacketFilters', 'otherNodes', 'clusterDns', 'kernel'],
  run({ podNetworks, hostNetwork, hostPacketFilters, otherNodes, clusterDns, kernel }, { node }) {
    const object = nodeObject(node);
    const follow = forwarder(hostPacketFilters);
    // Without kube-proxy Services need no table nat.
    const hasServices = hostPacketFilters.some(
      (filter) => natChain(filter, SERVICES) !== null || isOfNftables(filter),
    );
    let judged = false;
    let incomplete = false;
    const traffic = ordinaryTraffic(hostNetwork, {
      ...{ otherNodes, clusterDns, hostPacketFilters, podNetworks, kernel },
    });
    for (const { what, packetsOf, tracked = false, isPart = false } of traffic) {
      const pods = podNetworks
        .map((network) => ({ network, packets: packetsOf(network) }))
        .filter(({ packets }) => packets.length > 0)
        .slice(0, ASKED);
      judged ||= pods.length > 0;
      // What drops all that the only pod sends may be about that pod: another would get through.
      const others = pods.length === 1 ? pods.map(({ network }) => packetsOf(anotherPod(network))) : [];
      const packets = [...pods.map((pod) => pod.packets), ...others];
      // The node is at fault only if packets go nowhere. One that gets through is enough to clear it: what
      // stops single pods is a policy, and intended.
      const budget = ruleBudget();
      const fate = fateOfAll(packets, (packet) => follow(packet, budget, tracked && hasServices));
      incomplete ||= fate === 'unknown';
      if (typeof fate !== 'string')
        return [
          fail(object, {
            ...failureOf(
              what,
              pods.map(({ network }) => network),
              fate,
              node,
            ),
            ...((isPart && fate.does !== 'untracks') || fate.does === 'loses'
              ? { severity: 'high' as const }
              : {}),
          }),
        ];
    }
    if (incomplete) return [unknown(object, 'the node has too many rules to follow them all')];
    return [
      judged
        ? pass(object)
        : notApplicable(object, 'no pod on the node is known to need forwarding by the kernel'),
    ];
  },
});

/** `passes` if one of them does, or there are none. The first of each pod come first: the budget may be too small. */
function fateOfAll(
  packetsOfPods: readonly (readonly FilteredPacket[])[],
  fateOf: (packet: FilteredPacket) => Fate,
): Fate {
  let all: Fate | null = null;
  for (let at = 0; packetsOfPods.some(({ length }) => length > at); at += 1)
    for (const packet of packetsOfPods.flatMap((packets) => packets[at] ?? [])) {
      const fate = fateOf(packet);
      if (fate === 'passes') return fate;
      if (all === null || fate === 'unknown') all = fate;
    }
  return all ?? 'passes';
}

function failureOf(what: string, pods: readonly PodNetwork[], drop: Drop, node: string): Failure {
  const { does, backend, table, base, by } = drop;
  const ofNft = backend === 'nftables';
  const [, ofIptables] = tableOf(drop);
  const chain = ofNft
    ? `chain ${quote(base, 60)} of table ${quote(table, 60)}`
    : `${base} chain${ofIptables === undefined ? '' : ` of table ${ofIptables}`}`;
  const seen = `seen for all ${counted(pods.length, 'pod')} that were looked at.`;
  const untracks = does === 'untracks';
  const [address] = pods.flatMap(({ pod }) => pod.podIPs);
  return {
    detail: untracks
      ? `The node's ${chain} (${backend}) keeps ${what} out of connection tracking: ${quote(by)}. No rule of ` +
        `Services applies to it, nor one that masquerades; ${seen}`
      : `The node's ${chain} (${backend}) drops ${does === 'loses' ? `a part of ${what}` : what}: ` +
        `${quote(by)}, and no rule before it accepts it; ${seen}`,
    confidence: 'confirmed',
    evidence: [
      {
        what: `what happens to ${what}`,
        expected: untracks ? 'tracked' : 'accepted',
        actual: `${untracks ? 'not tracked, by' : does === 'loses' ? 'partly dropped by' : 'dropped by'}: ${quote(by)}`,
        source: ofNft ? 'nft list ruleset (node)' : `${toolOf(backend)}-save (node)`,
      },
    ],
    remedy: [
      lookOnNode(node, 'look at the chain, and find out who changed it.', command(...listOf(drop))),
      ...(FIREWALLD_TABLE.test(table) && address !== undefined
        ? trustPods(drop, address, node)
        : [takeBack(drop, node)]),
    ],
  };
}
