/** Where a node's routes send packets for pods of other nodes. */
import { isIP } from 'node:net';
import { DROPPING } from '../../model/network.ts';
import type { PodAddress } from '../../model/node-result.ts';
import { type NodeRoutes, ROUTES_OF_A_NODE } from '../../model/node-routes.ts';
import { contains, familyOf, OF_ONE_NODE, prefixLength, subnetOf } from '../cidr.ts';

/** Number of other nodes with which each node is compared. */
const OTHERS = 100;
/** Number of addresses of a node's pods that are looked up: IPAM blocks may lie apart. */
const ADDRESSES = 4;
const BLOCK = { 4: 24, 6: 64 } as const;

export type WayToNode = {
  /** The other node, and the address of one of its pods. */
  readonly node: string;
  readonly address: string;
  /** An address of the other node, of the same family. */
  readonly by: string | null;
  /** The range of that node which contains the address; null if unknown. */
  readonly range: string | null;
  /** In the same subnet, so there is no router in between. */
  readonly near: boolean;
  /**
   * Through an address of that node; through a tunnel; through another gateway; through nothing but the
   * default route.
   */
  readonly state: 'direct' | 'tunnel' | 'other' | 'missing';
  /** The route that takes the packets; null if there is none. */
  readonly found: string | null;
  /**
   * Of a route into a tunnel that is missing, or goes by another's gateway: how it should read, in the
   * options of `ip route`.
   */
  readonly right?: readonly string[];
};

/**
 * Each node's ways to pods of other nodes. Networks that routers carry as a whole are left out, and so are routes that
 * drop a part of what another route covers: pods-of-node-unreachable is about those.
 */
export function waysBetweenNodes(
  nodes: readonly NodeRoutes[],
  podAddresses: readonly PodAddress[],
): ReadonlyMap<NodeRoutes, readonly WayToNode[]> {
  const addresses = Map.groupBy(
    podAddresses.filter(({ inPodStatus }) => inPodStatus),
    ({ node }) => node,
  );
  const targets = nodes
    .toSorted((a, b) => (a.node < b.node ? -1 : 1))
    .map((other) => ({
      other,
      samples: samplesOf(addresses.get(other.node)?.map(({ address }) => address) ?? firstOf(other)),
    }))
    .filter(({ samples }) => samples.length > 0)
    .slice(0, OTHERS + 1);
  return new Map(
    nodes.map((own) => {
      const lookUp = tableOf(own.routes);
      const lookUpLeading = tableOf(own.routes.filter((route) => !drops(route)));
      return [
        own,
        targets.flatMap(({ other, samples }) =>
          other === own
            ? []
            : samples.flatMap((address) => wayTo(address, { own, other }, { lookUp, lookUpLeading }) ?? []),
        ),
      ];
    }),
  );
}

/** One address from each block. */
function samplesOf(addresses: readonly string[]): string[] {
  const blocks = new Map(
    addresses.map((address) => [subnetOf(address, BLOCK[familyOf(address)]), address] as const),
  );
  return [...blocks.values()].toSorted().slice(0, ADDRESSES);
}

/** For a node without pods, the first address of each range, which usually is its gateway. */
const firstOf = ({ ranges }: NodeRoutes): string[] =>
  ranges.flatMap((range) => {
    const network = range.split('/')[0] ?? '';
    return isIP(network) === 4 && prefixLength(range) >= OF_ONE_NODE[4]
      ? [network.replace(/\d+$/, (last) => String(Number(last) | 1))]
      : [];
  });

type Route = NodeRoutes['routes'][number];

type LookUp = (address: string) => Route | null;

const drops = ({ text }: Route): boolean => DROPPING.some((type) => text.startsWith(`${type} `));

/** Finds the route to an address with the longest prefix. */
function tableOf(all: readonly Route[]): LookUp {
  const routes = all.filter(({ destination }) => isIP(destination.split('/')[0] ?? '') !== 0);
  const byNetwork = new Map(
    routes.toReversed().map((route) => {
      const [network = '', length] = route.destination.split('/');
      return [`${familyOf(network)} ${subnetOf(network, Number(length))}`, route];
    }),
  );
  const lengths = ([4, 6] as const).map((family) =>
    [
      ...new Set(
        routes
          .filter(({ destination }) => familyOf(destination) === family)
          .map(({ destination }) => prefixLength(destination)),
      ),
    ].toSorted((a, b) => b - a),
  );
  return (address) => {
    const family = familyOf(address);
    for (const length of lengths[family === 4 ? 0 : 1] ?? []) {
      const found = byNetwork.get(`${family} ${subnetOf(address, length)}`);
      if (found !== undefined) return found;
    }
    return null;
  };
}

function wayTo(
  address: string,
  { own, other }: { readonly own: NodeRoutes; readonly other: NodeRoutes },
  { lookUp, lookUpLeading }: { readonly lookUp: LookUp; readonly lookUpLeading: LookUp },
): WayToNode | null {
  const family = familyOf(address);
  const by = other.addresses.find((each) => familyOf(each) === family) ?? null;
  const near = by !== null && own.subnets.some((subnet) => contains(subnet, by));
  const range =
    other.ranges.find((each) => prefixLength(each) >= OF_ONE_NODE[family] && contains(each, address)) ?? null;
  const known = { node: other.node, address, by, range, near };
  const route = lookUp(address);
  if (route === null)
    // If the node's routes were cut off at the limit, none of them counts as missing.
    return own.routes.length > ROUTES_OF_A_NODE
      ? null
      : { ...known, state: 'missing', found: own.default[family], ...intoTunnel(range, own, other) };
  const { gateway, tunnel, text, destination } = route;
  if (drops(route) && prefixLength(destination) >= OF_ONE_NODE[family] && lookUpLeading(address) === null)
    return { ...known, state: 'missing', found: text, ...intoTunnel(range, own, other) };
  const right = tunnel ? rightGateway(gateway, own, other) : null;
  if (tunnel && right === null) return { ...known, state: 'tunnel', found: text };
  if (gateway === null) return null;
  if (other.addresses.includes(gateway)) return { ...known, state: 'direct', found: text };
  if (prefixLength(destination) < OF_ONE_NODE[family]) return null;
  if (right === null || route.link === undefined) return { ...known, state: 'other', found: text };
  const words = [destination, 'via', right, 'dev', route.link, 'onlink'];
  return { ...known, state: 'other', found: text, right: words };
}

/**
 * The gateway that a route into a tunnel should have; null where the one that it has is right, or nothing is
 * known. VXLAN sends to the node whose entry the gateway has. Routes of Cilium lead to the node's own
 * address, and its programs on; a device that leads to one node alone needs no gateway.
 */
function rightGateway(gateway: string | null, own: NodeRoutes, other: NodeRoutes): string | null {
  if (gateway === null || [own, other].some((node) => addressesOf(node).includes(gateway))) return null;
  return other.tunnelAddresses?.find((each) => familyOf(each) === familyOf(gateway)) ?? null;
}

/** The route into its tunnel that flannel writes on each node; the device has the same name on all. */
function intoTunnel(range: string | null, own: NodeRoutes, other: NodeRoutes): Pick<WayToNode, 'right'> {
  const device = [own, other].flatMap(({ routes }) =>
    routes.flatMap(({ tunnel, link }) => (tunnel && link) || []),
  )[0];
  if (own.always !== 'all' || range === null || device === undefined) return {};
  const via = other.tunnelAddresses?.find((each) => contains(range, each));
  return via === undefined ? {} : { right: [range, 'via', via, 'dev', device, 'onlink'] };
}

const addressesOf = ({ addresses, tunnelAddresses = [] }: NodeRoutes): string[] => [
  ...addresses,
  ...tunnelAddresses,
];
