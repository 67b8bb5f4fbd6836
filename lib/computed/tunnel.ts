/** The device by which a node reaches the pods of others, as flannel, Calico or Cilium makes it. */
import * as z from 'zod';
import { CALICO, CILIUM_CNI, FLANNEL } from '../model/cni-plugins.ts';
import type { Sources } from '../model/evidence.ts';
import type { OtherNode } from '../model/kubernetes.ts';
import type { Link, NetworkStack } from '../model/network.ts';
import { OF_CALICO, OF_FLANNEL } from '../model/node-annotations.ts';
import { isKnownToAll } from './joining.ts';

const CALICO_DEVICE = 'vxlan.calico';
const CILIUM = /^cilium_(vxlan|geneve)$/;

export type Tunnel = {
  readonly plugin: typeof FLANNEL | typeof CALICO | typeof CILIUM_CNI;
  readonly device: string;
  readonly link: Link | null;
  /** What the node announces to the others; null where it announces none. */
  readonly mac: string | null;
  readonly address: { readonly announced: string; readonly held: readonly string[] } | null;
};

/** @returns null where the node has none */
export function tunnelOf(
  { annotations }: Sources['node'],
  { links, addresses }: NetworkStack,
): Tunnel | null {
  const named = (name: string) => links.find((link) => link.name === name) ?? null;
  const flannel = flannelOf(annotations);
  if (flannel !== null) {
    const device = `flannel.${flannel.VNI}`;
    return {
      plugin: FLANNEL,
      device,
      link: named(device),
      mac: flannel.VtepMAC.toLowerCase(),
      address: null,
    };
  }
  const announced = annotations[OF_CALICO.tunnelAddress] ?? null;
  const calico = named(CALICO_DEVICE);
  // The annotation stays when VXLAN is turned off, and the device goes with it.
  if (announced !== null && calico !== null) {
    const held = addresses.filter(({ link }) => link === CALICO_DEVICE).map(({ address }) => address);
    return { plugin: CALICO, device: CALICO_DEVICE, link: calico, mac: null, address: { announced, held } };
  }
  const cilium = links.find(({ name }) => CILIUM.test(name));
  return cilium === undefined
    ? null
    : { plugin: CILIUM_CNI, device: cilium.name, link: cilium, mac: null, address: null };
}

/** Another node, as this one reaches it by the tunnel. */
export type Reached = {
  readonly name: string;
  readonly gateway: string;
  /** Of the node's neighbour entry for the gateway; null where there is none. */
  readonly mac: string | null;
  /** What the other node says is the address of its own device; null where it announces none. */
  readonly announced: string | null;
  /** To which the tunnel may send for it. */
  readonly addresses: readonly string[];
};

/**
 * The ready nodes that a route over the device leads to. The kernel does not ask on these devices: the agent writes an
 * entry for each. Cilium's programs need none, so it has no such nodes.
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

/** Agents may use another address than the API has, as where a node has several. */
function announcedAddresses(annotations: OtherNode['annotations']): string[] {
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

/** flannel's is the first address of the other node's range, Calico's the one that it announces. */
function gatewayOf(
  plugin: Tunnel['plugin'],
  { podCIDRs, annotations }: Pick<OtherNode, 'podCIDRs' | 'annotations'>,
): string | null {
  if (plugin === CALICO) return annotations[OF_CALICO.tunnelAddress] ?? null;
  return podCIDRs.find((cidr) => !cidr.includes(':'))?.split('/')[0] ?? null;
}
