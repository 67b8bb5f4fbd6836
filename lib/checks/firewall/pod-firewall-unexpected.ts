import { blockades, unexpectedRules } from '../../computed/packet-filter-rules.ts';
import { counted, listed, quote, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, notApplicable } from '../define.ts';
import { judgeRules } from '../frames/judge-rules.ts';
import { listRules } from '../remedies/list-rules.ts';
import { lookOnNode, recreatePod } from '../remedies/steps.ts';

/** Compared with the profiles of the meshes, not with another pod (docs/traps.md T26). */
export const podFirewallUnexpected = defineCheck({
  id: 'pod-firewall-unexpected',
  topic: 'firewall',
  severity: 'low',
  title: 'No firewall rules inside of the pod but those of a known mesh',
  failureTitle: 'Unknown firewall rules inside of the pod',
  why: 'Nothing in the pod may write such rules, so something on the node did: a tool that entered the wrong namespace, a debugging session, an experiment that was not cleaned up. They can break single ports in ways that nothing in Kubernetes shows.',
  needs: ['podNetworks'],
  run({ podNetworks }, { node }) {
    return judgeRules(podNetworks, node, {
      find: (_, filters) => unexpectedRules(filters),
      // Init containers too: to write such rules is what they are given the right for.
      mayOwn: ({ netAdmin }) => netAdmin,
      judge(object, found, network, filters) {
        if (blockades(network, filters).length > 0) {
          return notApplicable(object, 'the rules drop everything: see pod-firewall-blocks-all');
        }
        return fail(object, {
          detail: `${counted(found.length, 'rule')} that no known mesh makes, and no container of the pod may make: ${listed(
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
        });
      },
    });
  },
});
