import { mayChangeNetwork, networkElsewhere } from '../../computed/preconditions.ts';
import { TUNING } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { Link, NetworkStack } from '../../model/network.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod, repair } from '../remedies/steps.ts';

/** Links that replace a device of the node and carry its addresses. */
const OF_DEVICES: readonly (string | null)[] = ['bond', 'vlan'];

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
  why: 'Where one end takes larger packets than the other, small requests work and large answers vanish: TLS handshakes hang, uploads stall, and ping looks fine.',
  needs: ['podNetworks', 'hostNetwork'],
  unless: [networkElsewhere],
  facts({ hostNetwork }) {
    const uplink = widestUplink(hostNetwork);
    return { uplink };
  },
  judge(network, { uplink }) {
    const { link, hostLink, stack } = network;
    if (link === null || stack === null) return 'the pod has no such interface: see pod-interface-missing';
    const pairDiffers = hostLink !== null && hostLink.mtu !== link.mtu && !loweredOnPurpose(network);
    // A lower MTU on the route takes precedence (Cilium sets it there).
    const routeMtu =
      stack.routes.find((route) => route.link === link.name && route.destination.endsWith('/0'))?.mtu ??
      link.mtu;
    const tooLarge = uplink !== undefined && Math.min(routeMtu, link.mtu) > uplink.mtu;
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
 * If there are several uplinks (a private network beside the public one), pods may be configured for the one
 * with the largest MTU.
 */
function widestUplink({ links, addresses, routes }: NetworkStack): Link | undefined {
  const ways = routes
    .filter(({ destination, table }) => /^(0\.0\.0\.0|::)\/0$/.test(destination) && table === 'main')
    .map(({ link }) => link);
  if (ways.length === 0) return undefined;
  // A device that is down or unused is no uplink, however large its MTU (InfiniBand: 65520).
  const used = new Set([
    ...addresses.filter(({ scope }) => scope === 'global').map(({ link }) => link),
    ...routes
      .filter(({ destination, table }) => table !== 'local' && !destination.startsWith('fe80:'))
      .map(({ link }) => link),
  ]);
  const leadsOut = ({ name, master, kind, parentDevice, up }: Link) =>
    up &&
    (parentDevice !== null || OF_DEVICES.includes(kind)) &&
    (used.has(name) || (master !== null && used.has(master)));
  return links
    .filter((link) => ways.includes(link.name) || leadsOut(link))
    .toSorted((a, b) => b.mtu - a.mtu)[0];
}

/**
 * The tuning plugin sets only the pod's end, and a VPN in the pod may lower its MTU: packets then fit in both
 * directions.
 */
function loweredOnPurpose({ pod, results, link, hostLink }: PodNetwork): boolean {
  if (link === null || hostLink === null || link.mtu > hostLink.mtu) return false;
  return results[0]?.plugins.includes(TUNING) === true || pod.containers.some(mayChangeNetwork);
}
