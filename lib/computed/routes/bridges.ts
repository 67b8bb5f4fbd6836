/** Bridges that CNI plugins attached pods to, as their results name them, and what became of these bridges. */
import type { PodNetwork } from '../../model/evidence.ts';
import type { NetworkStack } from '../../model/network.ts';
import { familyOf } from '../cidr.ts';
import { layoutOf } from '../layouts.ts';
import { linkFault } from '../preconditions.ts';
import { podEnd } from './attached-by-pair.ts';
import { expectedGateway } from './gateway.ts';

/** The first speaks of one pod's link; the second where the bridge itself is gone, down or renamed. */
const BY = 'see veth-bridge-detached or node-bridge-broken';
/** Why a pod is not judged whose link is on no bridge. */
export const ON_NO_BRIDGE = `the node's end is on no bridge: ${BY}`;
export const NOT_FORWARDED = `the node's end is not forwarded by its bridge: ${BY}`;

/** The bridge in the plugin's result: the first interface on the node that is not part of the pod's pair. */
export function expectedBridge(network: PodNetwork): string | null {
  const layout = layoutOf(network);
  const prefix = typeof layout === 'string' ? null : layout.hostLinkPrefix;
  const named = network.results[0]?.interfaces.find(
    ({ inPod, name }) =>
      !inPod && name !== network.hostLink?.name && (prefix === null || !name.startsWith(prefix)),
  );
  return named?.name ?? null;
}

/** `renamed`: the ports of all its pods are on one bridge that no plugin named, and there is none of its name. */
export type BrokenBridge = {
  readonly name: string;
  readonly pods: readonly PodNetwork[];
} & (
  | { readonly fault: 'down' }
  | { readonly fault: 'gone' }
  | { readonly fault: 'renamed'; readonly now: string }
);

/** Bridges that fail all their pods. One that exists and lost some of its ports is none. */
export function brokenBridges(
  podNetworks: readonly PodNetwork[],
  { links }: Pick<NetworkStack, 'links'>,
): BrokenBridge[] {
  const behind = podNetworks.filter(isBehindBridge);
  const expected = Map.groupBy(behind, (network) => expectedBridge(network) ?? network.hostLink?.master);
  return [...expected].flatMap(([name, pods]): BrokenBridge[] => {
    if (name == null) return [];
    const bridge = links.find((link) => link.name === name);
    const masters = [...new Set(pods.map(({ hostLink }) => hostLink?.master ?? null))];
    if (bridge !== undefined) {
      const ports = pods.filter(({ hostLink }) => hostLink?.master === name);
      return bridge.up || ports.length === 0 ? [] : [{ name, pods: ports, fault: 'down' }];
    }
    const [now = null] = masters;
    if (masters.length > 1) return [];
    if (now === null) return [{ name, pods, fault: 'gone' }];
    return expected.has(now) ? [] : [{ name, pods, fault: 'renamed', now }];
  });
}

/** The pod's pair is whole, and its plugin attaches it to a bridge. */
export function isBehindBridge(network: PodNetwork): boolean {
  const layout = layoutOf(network);
  return (
    typeof podEnd(network) !== 'string' &&
    typeof layout !== 'string' &&
    layout.hostRoute === 'subnet' &&
    linkFault(network) === null
  );
}

/** The gateways that the plugin gave to the bridge for its pods, as the pods' CNI results name them. */
export function gatewaysOf(bridge: string, behind: readonly PodNetwork[]): Map<string, PodNetwork[]> {
  const gateways = new Map<string, PodNetwork[]>();
  for (const network of behind) {
    const layout = layoutOf(network);
    // A gateway in no default route may be a router outside the node, so the address counts only if the
    // plugin routes through it.
    if (typeof layout === 'string' || layout.gatewayMac !== 'bridge') continue;
    const created = network.results[0]?.interfaces.some(({ name, inPod }) => !inPod && name === bridge);
    for (const family of [4, 6] as const) {
      const gateway = expectedGateway(network, layout, family);
      if (gateway === null || !created) continue;
      gateways.set(gateway, [...(gateways.get(gateway) ?? []), network]);
    }
  }
  return gateways;
}

/** The length of the network that the pod's CNI result has for the gateway. */
export function prefixOf(network: PodNetwork | undefined, gateway: string): number {
  const given = network?.results[0]?.addresses.find((address) => address.gateway === gateway);
  return given?.prefixLength ?? (familyOf(gateway) === 4 ? 24 : 64);
}
