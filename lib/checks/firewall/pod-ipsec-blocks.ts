import { isLetThrough, isWide, policySelector, policyText } from '../../computed/firewall/ipsec.ts';
import { mainAddresses, mayChangeNetwork, networkElsewhere } from '../../computed/preconditions.ts';
import { rowsOf } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { command, lookOnNode, recreatePod, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 5;

/** A pod has policies of its own only if somebody entered its namespace, or one of its containers may write them. */
export const podIpsecBlocks = definePodCheck({
  id: 'pod-ipsec-blocks',
  topic: 'firewall',
  severity: 'critical',
  title: 'No policy of IPsec inside the pod blocks',
  failureTitle: 'IPsec policy inside the pod drops packets',
  why:
    'The kernel drops the packets without a trace in any packet filter or route. Interface, address, routes and ' +
    'rules of the pod look right.',
  needs: ['podNetworks'],
  unless: ['namespace unread', networkElsewhere],
  judge(network, _sources, { node }) {
    const all = network.stack.ipsecPolicies ?? [];
    const families = new Set(mainAddresses(network).map(({ family }) => family));
    const found = all.filter(
      (policy) =>
        policy.action === 'block' &&
        // A pod forwards nothing.
        policy.direction !== 'forward' &&
        families.has(policy.family) &&
        !isLetThrough(policy, all),
    );
    const [first] = found;
    if (first === undefined) return 'pass';
    if (network.pod.containers.some(mayChangeNetwork))
      return 'a container of the pod may write policies of its own, as a VPN client does';
    const path = network.sandbox.namespacePath;
    return {
      detail: `The policy of IPsec "${policyText(first)}" inside the pod drops packets, whatever packet filters say.`,
      confidence: 'confirmed',
      // Others stop a part.
      ...(found.some(({ source, destination }) => isWide(source) && isWide(destination))
        ? {}
        : { severity: 'high' as const }),
      evidence: rowsOf(found, SHOWN, (policy) => ({
        what: 'policy of IPsec inside the pod',
        expected: 'none that blocks',
        actual: policyText(policy),
        source: `ip xfrm policy (netns ${network.namespace})`,
      })),
      remedy:
        path === null
          ? recreatePod(network.pod)
          : [
              lookOnNode(
                node,
                'list all of its policies, and find out who wrote them: no container of the pod may.',
                command('nsenter', `--net=${path}`, 'ip', 'xfrm', 'policy'),
              ),
              ...found
                .slice(0, SHOWN)
                .map((policy) =>
                  repairOnNode(
                    node,
                    'remove the policy; the pod keeps running.',
                    command(
                      ...['nsenter', `--net=${path}`, 'ip', 'xfrm', 'policy', 'delete'],
                      ...policySelector(policy),
                    ),
                  ),
                ),
            ],
    };
  },
});
