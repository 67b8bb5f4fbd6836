/** The device by which a node reaches other nodes' pods, as flannel, Calico or Cilium creates it. */
import { isIP } from 'node:net';
import * as z from 'zod';
import {
  CALICO_TUNNEL,
  CILIUM_TUNNEL,
  CILIUM_TUNNEL_DEFAULT,
  flannelTunnel,
  OF_CALICO,
  OF_FLANNEL,
} from '../../model/cni-names.ts';
import { CALICO, CILIUM_CNI, cniPlugin, FLANNEL } from '../../model/cni-plugins.ts';
import type { Sources } from '../../model/evidence.ts';
import type { OtherNode } from '../../model/kubernetes.ts';
import type { Link, NetworkStack, Route } from '../../model/network.ts';
import { contains, familyOf, OF_ONE_NODE, prefixLength, sameAddress } from '../cidr.ts';
import { isKnownToAll } from './joining.ts';

export type Tunnel = {
  readonly plugin: typeof FLANNEL | typeof CALICO | typeof CILIUM_CNI;
  readonly device: string;
  readonly link: Link | null;
  /** The MAC address that the node announces to others; null if it announces none. */
  readonly mac: string | null;
  readonly address: { readonly announced: string; readonly held: readonly string[] } | null;
  /** The address that it sends from, if the node does not have it, with what the node announces; otherwise null. */
  readonly foreign: { readonly local: string; readonly announced: string | null } | null;
};

/** @returns null if the node has none */
export function tunnelOf(node: Sources['node'], host: NetworkStack): Tunnel | null {
  const tunnel = deviceOf(node, host);
  return tunnel === null ? null : { ...tunnel, foreign: foreignAddress(tunnel.link, node, host) };
}

function foreignAddress(
  link: Link | null,
  { annotations, addresses: listed }: Sources['node'],
  { addresses }: NetworkStack,
): Tunnel['foreign'] {
  const local = link?.vxlanLocal ?? null;
  const isHeld = (address: string) => addresses.some((held) => sameAddress(held.address, address));
  if (local === null || isHeld(local)) return null;
  const own = [...announcedAddresses(annotations), ...listed].find(
    (address) => isIP(address) === isIP(local) && isHeld(address),
  );
  return { local, announced: own ?? null };
}

function deviceOf({ annotations }: Sources['node'], host: NetworkStack): Omit<Tunnel, 'foreign'> | null {
  const { links, addresses } = host;
  const named = (name: string) => links.find((link) => link.name === name) ?? null;
  const flannel = flannelOf(annotations);
  if (flannel !== null) {
    const device = flannelTunnel(flannel.VNI);
    return {
      plugin: FLANNEL,
      device,
      link: named(device),
      mac: flannel.VtepMAC.toLowerCase(),
      address: null,
    };
  }
  const announced = annotations[OF_CALICO.tunnelAddress] ?? null;
  const calico = named(CALICO_TUNNEL);
  // The annotation remains when VXLAN is turned off, but the device is gone.
  if (announced !== null && calico !== null) {
    const held = addresses.filter(({ link }) => link === CALICO_TUNNEL).map(({ address }) => address);
    return { plugin: CALICO, device: CALICO_TUNNEL, link: calico, mac: null, address: { announced, held } };
  }
  const cilium = links.find(({ name }) => CILIUM_TUNNEL.test(name)) ?? null;
  if (cilium === null && routesIntoTunnel(host).length === 0) return null;
  const device = cilium?.name ?? CILIUM_TUNNEL_DEFAULT;
  return { plugin: CILIUM_CNI, device, link: cilium, mac: null, address: null };
}

/**
 * Cilium's routes to other nodes' ranges by its own link, whose address is in the node's range: its agent writes them
 * only where it sends through a tunnel. They stay when the device of the tunnel is deleted. Without a tunnel, it routes
 * the node's own further ranges there, but only routes to others have an MTU (createNodeRouteSpec).
 */
export function routesIntoTunnel({ addresses, routes }: Pick<NetworkStack, 'addresses' | 'routes'>): Route[] {
  const gatewayLink = cniPlugin(CILIUM_CNI)?.layout?.gatewayLink;
  const held = addresses.filter(({ link }) => link === gatewayLink).map(({ address }) => address);
  return routes.filter(
    ({ link, gateway, destination, table, type, mtu }) =>
      link === gatewayLink &&
      mtu !== null &&
      table === 'main' &&
      type === 'unicast' &&
      gateway !== null &&
      held.includes(gateway) &&
      // Older versions route the range of Services there, too.
      prefixLength(destination) >= OF_ONE_NODE[familyOf(gateway)] &&
      !contains(destination, gateway),
  );
}

/** Another node, as this one reaches it through the tunnel. */
export type Reached = {
  readonly name: string;
  readonly gateway: string;
  /** From the node's neighbour entry for the gateway; null if there is none. */
  readonly mac: string | null;
  /** The MAC address that the other node announces for its device; null if it announces none. */
  readonly announced: string | null;
  /** Addresses to which the tunnel may send the other node's packets. */
  readonly addresses: readonly string[];
};

/**
 * The ready nodes reached by a route through the device. The kernel does not resolve addresses on these
 * devices: the agent writes an entry for each node. Cilium's programs need no entries, so it has no such
 * nodes.
 */
export function reachedBy(
  { plugin, device, link }: Tunnel,
  { routes, neighbours }: NetworkStack,
  otherNodes: readonly OtherNode[],
  now: number,
): Reached[] {
  if (plugin === CILIUM_CNI || link === null) return [];
  const entries = new Map(
    neighbours.filter((entry) => entry.link === device).map(({ destination, mac }) => [destination, mac]),
  );
  return otherNodes.flatMap((other) => {
    if (!isKnownToAll(other, now)) return [];
    const { name, annotations, addresses, podCIDRs } = other;
    const gateway = gatewayOf(plugin, { podCIDRs, annotations });
    const used = routes.some((route) => route.link === device && route.gateway === gateway);
    if (gateway === null || !used) return [];
    return [
      {
        name,
        gateway,
        mac: entries.get(gateway)?.toLowerCase() ?? null,
        announced: plugin === FLANNEL ? (flannelOf(annotations)?.VtepMAC.toLowerCase() ?? null) : null,
        addresses: [...new Set([...announcedAddresses(annotations), ...addresses])],
      },
    ];
  });
}

/** Agents may use an address that the API does not list, if a node has several. */
export function announcedAddresses(annotations: OtherNode['annotations']): string[] {
  return [OF_FLANNEL.addressOverwrite, OF_FLANNEL.address, OF_CALICO.address].flatMap(
    (name) => annotations[name]?.split('/')[0] || [],
  );
}

const backendSchema = z.object({ VNI: z.number().int().nonnegative(), VtepMAC: z.string().max(100) });

function flannelOf(annotations: OtherNode['annotations']): z.infer<typeof backendSchema> | null {
  if (annotations[OF_FLANNEL.backend] !== 'vxlan') return null;
  try {
    const data: unknown = JSON.parse(annotations[OF_FLANNEL.backendData] ?? '');
    return backendSchema.safeParse(data).data ?? null;
  } catch {
    return null;
  }
}

/** flannel's gateway is the first address of the other node's range, Calico's the one that the node announces. */
function gatewayOf(
  plugin: Tunnel['plugin'],
  { podCIDRs, annotations }: Pick<OtherNode, 'podCIDRs' | 'annotations'>,
): string | null {
  if (plugin === CALICO) return annotations[OF_CALICO.tunnelAddress] ?? null;
  return podCIDRs.find((cidr) => !cidr.includes(':'))?.split('/')[0] ?? null;
}
