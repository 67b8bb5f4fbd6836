import { blockades, ownRules } from '../../computed/firewall/packet-filter-rules.ts';
import { mayChangeNetwork, networkElsewhere } from '../../computed/preconditions.ts';
import { listed, quote, rowsOf } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { keepRules } from '../remedies/list-rules.ts';
import { lookOnNode, recreatePod } from '../remedies/steps.ts';

/** Network policies are enforced on the node or in eBPF, never by rules in the pod's namespace (docs/traps.md T28). */
export const podFirewallBlocksAll = definePodCheck({
  id: 'pod-firewall-blocks-all',
  topic: 'firewall',
  severity: 'critical',
  title: "The pod's own firewall lets packets through",
  failureTitle: 'Firewall inside the pod drops everything',
  why:
    'The pod has an interface, an address and routes, and yet nothing passes. Network policies never ' +
    'look like this: they are enforced on the node, not inside the pod.',
  needs: ['podNetworks'],
  unless: ['namespace unread', networkElsewhere],
  judge(network, _sources, { node }) {
    const { packetFilters, packetFiltersFailed } = network.stack;
    const found = blockades(network, packetFilters);
    if (found.length === 0) return packetFiltersFailed === null ? 'pass' : { unknown: packetFiltersFailed };
    const own = ownRules(network, mayChangeNetwork);
    if (own !== null) return own;
    const directions = [...new Set(found.map(({ direction }) => direction))];
    return {
      detail: `Everything that ${directions.map((one) => (one === 'in' ? 'comes in' : 'goes out')).join(' and ')} is dropped inside the pod: ${listed(
        found.map(({ table, chain, by }) => `${quote(table, 60)} ${quote(chain, 60)}: ${quote(by)}`),
        3,
        '; ',
      )}.`,
      confidence: 'probable',
      evidence: rowsOf(found, 10, ({ backend, table, chain, by }) => ({
        what: `chain ${quote(chain, 60)} of ${quote(table, 60)} (${backend})`,
        expected: 'something passes',
        actual: quote(by),
        source: `packet filter (netns ${network.namespace})`,
      })),
      remedy: [
        lookOnNode(node, 'keep the rules in a file, to find out who wrote them.', keepRules(network)),
        ...recreatePod(network.pod),
      ],
    };
  },
});
