/** Packets by which pods find and reach their own node and the pods beside them. */
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import { familyOf } from '../cidr.ts';
import type { FilteredPacket } from '../firewall/filtered-packet.ts';
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
    ...{ inputPort: own === inputLink ? null : own, outputPort: null },
  };
}

/** The setting by which packet filters of IP see what a bridge passes from port to port (br_netfilter). */
const SEES_BRIDGED = {
  4: 'net.bridge.bridge-nf-call-iptables',
  6: 'net.bridge.bridge-nf-call-ip6tables',
} as const;

/**
 * What pods of the node send to each other, empty where there is only one. A pod that its neighbours may not reach is
 * no fault of the node: others send and get too, pods that the node could have beside these as well.
 */
export function packetsBeside(
  podNetworks: readonly PodNetwork[],
  { sysctls }: Pick<Sources['kernel'], 'sysctls'>,
): (network: PodNetwork) => FilteredPacket[] {
  const ways = podNetworks.flatMap((network) => {
    const way = wayOf(network);
    return way === null ? [] : [{ uid: network.pod.uid, way }];
  });
  const taken = new Set(ways.flatMap(({ way }) => [way.source, way.inputLink, way.inputPort ?? '']));
  const next = new Map(
    [...Map.groupBy(ways, ({ way }) => way.family).values()].flatMap((ofFamily) =>
      ofFamily.map(({ uid }, at) => [uid, ofFamily[(at + 1) % ofFamily.length]] as const),
    ),
  );
  return (network) => {
    const from = wayOf(network);
    const to = next.get(network.pod.uid);
    if (from === null || to === undefined || to.uid === network.pod.uid) return [];
    // Nodes may keep pods of one bridge from those of another on purpose.
    const others = [anotherWay(to.way, taken), anotherWay(from, taken)];
    return [
      [from, to.way] as const,
      ...others.flatMap((other) => [[from, other] as const, [other, from] as const]),
    ].map(([one, other]) => packetBeside(one, other, sysctls));
  };
}

function packetBeside(from: From, to: From, sysctls: Sources['kernel']['sysctls']): FilteredPacket {
  const isBridged = from.inputPort !== null && to.inputPort !== null && from.inputLink === to.inputLink;
  const way = isBridged && sysctls[SEES_BRIDGED[from.family]] !== '1' ? 'bridged' : 'forwarded';
  return {
    ...{ ...from, way, destination: to.source, outputLink: to.inputLink },
    // The bridge itself gets what is for the node only, and the node sends to ports of another bridge.
    ...(isBridged
      ? {
          devices: from.devices.filter((device) => device !== from.inputLink),
          outputPort: to.inputPort,
        }
      : {}),
  };
}

/** The way of a pod that the node does not have. Rules that list all ports of a bridge are for that one, too. */
function anotherWay(way: From, taken: ReadonlySet<string>): From {
  const other = (text: string) =>
    ['5', '4', '3', '2', '1'].map((last) => text.replace(/.$/, last)).find((each) => !taken.has(each)) ??
    text;
  const source = other(way.source);
  const port = way.inputPort;
  if (port !== null) return { ...way, source, inputPort: other(port) };
  const inputLink = other(way.inputLink);
  return { ...way, source, inputLink, devices: [inputLink] };
}

/** ARP between a pod and its node: questions as well as answers, as nothing is known of their kind. */
export function arpOf(network: PodNetwork, way: 'received' | 'sent'): FilteredPacket[] {
  const from = wayOf(network);
  if (from === null || from.family !== 4) return [];
  const { inputLink: link, inputPort: port } = from;
  return way === 'received'
    ? [{ ...from, way: 'resolves', destination: null, outputLink: null }]
    : [
        {
          ...{ ...from, way: 'resolves', source: null, destination: from.source },
          ...{ inputLink: null, outputLink: link, devices: [], inputPort: null, outputPort: port },
        },
      ];
}
