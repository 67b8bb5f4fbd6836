import { natChain } from '../../computed/nat-chain.ts';
import { MASQUERADE_CHAINS } from '../../model/cni-names.ts';
import type { PacketFilter } from '../../model/network.ts';
import { listed } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

/**
 * Whoever flushes the built-in chains, or restores an older dump, loses the jump and keeps the chain it led
 * to. The agent of AWS writes it when it starts; others look after it.
 */
export const masqueradeRulesDetached = defineCheck({
  id: 'masquerade-rules-detached',
  topic: 'firewall',
  severity: 'high',
  title: "What pods send out of the cluster gets the node's address",
  failureTitle: 'No packet reaches the rules that masquerade pods',
  why:
    "What pods send out of the cluster keeps the pod's address, to which no router outside answers: no " +
    'registry, no cloud API, no upstream DNS. Inside the cluster all works.',
  needs: ['hostPacketFilters', 'podNetworks'],
  run({ hostPacketFilters, podNetworks }, { node }) {
    const object = nodeObject(node);
    // Chains may be left of a plugin that the node had before.
    const plugins = new Set<string | null>(podNetworks.map(({ plugin }) => plugin));
    const chains = MASQUERADE_CHAINS.filter(({ plugin }) => plugins.has(plugin));
    const tables = hostPacketFilters.flatMap((filter) => chains.flatMap((chain) => inTable(filter, chain)));
    if (tables.length === 0)
      return [notApplicable(object, 'no CNI agent has rules of iptables here that masquerade pods')];
    const cut = tables.filter(
      ({ reached, chain, family }) =>
        !reached &&
        !tables.some((other) => other.reached && other.chain === chain && other.family === family),
    );
    const [first] = cut;
    if (first === undefined) return [pass(object)];
    return [
      fail(object, {
        detail:
          `Chain ${listed(cut.map(({ chain, tool }) => `${chain} (${tool})`))} has its rules, but no rule of ` +
          'POSTROUTING leads there.',
        confidence: 'confirmed',
        evidence: cut.map(({ chain, tool, rules }) => ({
          what: `rule of POSTROUTING that leads to ${chain}, which has ${rules}`,
          expected: `-A POSTROUTING … -j ${chain}`,
          actual: 'none',
          source: `${tool}-save -t nat (node)`,
        })),
        remedy: [
          lookOnNode(
            node,
            'see the table, and which program changed it: a firewall that was reloaded may do it again.',
            command(`${first.tool}-save`, '-t', 'nat'),
          ),
          ...cut.map(({ chain, comment, tool }) =>
            repairOnNode(
              node,
              'put the rule back; a restart of the agent does the same. No pod has to be deleted.',
              command(
                ...[tool, '-t', 'nat', '-A', 'POSTROUTING'],
                ...['-m', 'comment', '--comment', comment, '-j', chain],
              ),
            ),
          ),
          restartAgent(first.plugin, node),
        ],
      }),
    ];
  },
});

function inTable(filter: PacketFilter, masquerades: (typeof MASQUERADE_CHAINS)[number]) {
  const found = natChain(filter, masquerades.chain);
  return found === null ? [] : [{ ...found, ...masquerades, reached: found.isReachedFrom('POSTROUTING') }];
}
