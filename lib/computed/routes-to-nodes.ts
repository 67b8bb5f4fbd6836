/** Which routes of a node lead to the pods of each other node. Routers of the network may carry them instead: that is judged across nodes. */
import { CALICO } from '../model/cni-plugins.ts';
import type { Evidence, Sources } from '../model/evidence.ts';
import type { OtherNode } from '../model/kubernetes.ts';
import type { NetworkStack, Route } from '../model/network.ts';
import type { RouteCount, RoutesToNodes } from '../model/routes-to-nodes.ts';
import { contains, familyOf, prefixLength, subnetOf } from './cidr.ts';
import { routeText } from './gateway.ts';
import { defaultRoutes } from './uplinks.ts';

/** An agent learns of a node that joined within seconds; a cluster that grows has many at once. */
const JOINING_SECONDS = 300;
/** Of those that are missing, so many are told: where routers carry the pods' packets, all are. */
const TOLD = 20;
/** Kinds of links that bring packets to other nodes by themselves, whatever the gateway. */
const TUNNELS: readonly string[] = ['vxlan', 'geneve', 'ipip', 'ip6tnl', 'sit', 'gre', 'wireguard', 'tun'];
/** Cilium's own link, behind which its programs send on. */
const OF_CILIUM = /^cilium_/;

/** Null where nothing can be said: without pods, or where their addresses are not of the node's range. */
export function routesToNodes(
  evidence: Pick<Evidence, 'nodeName' | 'takenAt' | 'node' | 'otherNodes' | 'hostNetwork' | 'podNetworks'>,
): RoutesToNodes | null {
  const { node, otherNodes, hostNetwork, podNetworks, takenAt, nodeName } = evidence;
  if (
    node.status !== 'present' ||
    otherNodes.status !== 'present' ||
    hostNetwork.status !== 'present' ||
    podNetworks.status !== 'present'
  )
    return null;
  const now = Date.parse(takenAt);
  const settled = ({ ready, createdAt }: Pick<OtherNode, 'ready' | 'createdAt'>) =>
    ready && now - Date.parse(createdAt) > JOINING_SECONDS * 1000;
  const plugin = podNetworks.value[0]?.plugin ?? null;
  if (plugin === null || !settled(node.value)) return null;
  const families = ([4, 6] as const).filter((family) =>
    holdsOwnRange(family, node.value, podNetworks.value, plugin),
  );
  const counts = { near: none(), far: none() };
  const cut: RoutesToNodes['cut'] = [];
  for (const other of otherNodes.value.filter(settled))
    for (const range of rangesOf(other, plugin, families)) {
      const way = wayTo(range, other, hostNetwork.value);
      if (way === null) continue;
      const address = other.addresses.find((each) => familyOf(each) === familyOf(range)) ?? null;
      const near = address !== null && isNear(address, hostNetwork.value);
      counts[near ? 'near' : 'far'][way.state] += 1;
      if ((way.state === 'missing' || way.state === 'other') && cut.length < TOLD)
        cut.push({ node: other.name, range, near, state: way.state, address, found: way.found });
    }
  const always = flannelRoutes(node.value.annotations);
  return { node: nodeName, plugin, always, ...counts, cut };
}

const none = (): RouteCount => ({ direct: 0, tunnel: 0, other: 0, missing: 0 });

/** The backends of flannel that write a route for each other node. */
function flannelRoutes(annotations: OtherNode['annotations']): RoutesToNodes['always'] {
  const backend = annotations['flannel.alpha.coreos.com/backend-type'];
  if (backend === 'vxlan') return 'all';
  return backend === 'host-gw' ? 'near' : 'none';
}

const usesFlannel = ({ annotations }: Pick<OtherNode, 'annotations'>) =>
  annotations['flannel.alpha.coreos.com/backend-type'] !== undefined;

/** Addresses may come from elsewhere, whatever range the API gives to the node: then other nodes' ranges say nothing either. */
function holdsOwnRange(
  family: 4 | 6,
  node: Sources['node'],
  networks: Sources['podNetworks'],
  plugin: string,
): boolean {
  // Blocks of its IPAM may lie in the range of any node.
  if (plugin === CALICO && !usesFlannel(node)) return false;
  const held = networks.flatMap(({ pod }) => pod.podIPs).filter((address) => familyOf(address) === family);
  return held.length > 0 && held.every((address) => node.podCIDRs.some((cidr) => contains(cidr, address)));
}

/** The range of its pods, or with Calico the address of its tunnel, which is of one of its blocks. */
function rangesOf(other: OtherNode, plugin: string, families: readonly (4 | 6)[]): string[] {
  if (plugin !== CALICO || usesFlannel(other))
    return other.podCIDRs.filter((cidr) => families.includes(familyOf(cidr)));
  const tunnel =
    other.annotations['projectcalico.org/IPv4VXLANTunnelAddr'] ??
    other.annotations['projectcalico.org/IPv4IPIPTunnelAddr'];
  return tunnel === undefined ? [] : [`${tunnel}/32`];
}

type WayTo = { readonly state: keyof RouteCount; readonly found: string | null };

/** Null where another network, larger than the range, takes it along, or a route drops: pods-of-node-unreachable. */
function wayTo(range: string, { addresses }: OtherNode, host: NetworkStack): WayTo | null {
  const family = familyOf(range);
  const first = range.split('/')[0] ?? '';
  const covering = host.routes
    .filter(
      (route) =>
        route.family === family &&
        route.table !== 'local' &&
        prefixLength(route.destination) > 0 &&
        (contains(route.destination, first) || contains(range, route.destination.split('/')[0] ?? '')),
    )
    .toSorted((a, b) => prefixLength(b.destination) - prefixLength(a.destination));
  const unicast = covering.filter(({ type, flags }) => type === 'unicast' && !flags.includes('dead'));
  const tunnel = unicast.find((route) => isTunnel(route, host));
  if (tunnel !== undefined) return { state: 'tunnel', found: routeText(tunnel) };
  const direct = unicast.find(({ gateway }) => gateway !== null && addresses.includes(gateway));
  if (direct !== undefined) return { state: 'direct', found: routeText(direct) };
  const [best] = covering;
  if (best === undefined) {
    const [out] = defaultRoutes(host, family);
    return { state: 'missing', found: out === undefined ? null : routeText(out) };
  }
  // Calico's own block is larger than the one address that is asked for.
  const isOwn = prefixLength(best.destination) >= Math.min(prefixLength(range), family === 4 ? 26 : 122);
  return best.type === 'unicast' && best.gateway !== null && isOwn
    ? { state: 'other', found: routeText(best) }
    : null;
}

function isTunnel({ link }: Route, { links }: NetworkStack): boolean {
  const kind = links.find(({ name }) => name === link)?.kind ?? null;
  return (kind !== null && TUNNELS.includes(kind)) || (link !== null && OF_CILIUM.test(link));
}

/** In a subnet of the node, so that its pods can be reached through it without a router. */
function isNear(address: string, { addresses, links }: NetworkStack): boolean {
  const wires = new Set(
    links.flatMap(({ name, kind }) => (kind !== null && TUNNELS.includes(kind) ? [] : [name])),
  );
  return addresses.some(
    (held) =>
      wires.has(held.link) &&
      held.family === familyOf(address) &&
      contains(subnetOf(held.address, held.prefixLength), address),
  );
}
