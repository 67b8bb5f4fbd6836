import { familyOf } from '../../computed/cidr.ts';
import { type ForwardedPacket, forwardDrop } from '../../computed/forwarding.ts';
import { toolOf } from '../../computed/nat-chain.ts';
import { mainAddresses } from '../../computed/preconditions.ts';
import { defaultRoutes } from '../../computed/uplinks.ts';
import { forwardedLayout, nodeLink } from '../../computed/way-in.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { counted, quote } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { command, lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';

/** Any address outside the cluster: one reserved for documentation, which no rule names. */
const OUTSIDE = { 4: '198.51.100.1', 6: '2001:db8::1' } as const;
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
  why: "The node's pods reach no pod elsewhere, no Service and no DNS. Pods on the host's network are not affected.",
  needs: ['podNetworks', 'hostNetwork', 'hostPacketFilters'],
  run({ podNetworks, hostNetwork, hostPacketFilters }, { node }) {
    const object = nodeObject(node);
    const outputs = { 4: defaultRoutes(hostNetwork, 4)[0]?.link, 6: defaultRoutes(hostNetwork, 6)[0]?.link };
    let looked = 0;
    let first: ReturnType<typeof forwardDrop> = null;
    for (const network of podNetworks) {
      if (looked === ASKED) break;
      const packets = packetsOf(network, outputs);
      if (packets.length > 0) looked += 1;
      // Pods that may not reach the outside may be meant to stay inside: the node is at fault only if packets
      // go nowhere. One pod that gets through is enough to clear it: what stops single pods is a policy, and
      // intended.
      for (const packet of packets) {
        const drop = forwardDrop(hostPacketFilters, packet);
        if (drop === null) return [pass(object)];
        first ??= drop;
      }
    }
    if (first === null)
      return [notApplicable(object, 'no pod on the node is known to need forwarding by the kernel')];
    const tool = toolOf(first.backend);
    return [
      fail(object, {
        detail:
          `The node's FORWARD chain (${first.backend}) drops what pods send: ${quote(first.by)}, and no rule ` +
          `before it accepts it; seen for all ${counted(looked, 'pod')} that were looked at.`,
        confidence: 'confirmed',
        evidence: [
          {
            what: 'what happens to packets of pods to addresses inside and outside the cluster',
            expected: 'accepted',
            actual: `dropped by: ${quote(first.by)}`,
            source: `${tool}-save (node)`,
          },
        ],
        remedy: [
          lookOnNode(node, 'see the chain, and who changed it.', command(tool, '-S', 'FORWARD')),
          takeBack(first.by, tool, node),
        ],
      }),
    ];
  },
});

function takeBack(by: string, tool: string, node: string): RemedyStep {
  if (by.startsWith('policy '))
    return repairOnNode(
      node,
      'let the node forward again; rules that drop on purpose stay.',
      command(tool, '-P', 'FORWARD', 'ACCEPT'),
    );
  const words = by.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  // Tools with a chain of their own restore their rules, and iptables does not accept rules in nft's
  // notation.
  return words[0] === '-A' && words[1] === 'FORWARD'
    ? repairOnNode(node, 'remove the rule.', command(tool, '-D', ...words.slice(1).map(unquoted)))
    : repair(
        `On node ${node}, as root: have the program that created the rule remove it, or remove it with ${tool} -D.`,
      );
}

const unquoted = (word: string): string => word.replace(/^"(.*)"$/, '$1');

/**
 * The first packets from a pod to the outside and to a neighbour in its subnet; none if the kernel does not
 * forward for it.
 */
function packetsOf(
  network: PodNetwork,
  outputs: Readonly<Record<4 | 6, string | null | undefined>>,
): ForwardedPacket[] {
  const layout = forwardedLayout(network);
  const source = mainAddresses(network)[0]?.address;
  if (layout === null || source === undefined) return [];
  const family = familyOf(source);
  const inputLink = nodeLink(network, layout);
  const outputLink = outputs[family] ?? null;
  if (inputLink === null || outputLink === null) return [];
  return [OUTSIDE[family], neighbourOf(source)].map((destination) => ({
    source,
    destination,
    inputLink,
    outputLink,
  }));
}

/** An address that a pod on another node may have: 10.244.0.7 for 10.244.1.7. */
function neighbourOf(address: string): string {
  return address.replace(/(\d+)(\.\d+)$/, (_, third: string, last: string) => `${Number(third) ^ 1}${last}`);
}
