import { mainAddresses, mayChangeNetwork, networkElsewhere } from '../../computed/preconditions.ts';
import { isForAll } from '../../computed/routes/routing-decision.ts';
import type { Comparison } from '../../model/finding.ts';
import { listed } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/**
 * The kernel makes them with the namespace and with each address, and nothing but a program with the right to
 * it takes them away.
 */
export const podRoutingIncomplete = definePodCheck({
  id: 'pod-routing-incomplete',
  topic: 'routes',
  severity: 'critical',
  title: "The pod has the kernel's own rules, and local routes to its addresses",
  failureTitle: 'Pod lacks routing rules or local routes',
  why:
    'Without the local route or rule the pod answers neither ARP requests nor packets for its own ' +
    'address; without the rule of the main table it sends nothing. Links, addresses and routes look right.',
  needs: ['podNetworks'],
  unless: ['namespace unread', networkElsewhere],
  judge(network) {
    const { pod, stack, namespace } = network;
    const { rules, routes } = stack;
    const addresses = mainAddresses(network).filter(({ family }) => family === 4);
    if (addresses.length === 0) return 'the pod holds no IPv4 address on its main interface';
    if (!rules.some(({ family }) => family === 4)) return 'no rules of the namespace were read';
    // A VRF has local tables of its own.
    if (stack.links.some(({ kind }) => kind === 'vrf'))
      return 'the pod has a VRF, which has tables of its own';
    const ofAll = rules.filter((rule) => rule.family === 4 && rule.drops === null && isForAll(rule));
    const missing: Comparison[] = [
      ...(['local', 'main'] as const).flatMap((table) =>
        ofAll.some((rule) => rule.table === table)
          ? []
          : [
              {
                what: `rule that leads to table ${table}`,
                expected: `from all lookup ${table}`,
                actual: 'none',
                source: `ip rule (netns ${namespace})`,
              },
            ],
      ),
      ...addresses.flatMap(({ address, link }) =>
        routes.some(
          ({ type, destination, table }) =>
            type === 'local' && table === 'local' && destination === `${address}/32`,
        )
          ? []
          : [
              {
                what: `route for ${address} in table local`,
                expected: `local ${address} dev ${link}`,
                actual: 'none',
                source: `ip route show table local (netns ${namespace})`,
              },
            ],
      ),
    ];
    if (missing.length === 0) return 'pass';
    const owner = pod.containers.find(mayChangeNetwork);
    if (owner !== undefined)
      return `container ${owner.name} may change the network, and may have its own rules`;
    return {
      detail: `The pod's namespace has no ${listed(missing.map(({ what }) => what))}.`,
      confidence: 'confirmed',
      evidence: missing,
      remedy: recreatePod(pod),
    };
  },
});
