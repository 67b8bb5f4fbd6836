/** Packets that stand for all that a node's pods send and get: who drops every one of a kind breaks each pod. */
import type { PodNetwork } from '../model/evidence.ts';
import type { NetworkStack } from '../model/network.ts';
import { contains, familyOf, prefixLength, subnetOf } from './cidr.ts';
import type { FilteredPacket } from './forwarding.ts';
import { mainAddresses } from './preconditions.ts';
import { defaultRoutes } from './uplinks.ts';
import { forwardedLayout, nodeLink } from './way-in.ts';

/** Any address outside the cluster: one reserved for documentation, which no rule names. */
const OUTSIDE = { 4: '198.51.100.1', 6: '2001:db8::1' } as const;
/** Routes to networks that share so much with the address of a pod lead to pods of other nodes, unless they are wider. */
const SHARED = { 4: 16, 6: 48 } as const;
const OF_ONE_NODE = { 4: 20, 6: 56 } as const;
const NEIGHBOURS = 2;
const LINK_LOCAL = ['169.254.0.0/16', 'fe80::/10'];

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
export function ordinaryTraffic(host: NetworkStack): readonly Traffic[] {
  const sent =
    (protocol: FilteredPacket['protocol'], port: number | null = null) =>
    (network: PodNetwork) =>
      sentBy(network, host).map((packet) => ({ ...packet, protocol, port }));
  // NodeLocal DNSCache asks for the pods, which may then be kept from asking others.
  const hasOwnDns = host.addresses.some(
    ({ link, address, scope }) =>
      scope !== 'link' && link !== 'lo' && LINK_LOCAL.some((network) => contains(network, address)),
  );
  return [
    { what: 'what pods send', packetsOf: sent(null), tracked: true },
    { what: 'all TCP that pods send', packetsOf: sent('tcp'), tracked: true },
    { what: 'all UDP that pods send', packetsOf: sent('udp'), tracked: true, isPart: true },
    ...(hasOwnDns
      ? []
      : [
          {
            what: 'DNS queries that pods send',
            packetsOf: sent('udp', 53),
            tracked: true,
            isPart: true,
          },
        ]),
    {
      what: 'what pods send to pods of other nodes',
      packetsOf: (network) => toNeighbours(network, host),
    },
    {
      what: 'what pods of other nodes send to pods of this one',
      packetsOf: (network) => toNeighbours(network, host).map(reversed),
    },
    // The kubelet's probes, by which it ends pods.
    {
      what: 'what the node sends to its pods',
      packetsOf: (network) => fromNode(network, null),
      isPart: true,
    },
    {
      what: 'all TCP that the node sends to its pods',
      packetsOf: (network) => fromNode(network, 'tcp'),
      isPart: true,
    },
    { what: 'what pods answer to the node', packetsOf: toNode, isPart: true },
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

function sentBy(network: PodNetwork, host: NetworkStack): FilteredPacket[] {
  const from = wayOf(network);
  if (from === null) return [];
  const family = familyOf(from.source);
  const outputLink = defaultRoutes(host, family)[0]?.link ?? null;
  if (outputLink === null) return [];
  const neighbours = toNeighbours(network, host);
  return [
    { ...from, destination: OUTSIDE[family], outputLink },
    ...(neighbours.length > 0
      ? neighbours
      : [{ ...from, destination: neighbourOf(from.source), outputLink }]),
  ];
}

/** To addresses behind routes of the main table that only pods of other nodes can have. */
function toNeighbours(network: PodNetwork, host: NetworkStack): FilteredPacket[] {
  const from = wayOf(network);
  if (from === null) return [];
  const family = familyOf(from.source);
  const ofPods = subnetOf(from.source, SHARED[family]);
  return host.routes
    .flatMap((route): FilteredPacket[] => {
      const { destination, type, table, gateway, link } = route;
      const [first = ''] = destination.split('/');
      return route.family !== family ||
        type !== 'unicast' ||
        table !== 'main' ||
        gateway === null ||
        link === null ||
        prefixLength(destination) < OF_ONE_NODE[family] ||
        !contains(ofPods, first) ||
        contains(destination, from.source)
        ? []
        : [{ ...from, destination: first, outputLink: link }];
    })
    .slice(0, NEIGHBOURS);
}

function fromNode(network: PodNetwork, protocol: FilteredPacket['protocol']): FilteredPacket[] {
  const from = wayOf(network);
  if (from === null) return [];
  const { source: destination, inputLink: outputLink } = from;
  return [
    { ...from, way: 'sent', source: null, destination, inputLink: null, outputLink, devices: [], protocol },
  ];
}

function toNode(network: PodNetwork): FilteredPacket[] {
  const from = wayOf(network);
  return from === null
    ? []
    : [{ ...from, way: 'received', state: 'ESTABLISHED', destination: null, outputLink: null }];
}

type From = Omit<FilteredPacket, 'destination' | 'outputLink' | 'source' | 'inputLink'> & {
  readonly source: string;
  readonly inputLink: string;
};

function wayOf(network: PodNetwork): From | null {
  const layout = forwardedLayout(network);
  const source = mainAddresses(network)[0]?.address;
  if (layout === null || source === undefined) return null;
  const inputLink = nodeLink(network, layout);
  if (inputLink === null) return null;
  const devices = [...new Set([inputLink, network.hostLink?.name ?? inputLink])];
  const family = familyOf(source);
  return { way: 'forwarded', family, state: 'NEW', source, inputLink, devices, protocol: null, port: null };
}

function reversed({ source, destination, inputLink, outputLink, ...packet }: FilteredPacket): FilteredPacket {
  return {
    ...packet,
    source: destination,
    destination: source,
    inputLink: outputLink,
    outputLink: inputLink,
    devices: outputLink === null ? [] : [outputLink],
  };
}

/** An address that a pod on another node may have: 10.244.0.7 for 10.244.1.7. */
function neighbourOf(address: string): string {
  return address.replace(/(\d+)(\.\d+)$/, (_, third: string, last: string) => `${Number(third) ^ 1}${last}`);
}
