/** Packets by which pods find and reach their own node and the pods beside them. */
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import { familyOf } from '../cidr.ts';
import type { FilteredPacket } from '../firewall/forwarding.ts';
import { mainAddresses } from '../preconditions.ts';
import type { From } from './past-programs.ts';
import { forwardedLayout, nodeLink } from './way-in.ts';

/** What a pod sends, as the node gets it; null if the kernel does not forward for the pod. */
export function wayOf(network: PodNetwork): From | null {
  const layout = forwardedLayout(network);
  const source = mainAddresses(network)[0]?.address;
  if (layout === null || source === undefined) return null;
  const inputLink = nodeLink(network, layout);
  if (inputLink === null) return null;
  const own = network.hostLink?.name ?? inputLink;
  return {
    ...{ way: 'forwarded', family: familyOf(source), state: 'NEW', source, inputLink },
    ...{ devices: [...new Set([inputLink, own])], protocol: null, port: null },
    inputPort: own === inputLink ? null : own,
  };
}

/** The setting by which packet filters of IP see what a bridge passes from port to port (br_netfilter). */
const SEES_BRIDGED = {
  4: 'net.bridge.bridge-nf-call-iptables',
  6: 'net.bridge.bridge-nf-call-ip6tables',
} as const;

/** What each pod sends to the next one of the node. Of the last one, and of an only one, that is nothing. */
export function packetsBeside(
  podNetworks: readonly PodNetwork[],
  { sysctls }: Pick<Sources['kernel'], 'sysctls'>,
): (network: PodNetwork) => FilteredPacket[] {
  const next = new Map(podNetworks.map(({ pod }, at) => [pod.uid, podNetworks[at + 1]]));
  return (network) => {
    const from = wayOf(network);
    const beside = next.get(network.pod.uid);
    const to = beside === undefined ? null : wayOf(beside);
    if (from === null || to === null || from.family !== to.family) return [];
    const outputPort = to.inputPort ?? null;
    const isBridged = outputPort !== null && from.inputLink === to.inputLink;
    const way = isBridged && sysctls[SEES_BRIDGED[from.family]] !== '1' ? 'bridged' : 'forwarded';
    return [{ ...from, way, destination: to.source, outputLink: to.inputLink, outputPort }];
  };
}

/** ARP between a pod and its node: questions as well as answers, as nothing is known of their kind. */
export function arpOf(network: PodNetwork, way: 'received' | 'sent'): FilteredPacket[] {
  const from = wayOf(network);
  if (from === null || from.family !== 4) return [];
  const { inputLink: link, inputPort: port = null } = from;
  return way === 'received'
    ? [{ ...from, way: 'resolves', destination: null, outputLink: null }]
    : [
        {
          ...{ ...from, way: 'resolves', source: null, destination: from.source },
          ...{ inputLink: null, outputLink: link, devices: [], inputPort: null, outputPort: port },
        },
      ];
}
