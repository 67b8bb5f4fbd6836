import { contains, familyOf, subnetOf } from '../../computed/cidr.ts';
import { covers, isLetThrough, isWide, policySelector, policyText } from '../../computed/firewall/ipsec.ts';
import { mainAddresses } from '../../computed/preconditions.ts';
import type { IpsecPolicy } from '../../model/network.ts';
import { rowsOf } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 5;

/** The kernel applies these after routing, independent of all packet filters (net/xfrm/xfrm_policy.c). */
export const nodeIpsecDropsPod = definePodCheck({
  id: 'node-ipsec-drops-pod',
  topic: 'firewall',
  severity: 'critical',
  title: 'No policy of IPsec on the node drops packets of the pod',
  failureTitle: "Node's IPsec policy drops the pod's packets",
  why:
    'The kernel drops the packets without a trace in any packet filter or route. A VPN or an encrypting ' +
    'agent left the policy behind, or another pod had the address before.',
  needs: ['podNetworks', 'ipsecPolicies'],
  judge(network, { ipsecPolicies }, { node }) {
    const addresses = mainAddresses(network).map(({ address }) => address);
    const found = ipsecPolicies.filter(
      (policy) =>
        policy.action === 'block' &&
        addresses.some((address) => concerns(policy, address)) &&
        !isLetThrough(policy, ipsecPolicies),
    );
    const [first] = found;
    if (first === undefined) return 'pass';
    return {
      detail: `The policy of IPsec "${policyText(first)}" of the node drops packets of the pod, whatever packet filters say.`,
      confidence: 'confirmed',
      // Others stop what is between the pod and some pods.
      ...(found.some(hasAnyEnd) ? {} : { severity: 'high' as const }),
      evidence: rowsOf(found, SHOWN, (policy) => ({
        what: 'policy of IPsec about the address of a running pod',
        expected: 'none that blocks',
        actual: policyText(policy),
        source: 'ip xfrm policy (node)',
      })),
      remedy: [
        lookOnNode(
          node,
          'list all policies, and find out what created these: a VPN, an encrypting agent, or somebody who cut the pod off on purpose.',
          'ip xfrm policy',
        ),
        ...found
          .slice(0, SHOWN)
          .map((policy) =>
            repairOnNode(
              node,
              'remove the policy; the pod keeps running. Restart the agent that left it behind, or it comes back.',
              command('ip', 'xfrm', 'policy', 'delete', ...policySelector(policy)),
            ),
          ),
      ],
    };
  },
});

/**
 * One end is the pod, and the other is anybody or pods of other nodes. A policy that only blocks a remote
 * site is intended.
 */
function concerns({ family, source, destination }: IpsecPolicy, address: string): boolean {
  if (family !== familyOf(address)) return false;
  const around = subnetOf(address, family === 4 ? 16 : 48);
  const isPods = (end: string) => covers(around, end) || covers(end, around);
  if (isWide(source) && isWide(destination)) return true;
  return [
    [source, destination],
    [destination, source],
  ].some(([own = '', other = '']) => !isWide(own) && contains(own, address) && isPods(other));
}

/** The policy is about packets from or to anybody. */
const hasAnyEnd = ({ source, destination }: IpsecPolicy): boolean => isWide(source) || isWide(destination);
