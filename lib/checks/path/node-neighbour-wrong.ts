import { wayIn } from '../../computed/path/way-in.ts';
import { mainAddresses } from '../../computed/preconditions.ts';
import type { Neighbour } from '../../model/network.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { hostEnd, restore } from '../remedies/restore.ts';
import { command, repairOnNode } from '../remedies/steps.ts';

/**
 * The kernel corrects learned entries itself, but never verifies permanent ones (amazon-vpc-cni-k8s#3628,
 * cilium#14962).
 */
export const nodeNeighbourWrong = definePodCheck({
  id: 'node-neighbour-wrong',
  topic: 'path',
  severity: 'critical',
  title: "The node sends the pod's packets to the pod's MAC address",
  failureTitle: 'Node has a wrong pod MAC address',
  why: 'Packets from the node, the kubelet and other nodes never arrive, while pods behind the same bridge may still reach it.',
  needs: ['podNetworks', 'hostNetwork'],
  facts({ hostNetwork }) {
    // The kernel and the API write addresses the same way, including IPv6 (RFC 5952).
    const byAddress = Map.groupBy(hostNetwork.neighbours, ({ destination }) => destination);
    return { byAddress };
  },
  judge(network, { byAddress }, { node }) {
    const way = wayIn(network);
    if (typeof way === 'string') return way;
    const { layout, link, mac } = way;
    if (layout.hostRoute === 'none') return `${network.plugin} delivers without a neighbour entry`;
    const wrong = mainAddresses(network)
      .flatMap(({ address }) => byAddress.get(address) ?? [])
      .filter((entry) => entry.link === link && isWrong(entry, mac));
    if (wrong.length === 0) return 'pass';
    return {
      detail: wrong
        .map(
          ({ destination, mac: found }) =>
            `The node's permanent neighbour entry for ${destination} on ${link} is ${found}, but the pod's ` +
            `${network.interface} has ${mac}.`,
        )
        .join(' '),
      confidence: 'confirmed',
      evidence: wrong.map(({ destination, mac: found, states }) => ({
        what: `neighbour entry of the node for ${destination}`,
        expected: mac,
        actual: `${found} (${states.join(', ')})`,
        source: `ip neigh show ${destination} dev ${link} (node)`,
      })),
      remedy: wrong.map(({ destination }) =>
        repairOnNode(
          node,
          'remove the entry; the kernel then asks the pod itself.',
          command('ip', 'neigh', 'del', destination, 'dev', link),
        ),
      ),
      ...restore(
        network,
        ...wrong.map(
          ({ destination, mac: found }) =>
            ({
              what: 'node-neighbour',
              link: hostEnd(network.hostLink),
              on: link,
              address: destination,
              mac: found?.toLowerCase() ?? '',
            }) as const,
        ),
      ),
    };
  },
});

function isWrong({ mac, states }: Neighbour, expected: string): boolean {
  return states.includes('PERMANENT') && mac !== null && mac.toLowerCase() !== expected;
}
