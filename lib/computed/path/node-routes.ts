/** The routes of a node by which it may reach pods of other nodes. */
import { isIP } from 'node:net';
import { CILIUM_LINK, OF_FLANNEL } from '../../model/cni-names.ts';
import type { Evidence, Sources } from '../../model/evidence.ts';
import type { OtherNode } from '../../model/kubernetes.ts';
import type { NetworkStack, Route } from '../../model/network.ts';
import { NEIGHBOURS_OF_A_NODE, type NodeRoutes, ROUTES_OF_A_NODE } from '../../model/node-routes.ts';
import { addressBits, contains, prefixLength, subnetOf } from '../cidr.ts';
import { serviceProxyOf } from '../firewall/service-rules.ts';
import { loadedConfig } from '../loaded-config.ts';
import { routeText } from '../routes/gateway.ts';
import { defaultRoutes } from '../routes/uplinks.ts';
import { isKnownToAll } from './joining.ts';

/** Maximum number of addresses and subnets kept for a node. */
const KEPT = 50;
/** Kinds of links that carry packets to other nodes by themselves, whatever the gateway. */
const TUNNELS: readonly string[] = ['vxlan', 'geneve', 'ipip', 'ip6tnl', 'sit', 'gre', 'wireguard', 'tun'];

/** Null if nothing is known, and for a node that others may not know yet. */
export function nodeRoutes(
  evidence: Pick<
    Evidence,
    | 'nodeName'
    | 'takenAt'
    | 'node'
    | 'hostNetwork'
    | 'podNetworks'
    | 'cniConfig'
    | 'hostPacketFilters'
    | 'processes'
  >,
): NodeRoutes | null {
  const { node, hostNetwork, podNetworks, cniConfig, takenAt, nodeName, hostPacketFilters, processes } =
    evidence;
  if (node.status !== 'present' || hostNetwork.status !== 'present' || podNetworks.status !== 'present')
    return null;
  const [pod] = podNetworks.value;
  const config = cniConfig.status === 'present' ? loadedConfig(cniConfig.value) : undefined;
  const plugin = pod === undefined ? (config?.plugins[0] ?? null) : pod.plugin;
  if (plugin === null || !isKnownToAll(node.value, Date.parse(takenAt))) return null;
  const host = hostNetwork.value;
  const global = host.addresses.filter(({ scope }) => scope === 'global');
  const held = global.filter(({ link }) => !isTunnel(link, host));
  const inTunnels = global.filter(({ link }) => isTunnel(link, host));
  const out = (family: 4 | 6) => defaultRoutes(host, family).map(routeText)[0] ?? null;
  return {
    node: nodeName,
    plugin,
    always: flannelRoutes(node.value.annotations),
    addresses: [...new Set([...node.value.addresses, ...held.map(({ address }) => address)])].slice(0, KEPT),
    tunnelAddresses: [...new Set(inTunnels.map(({ address }) => address))].slice(0, KEPT),
    macs: macsOf(host).slice(0, KEPT),
    neighbours: fixedNeighbours(host).slice(0, NEIGHBOURS_OF_A_NODE),
    ranges: rangesOf(node.value, podNetworks.value, config?.subnets ?? []).slice(0, KEPT),
    subnets: [...new Set(held.map((each) => subnetOf(each.address, each.prefixLength)))].slice(0, KEPT),
    routes: host.routes
      .filter(leadsOn)
      .slice(0, ROUTES_OF_A_NODE + 1)
      .map((route) => ({
        destination: route.destination,
        gateway: route.gateway,
        ...tunnelOf(route, host),
        text: routeText(route),
      })),
    vxlans: host.links
      .flatMap(({ name, vxlanId = null, vxlanPort: port = null }) =>
        port === null ? [] : [{ device: name, id: vxlanId, port }],
      )
      .slice(0, KEPT),
    serviceProxy:
      hostPacketFilters.status === 'present' && processes.status === 'present'
        ? serviceProxyOf(hostPacketFilters.value, processes.value)
        : null,
    default: { 4: out(4), 6: out(6) },
  };
}

/** By which others may send to the node: an address is answered for by any link, and by any port of a bond. */
function macsOf({ links, addresses }: NetworkStack): string[] {
  const holding = new Set(addresses.map(({ link }) => link));
  return [
    ...new Set(
      links.flatMap(({ name, kind, mac, loopback }) =>
        mac === null || loopback || (kind === 'veth' && !holding.has(name)) ? [] : [mac.toLowerCase()],
      ),
    ),
  ];
}

/**
 * Entries for addresses of other machines that somebody wrote for good. Those of tunnels are judged by their
 * agents' rules.
 */
function fixedNeighbours(host: NetworkStack): NonNullable<NodeRoutes['neighbours']> {
  const near = host.addresses
    .filter(({ scope, link }) => scope === 'global' && !isTunnel(link, host))
    .map((each) => ({ link: each.link, subnet: subnetOf(each.address, each.prefixLength) }));
  const entries = host.neighbours.flatMap(({ destination: address, link, mac, states }) =>
    mac === null ? [] : [{ address, link, mac: mac.toLowerCase(), fixed: states.includes('PERMANENT') }],
  );
  const byMac = Map.groupBy(entries, ({ link, mac }) => `${link} ${mac}`);
  return entries
    .filter(
      ({ fixed, link, address }) =>
        fixed &&
        isIP(address) !== 0 &&
        near.some((each) => each.link === link && contains(each.subnet, address)),
    )
    .map(({ address, link, mac }) => ({
      address,
      mac,
      link,
      shared: (byMac.get(`${link} ${mac}`) ?? []).some((other) => other.address !== address),
    }));
}

/**
 * Ranges in the API may be meaningless: they count only if flannel's daemon has put its mark on the node, as
 * it takes them for its own, or if all pods have addresses in them.
 */
function rangesOf(
  { podCIDRs, annotations }: Sources['node'],
  networks: Sources['podNetworks'],
  configured: readonly string[],
): readonly string[] {
  if (configured.length > 0) return configured;
  if (flannelRoutes(annotations) !== 'none') return podCIDRs;
  const held = networks.flatMap(({ pod }) => pod.podIPs);
  const mean = held.length > 0 && held.every((address) => podCIDRs.some((cidr) => contains(cidr, address)));
  return mean ? podCIDRs : [];
}

/** The flannel backends that write a route for each other node. */
function flannelRoutes(annotations: OtherNode['annotations']): NodeRoutes['always'] {
  const backend = annotations[OF_FLANNEL.backend];
  if (backend === 'vxlan') return 'all';
  return backend === 'host-gw' ? 'near' : 'none';
}

/** Neither a default route nor a route to a pod on this node. */
function leadsOn({ destination, gateway, table, flags, type }: Route): boolean {
  const length = prefixLength(destination);
  if (table === 'local' || length === 0 || flags.includes('dead') || type === 'throw') return false;
  return gateway !== null || length < addressBits(destination);
}

function tunnelOf(
  { type, link }: Route,
  host: NetworkStack,
): Pick<NodeRoutes['routes'][number], 'tunnel' | 'link'> {
  return link !== null && type === 'unicast' && isTunnel(link, host)
    ? { tunnel: true, link }
    : { tunnel: false };
}

function isTunnel(link: string | null, { links }: NetworkStack): boolean {
  if (link === null) return false;
  const kind = links.find(({ name }) => name === link)?.kind ?? null;
  return CILIUM_LINK.test(link) || (kind !== null && TUNNELS.includes(kind));
}
