/** Packets that stand for all that a node's pods send and get: who drops every one of a kind breaks each pod. */
import { CILIUM_TUNNEL, OF_CALICO } from '../../model/cni-names.ts';
import { AWS_CNI } from '../../model/cni-plugins.ts';
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import type { NetworkStack, Route } from '../../model/network.ts';
import {
  addressKey,
  contains,
  familyOf,
  networkAround,
  OF_ONE_NODE,
  prefixLength,
  subnetOf,
} from '../cidr.ts';
import type { FilteredPacket } from '../firewall/filtered-packet.ts';
import { forwardsForCilium } from '../firewall/kernel-forwarding.ts';
import { defaultRoutes } from '../routes/uplinks.ts';
import { hasDnsCache, queriesTo, serversOf } from './dns-queries.ts';
import { OF_PINGS } from './kinds-of-pings.ts';
import { arpOf, packetsBeside, wayOf } from './packets-on-node.ts';
import { BEHIND, deliveredBehind, type From, pastOf } from './past-programs.ts';
import { announcedAddresses } from './tunnel.ts';

/** Outside the cluster: reserved for documentation, and of the internet, as guards drop what is for reserved ones. */
const OUTSIDE = { 4: ['198.51.100.1', '93.184.215.14'], 6: ['2001:db8::1', '2606:2800:21f::1'] } as const;
const NEIGHBOURS = 2;

export type Traffic = {
  readonly what: string;
  /** It has to be tracked: it may be for a Service, or leave the cluster. */
  readonly tracked?: boolean;
  /** Pods that lose it can still do much. */
  readonly isPart?: boolean;
  /** Empty if the kernel does not forward for the pod. */
  readonly packetsOf: (network: PodNetwork) => readonly FilteredPacket[];
};

/**
 * Kinds of traffic, what breaks most first. Pods that may not reach the outside may be meant to stay inside: a
 * kind has packets to both.
 */
export function ordinaryTraffic(
  host: NetworkStack,
  {
    otherNodes,
    clusterDns,
    hostPacketFilters,
    podNetworks,
    kernel,
  }: Pick<Sources, 'otherNodes' | 'clusterDns' | 'hostPacketFilters' | 'podNetworks' | 'kernel'>,
): readonly Traffic[] {
  const leavesToKernel = forwardsForCilium(hostPacketFilters);
  // Without a tunnel the kernel also forwards between pods of nodes.
  const isNative = leavesToKernel && !host.links.some(({ name }) => CILIUM_TUNNEL.test(name));
  const toOthers = routesToPods(host, otherNodes);
  const sent = (protocol: FilteredPacket['protocol']) => (network: PodNetwork) =>
    sentBy(network, host, toOthers).map((packet) => ({ ...packet, protocol }));
  const fromOthers = (protocol: FilteredPacket['protocol']) => (network: PodNetwork) =>
    [
      ...toNeighbours(network, toOthers, wayOf).map(reversed),
      ...(isNative ? toNeighbours(network, toOthers, pastOf).map(reversed).map(deliveredBehind) : []),
    ].map((packet) => ({ ...packet, protocol }));
  const betweenNode = (network: PodNetwork): BetweenNode | null => {
    const from = wayOf(network);
    if (from !== null) return { from, link: from.inputLink, isPast: false };
    const past = leavesToKernel ? pastOf(network) : null;
    return past === null || BEHIND === null ? null : { from: past, link: BEHIND, isPast: true };
  };
  // The cache asks for the pods, which may then be kept from asking others.
  const servers = hasDnsCache(host, clusterDns) ? [] : serversOf(clusterDns);
  const toBeside = packetsBeside(podNetworks, kernel);
  return [
    { what: OF_PINGS.sent, packetsOf: sent(null), tracked: true },
    { what: 'all TCP that pods send', packetsOf: sent('tcp'), tracked: true },
    { what: 'all UDP that pods send', packetsOf: sent('udp'), tracked: true, isPart: true },
    {
      what: 'DNS queries that pods send',
      packetsOf: (network) => queriesTo(servers, network),
      tracked: true,
      isPart: true,
    },
    {
      what: OF_PINGS.toOthers,
      packetsOf: (network) => [
        ...toNeighbours(network, toOthers, wayOf),
        ...(isNative ? toNeighbours(network, toOthers, pastOf) : []),
      ],
    },
    {
      what: OF_PINGS.fromOthers,
      packetsOf: fromOthers(null),
    },
    // Some zones of firewalld let ICMP alone through.
    { what: 'all TCP that pods of other nodes send to pods of this one', packetsOf: fromOthers('tcp') },
    { what: 'what pods send to other pods of the node', packetsOf: toBeside, isPart: true },
    {
      what: 'what pods send out of the node',
      packetsOf: (network) => (leavesToKernel ? pastPrograms(network, host) : []),
      isPart: true,
    },
    // The kubelet's probes, by which it ends pods.
    {
      what: 'what the node sends to its pods',
      packetsOf: (network) => fromNode(betweenNode(network), null),
      isPart: true,
    },
    {
      what: 'all TCP that the node sends to its pods',
      packetsOf: (network) => fromNode(betweenNode(network), 'tcp'),
      isPart: true,
    },
    {
      what: 'what pods answer to the node',
      packetsOf: (network) => toNode(betweenNode(network), host),
      isPart: true,
    },
    { what: OF_PINGS.arpOfPods, packetsOf: (network) => arpOf(network, 'received') },
    { what: OF_PINGS.arpOfNode, packetsOf: (network) => arpOf(network, 'sent') },
  ];
}

/** A pod that the node could have beside this one: with another address, and behind another link. */
export function anotherPod(network: PodNetwork): PodNetwork {
  const { stack, hostLink } = network;
  const other = (text: string) => text.replace(/.$/, (last) => (last === '1' ? '2' : '1'));
  return {
    ...network,
    hostLink: hostLink === null ? null : { ...hostLink, name: other(hostLink.name) },
    stack:
      stack === null
        ? null
        : { ...stack, addresses: stack.addresses.map((held) => ({ ...held, address: other(held.address) })) },
  };
}

function sentBy(network: PodNetwork, host: NetworkStack, toOthers: readonly RouteToPods[]): FilteredPacket[] {
  const from = wayOf(network);
  if (from === null) return [];
  const family = familyOf(from.source);
  const outputLink = defaultRoutes(host, family)[0]?.link ?? null;
  if (outputLink === null) return [];
  const neighbours = toNeighbours(network, toOthers, wayOf);
  return [
    ...OUTSIDE[family].map((destination) => ({ ...from, destination, outputLink })),
    ...(neighbours.length > 0
      ? neighbours
      : [{ ...from, destination: neighbourOf(from.source), outputLink }]),
  ];
}

/** What a pod of Cilium sends out of the node, beyond the network of the nodes and within it: programs carry all else. */
function pastPrograms(network: PodNetwork, host: NetworkStack): FilteredPacket[] {
  const from = pastOf(network);
  if (from === null) return [];
  const { family } = from;
  const outputLink = defaultRoutes(host, family)[0]?.link ?? null;
  const near = host.addresses.find((held) => held.link === outputLink && held.family === family)?.address;
  if (outputLink === null || near === undefined) return [];
  return [...OUTSIDE[family], near.replace(/.$/, (last) => (last === '1' ? '2' : '1'))].map(
    (destination) => ({
      ...from,
      destination,
      outputLink,
    }),
  );
}

type RouteToPods = Pick<Route, 'family' | 'destination'> & { readonly first: string; readonly link: string };

/**
 * Routes of the main table that lead to pods of other nodes: to their ranges, or to a block of Calico's by way of a
 * node. Where pods have addresses of the network around them, others lead to what is no pod.
 */
export function routesToPods(host: NetworkStack, otherNodes: Sources['otherNodes']): RouteToPods[] {
  const ranges = otherNodes.flatMap(({ podCIDRs }) => podCIDRs);
  const subnets = new Set(ranges.map((range) => subnetOf(range.split('/')[0] ?? '', prefixLength(range))));
  const lengths = [...new Set(ranges.map(prefixLength))];
  const nodes = new Set(
    otherNodes
      .flatMap(({ addresses, annotations }) => [
        ...addresses,
        ...announcedAddresses(annotations),
        annotations[OF_CALICO.tunnelAddress] ?? '',
      ])
      .map(addressKey),
  );
  return host.routes.flatMap(({ family, destination, type, table, gateway, link }) => {
    const [first = ''] = destination.split('/');
    return type !== 'unicast' ||
      table !== 'main' ||
      gateway === null ||
      link === null ||
      prefixLength(destination) < OF_ONE_NODE[family] ||
      !(nodes.has(addressKey(gateway)) || lengths.some((length) => subnets.has(subnetOf(first, length))))
      ? []
      : [{ family, destination, first, link }];
  });
}

function toNeighbours(
  network: PodNetwork,
  toOthers: readonly RouteToPods[],
  wayFrom: (network: PodNetwork) => From | null,
): FilteredPacket[] {
  const from = wayFrom(network);
  // Its pods have addresses of the VPC, and no node is the gateway of another's.
  if (from === null || network.plugin === AWS_CNI) return [];
  const family = familyOf(from.source);
  const ofPods = networkAround(from.source);
  return toOthers
    .filter(
      (route) =>
        route.family === family && contains(ofPods, route.first) && !contains(route.destination, from.source),
    )
    .map(({ first, link }) => ({ ...from, destination: first, outputLink: link }))
    .slice(0, NEIGHBOURS);
}

/** What node and pod exchange: programs bring that to pods of Cilium from a link of their own. */
type BetweenNode = { readonly from: From; readonly link: string; readonly isPast: boolean };

function fromNode(way: BetweenNode | null, protocol: FilteredPacket['protocol']): FilteredPacket[] {
  if (way === null) return [];
  const { from, link: outputLink } = way;
  const { source: destination } = from;
  const ports = { inputPort: null, outputPort: from.inputPort };
  return [
    {
      ...{ ...from, ...ports, way: 'sent', source: null, destination },
      ...{ inputLink: null, outputLink, devices: [], protocol },
    },
  ];
}

function toNode(way: BetweenNode | null, host: NetworkStack): FilteredPacket[] {
  if (way === null) return [];
  const { from, link, isPast } = way;
  // The kernel asks from the address of the link by which it sends.
  const held = host.addresses.find((each) => each.link === link && each.family === from.family);
  const destination = isPast ? (held?.address ?? null) : null;
  const answer = { ...from, way: 'received', state: 'ESTABLISHED', destination, outputLink: null } as const;
  // A port that the kernel takes to ask from (net.ipv4.ip_local_port_range), and no service has.
  return [{ ...answer, protocol: 'tcp', port: 45_991 }];
}

function reversed({ source, destination, inputLink, outputLink, ...packet }: FilteredPacket): FilteredPacket {
  return {
    ...packet,
    source: destination,
    destination: source,
    inputLink: outputLink,
    outputLink: inputLink,
    devices: outputLink === null ? [] : [outputLink],
    inputPort: packet.outputPort,
    outputPort: packet.inputPort,
  };
}

/** An address that a pod on another node may have: 10.244.0.7 for 10.244.1.7. */
function neighbourOf(address: string): string {
  return address.replace(/(\d+)(\.\d+)$/, (_, third: string, last: string) => `${Number(third) ^ 1}${last}`);
}
