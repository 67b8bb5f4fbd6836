import { blockades, ownRules, unexpectedRules } from '../../computed/firewall/packet-filter-rules.ts';
import { networkElsewhere } from '../../computed/preconditions.ts';
import { counted, listed, quote, rowsOf } from '../../model/text.ts';
import { definePodCheck, see } from '../define-pod-check.ts';
import { listRules } from '../remedies/list-rules.ts';
import { lookOnNode, recreatePod } from '../remedies/steps.ts';
import { podFirewallBlocksAll } from './pod-firewall-blocks-all.ts';

/** Compared with the rules of known meshes, not with another pod (docs/traps.md T26). */
export const podFirewallUnexpected = definePodCheck({
  id: 'pod-firewall-unexpected',
  topic: 'firewall',
  severity: 'low',
  title: 'No firewall rules inside the pod but those of a known mesh',
  failureTitle: 'Unknown firewall rules inside the pod',
  why:
    'No container of the pod has the right to write such rules, so something on the node did: a tool ' +
    'that entered the wrong namespace, a debugging session, or an experiment that nobody cleaned up. ' +
    'Single ports may fail, and nothing in Kubernetes shows it.',
  needs: ['podNetworks'],
  unless: ['namespace unread', networkElsewhere],
  judge(network, _sources, { node }) {
    const { packetFilters, packetFiltersFailed } = network.stack;
    const found = unexpectedRules(packetFilters);
    if (found.length === 0) return packetFiltersFailed === null ? 'pass' : { unknown: packetFiltersFailed };
    // Includes init containers: writing such rules is what they have the capability for.
    const own = ownRules(network, ({ netAdmin }) => netAdmin);
    if (own !== null) return own;
    if (blockades(network, packetFilters).length > 0)
      return see(podFirewallBlocksAll, 'the rules drop everything');
    return {
      detail: `${counted(found.length, 'rule')} that no known mesh writes, and that no container of the pod may write: ${listed(
        found.map(({ table, chain, rule }) => `${quote(table, 60)} ${quote(chain, 60)}: ${quote(rule)}`),
        3,
        '; ',
      )}.`,
      confidence: 'probable',
      evidence: rowsOf(found, 10, ({ backend, table, chain, rule }) => ({
        what: `rule in ${quote(chain, 60)} of ${quote(table, 60)} (${backend})`,
        expected: 'none',
        actual: quote(rule),
        source: `packet filter (netns ${network.namespace})`,
      })),
      remedy: [
        lookOnNode(node, 'look at all of them, and find out who wrote them.', listRules(network)),
        ...recreatePod(network.pod),
      ],
    };
  },
});
