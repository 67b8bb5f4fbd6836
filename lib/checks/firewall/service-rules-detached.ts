import { natChain } from '../../computed/nat-chain.ts';
import { SERVICES, serviceProxyIn, uncertain } from '../../computed/service-rules.ts';
import type { PacketFilter } from '../../model/network.ts';
import { listed } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass, unknown } from '../define.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

/** What each way into the chain carries. */
const WAYS = [
  { chain: 'PREROUTING', whose: 'packets of pods, and from outside' },
  { chain: 'OUTPUT', whose: 'packets of the node itself and of pods on its network' },
] as const;

/**
 * Whoever flushes the built-in chains, or restores an older dump, loses the jumps and keeps what they led to.
 * kube-proxy writes them only when it writes all of its rules: since 1.28 once an hour (FullSyncPeriod).
 */
export const serviceRulesDetached = defineCheck({
  id: 'service-rules-detached',
  topic: 'firewall',
  severity: 'critical',
  title: "The node's packets reach the rules of Services",
  failureTitle: 'No packet reaches the rules of Services',
  why:
    'No Service answers from this node, cluster DNS included, while every address of a pod does. ' +
    'kube-proxy runs, and its rules are all there.',
  needs: ['hostPacketFilters', 'processes'],
  run({ hostPacketFilters, processes }, { node }) {
    const object = nodeObject(node);
    const tables = hostPacketFilters.flatMap(servicesOf);
    if (tables.length === 0)
      return [notApplicable(object, 'kube-proxy has no rules of iptables for Services here')];
    const proxy = serviceProxyIn(processes);
    if (proxy === null)
      return [notApplicable(object, 'kube-proxy does not run here: its rules are of an earlier time')];
    // Of two backends one may hold what an earlier kube-proxy left: see firewall-backends-mixed.
    const cut = tables.filter(
      ({ missing, family }) =>
        missing.length > 0 && !tables.some((other) => other.family === family && other.missing.length === 0),
    );
    if (cut.length === 0) return [pass(object)];
    if (!proxy.certain) return [unknown(object, uncertain(proxy))];
    return [
      fail(object, {
        detail: `The chain ${SERVICES} has its rules, but no rule leads there: ${listed(
          cut.flatMap(({ missing, tool }) =>
            missing.map(({ chain, whose }) => `${chain} of table nat (${tool}; ${whose})`),
          ),
          4,
        )}.`,
        confidence: 'confirmed',
        evidence: cut.flatMap(({ missing, tool, rules }) =>
          missing.map(({ chain }) => ({
            what: `rules of ${chain} that lead to ${SERVICES}, which has ${rules}`,
            expected: `-A ${chain} … -j ${SERVICES}`,
            actual: 'none',
            source: `${tool}-save -t nat (node)`,
          })),
        ),
        remedy: cut.flatMap(({ missing, tool }) => [
          lookOnNode(
            node,
            'see the table, and which program changed it: a firewall that was reloaded may do it again.',
            command(`${tool}-save`, '-t', 'nat'),
          ),
          ...missing.map(({ chain }) =>
            repairOnNode(
              node,
              'put the rule back, as kube-proxy writes it; a restart of kube-proxy does the same.',
              command(
                ...[tool, '-t', 'nat', '-I', chain],
                ...['-m', 'comment', '--comment', 'kubernetes service portals', '-j', SERVICES],
              ),
            ),
          ),
        ]),
      }),
    ];
  },
});

/** Of a table nat in which kube-proxy has rules for Services, with the ways that do not lead there. */
function servicesOf(filter: PacketFilter) {
  const chain = natChain(filter, SERVICES);
  if (chain === null) return [];
  return [{ ...chain, missing: WAYS.filter((way) => !chain.isReachedFrom(way.chain)) }];
}
