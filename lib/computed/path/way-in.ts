/** The link by which a pod's packets reach the node, and whether the node's kernel forwards them. */
import type { Layout } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { layoutOf } from '../layouts.ts';
import { linkFault, networkElsewhere } from '../preconditions.ts';
import { ON_NO_BRIDGE } from '../routes/bridges.ts';

/** The pod's bridge, or the node's end of its pair if each pod has its own link; null if unknown. */
export function nodeLink({ hostLink }: PodNetwork, layout: Layout): string | null {
  return (layout.gatewayMac === 'bridge' ? hostLink?.master : hostLink?.name) ?? null;
}

/** The layout of a pod whose packets the node's kernel forwards; null if it does not, or if the layout is unknown. */
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

/** How the node delivers a frame to a pod whose links are in order, or why that is unknown. */
export function wayIn(network: PodNetwork): WayIn | string {
  const fault = networkElsewhere(network) ?? linkFault(network);
  if (fault !== null) return fault;
  const layout = layoutOf(network);
  if (typeof layout === 'string') return layout;
  const link = nodeLink(network, layout);
  if (link === null) return ON_NO_BRIDGE;
  const mac = network.link?.mac ?? null;
  return mac === null
    ? 'the interface of the pod has no MAC address'
    : { layout, link, mac: mac.toLowerCase() };
}
