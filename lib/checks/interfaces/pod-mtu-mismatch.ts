import { largestPacket, tooSmallUplink, widestUplink } from '../../computed/path/uplink-mtu.ts';
import { mayChangeNetwork, networkElsewhere } from '../../computed/preconditions.ts';
import { TUNING } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { definePodCheck, see } from '../define-pod-check.ts';
import { recreatePod, repair } from '../remedies/steps.ts';
import { nodeMtuTooSmall } from './node-mtu-too-small.ts';

/**
 * Absolute values prove nothing (AWS 9001, VXLAN 1450, WireGuard 1420), so the pod's value is compared with
 * the other end's and the uplink's.
 */
export const podMtuMismatch = definePodCheck({
  id: 'pod-mtu-mismatch',
  topic: 'interfaces',
  severity: 'medium',
  title: "The pod's MTU fits its pair and the node's uplink",
  failureTitle: "Pod's MTU does not fit its link",
  why:
    'If one end accepts larger packets than the other, small requests work, but large answers vanish: ' +
    'TLS handshakes hang, uploads stall, and ping looks fine.',
  needs: ['podNetworks', 'hostNetwork', 'cniConfig'],
  unless: [networkElsewhere],
  facts(sources) {
    const uplink = widestUplink(sources.hostNetwork);
    const ofNode = tooSmallUplink(sources) !== null;
    return { uplink, ofNode };
  },
  judge(network, { uplink, ofNode }) {
    const { link, hostLink } = network;
    const largest = largestPacket(network);
    if (link === null || largest === null) return 'the pod has no such interface: see pod-interface-missing';
    const pairDiffers = hostLink !== null && hostLink.mtu !== link.mtu && !loweredOnPurpose(network);
    const tooLarge = uplink !== undefined && largest > uplink.mtu;
    if (!pairDiffers && tooLarge && ofNode)
      return see(nodeMtuTooSmall, 'all pods of the node send more than its uplink takes');
    if (!pairDiffers && !tooLarge) return 'pass';
    return {
      detail: pairDiffers
        ? `${link.name} of the pod has MTU ${link.mtu}, the node's end ${hostLink.name} has ${hostLink.mtu}.`
        : `${link.name} of the pod has MTU ${link.mtu}, more than the ${uplink?.mtu} of the node's uplink ${uplink?.name}.`,
      confidence: 'confirmed',
      evidence: [
        {
          what: `MTU of ${link.name}`,
          expected: String(pairDiffers ? hostLink.mtu : `at most ${uplink?.mtu}`),
          actual: String(link.mtu),
          source: `ip link (netns ${network.namespace})`,
        },
        pairDiffers
          ? { what: `MTU of ${hostLink.name}`, actual: String(hostLink.mtu), source: 'ip link (node)' }
          : { what: `MTU of ${uplink?.name}`, actual: String(uplink?.mtu), source: 'ip link (node)' },
      ],
      remedy: [
        ...(tooLarge
          ? [
              repair(
                "The plugin's configuration gives pods more than the node's uplink takes: correct its mtu first.",
              ),
            ]
          : []),
        ...recreatePod(network.pod),
      ],
    };
  },
});

/**
 * The tuning plugin sets only the pod's end, and a VPN in the pod may lower its MTU: packets then fit in both
 * directions.
 */
function loweredOnPurpose({ pod, results, link, hostLink }: PodNetwork): boolean {
  if (link === null || hostLink === null || link.mtu > hostLink.mtu) return false;
  return results[0]?.plugins.includes(TUNING) === true || pod.containers.some(mayChangeNetwork);
}
