/** How large the packets are that pods send, and how large the node's uplink takes them. */
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import type { Link, NetworkStack } from '../../model/network.ts';
import { loadedConfig } from '../loaded-config.ts';
import { networkElsewhere } from '../preconditions.ts';
import { tunnelOf } from './tunnel.ts';

/** Links that replace a device of the node and carry its addresses. */
const OF_DEVICES: readonly (string | null)[] = ['bond', 'vlan'];

/**
 * The largest packet that gets from the pod to its node; a lower MTU on the route takes precedence (Cilium
 * sets it there). Null if unknown.
 */
export function largestPacket({ link, hostLink, stack }: PodNetwork): number | null {
  if (link === null || stack === null) return null;
  const onRoute = stack.routes.find(
    ({ link: of, destination }) => of === link.name && destination.endsWith('/0'),
  )?.mtu;
  return Math.min(onRoute ?? link.mtu, link.mtu, hostLink?.mtu ?? link.mtu);
}

/**
 * If there are several uplinks (a private network beside the public one), pods may be configured for the one
 * with the largest MTU.
 */
export function widestUplink({ links, addresses, routes }: NetworkStack): Link | undefined {
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

/** A device of the node that takes less than each of its pods sends, and would a new one: no pod is at fault. */
export type TooSmall = { readonly device: Link; readonly networks: readonly PodNetwork[] };

/** Null if a pod fits, or the MTU in the plugin's configuration does: pods that are too large are then older ones. */
export function tooSmallUplink(
  sources: Pick<Sources, 'podNetworks' | 'hostNetwork' | 'cniConfig'>,
): TooSmall | null {
  return tooSmall(widestUplink(sources.hostNetwork), sources);
}

/** Likewise of the device by which the node reaches pods of other nodes. */
export function tooSmallTunnel(
  sources: Pick<Sources, 'podNetworks' | 'hostNetwork' | 'cniConfig' | 'node'>,
): TooSmall | null {
  return tooSmall(tunnelOf(sources.node, sources.hostNetwork)?.link ?? undefined, sources);
}

function tooSmall(
  device: Link | undefined,
  { podNetworks, cniConfig }: Pick<Sources, 'podNetworks' | 'cniConfig'>,
): TooSmall | null {
  if (device === undefined) return null;
  const networks = podNetworks.filter(
    (network) => networkElsewhere(network) === null && largestPacket(network) !== null,
  );
  const fits = (size: number | null) => size !== null && size <= device.mtu;
  if (networks.length === 0 || networks.some((network) => fits(largestPacket(network)))) return null;
  return fits(loadedConfig(cniConfig)?.mtu ?? null) ? null : { device, networks };
}
