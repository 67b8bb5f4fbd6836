/** By which link of the node a pod's packets pass, and whether its kernel forwards them. */
import type { Layout } from '../model/cni-plugins.ts';
import type { PodNetwork } from '../model/evidence.ts';
import { layoutOf } from './layouts.ts';
import { linkFault, networkElsewhere } from './preconditions.ts';

/** The pod's bridge, or the node's end of its pair where each pod has a link of its own; null where it could not be told. */
export function nodeLink({ hostLink }: PodNetwork, layout: Layout): string | null {
  return (layout.gatewayMac === 'bridge' ? hostLink?.master : hostLink?.name) ?? null;
}

/** The layout of a pod whose packets pass the forwarding of the node's kernel; null where they do not, or it is not known. */
export function forwardedLayout(network: PodNetwork): Layout | null {
  if (networkElsewhere(network) !== null) return null;
  const layout = layoutOf(network);
  return typeof layout !== 'string' && layout.forwarding ? layout : null;
}

export type WayIn = {
  readonly layout: Layout;
  readonly link: string;
  /** Of the pod's interface, in lower case. */
  readonly mac: string;
};

/** How the node hands a frame to a pod in whose links nothing is wrong, or why that cannot be told. */
export function wayIn(network: PodNetwork): WayIn | string {
  const fault = networkElsewhere(network) ?? linkFault(network);
  if (fault !== null) return fault;
  const layout = layoutOf(network);
  if (typeof layout === 'string') return layout;
  const link = nodeLink(network, layout);
  if (link === null) return "the node's end is on no bridge: see veth-bridge-detached";
  const mac = network.link?.mac ?? null;
  return mac === null
    ? 'the interface of the pod has no MAC address'
    : { layout, link, mac: mac.toLowerCase() };
}
