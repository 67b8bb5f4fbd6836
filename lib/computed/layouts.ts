/**
 * How CNI plugins attach a pod: what is healthy in one layout is a fault in another.
 * A plugin that is not listed here has an unknown layout, and nothing is concluded from it.
 */
import type { PodNetwork } from '../model/evidence.ts';

export type Layout = {
  /** Prefix of the node's end of the pair, as the plugin names it by default. */
  readonly hostLinkPrefix: string;
  /** `subnet`: the pods' subnet goes to the bridge. `address`: one route per pod to its own link. `none`: BPF delivers. */
  readonly hostRoute: 'subnet' | 'address' | 'none';
  /** Whose MAC the pod must see at its gateway. */
  readonly gatewayMac: 'bridge' | 'hostLink';
  /** `permanent`: written by the plugin, as nobody answers ARP for the gateway. `dynamic`: learned, may be absent (docs/traps.md T23). */
  readonly gatewayNeighbour: 'permanent' | 'dynamic';
  /** The gateway is an address of the node and answers a ping; 169.254.1.1 never does. */
  readonly gatewayAnswers: boolean;
  /** Gateway of every pod where the CNI result names none, by family. */
  readonly gateway: { readonly 4: string | null; readonly 6: string | null };
  /** The plugin makes a default route whatever its result says. */
  readonly defaultRoute: boolean;
  /** Packets of pods pass the kernel's forwarding, so net.ipv4.ip_forward must be on. */
  readonly forwarding: boolean;
  /** The node's link answers ARP for the gateway by proxy_arp. */
  readonly proxyArp: boolean;
};

const none = { 4: null, 6: null } as const;

const bridge: Layout = {
  hostLinkPrefix: 'veth',
  hostRoute: 'subnet',
  gatewayMac: 'bridge',
  gatewayNeighbour: 'dynamic',
  gatewayAnswers: true,
  gateway: none,
  defaultRoute: false,
  forwarding: true,
  proxyArp: false,
};

export const layouts: Readonly<Record<string, Layout>> = {
  bridge,
  /** Delegates to bridge. */
  flannel: bridge,
  ptp: { ...bridge, hostRoute: 'address', gatewayMac: 'hostLink' },
  'aws-cni': {
    hostLinkPrefix: 'eni',
    hostRoute: 'address',
    gatewayMac: 'hostLink',
    gatewayNeighbour: 'permanent',
    gatewayAnswers: false,
    gateway: { 4: '169.254.1.1', 6: 'fe80::1' },
    defaultRoute: true,
    forwarding: true,
    proxyArp: false,
  },
  calico: {
    hostLinkPrefix: 'cali',
    hostRoute: 'address',
    gatewayMac: 'hostLink',
    gatewayNeighbour: 'dynamic',
    gatewayAnswers: false,
    /** For IPv6 the link-local address of the node's link, which differs for every pod. */
    gateway: { 4: '169.254.1.1', 6: null },
    defaultRoute: true,
    forwarding: true,
    proxyArp: true,
  },
  'cilium-cni': {
    hostLinkPrefix: 'lxc',
    hostRoute: 'none',
    gatewayMac: 'hostLink',
    gatewayNeighbour: 'dynamic',
    gatewayAnswers: true,
    gateway: none,
    defaultRoute: true,
    forwarding: false,
    proxyArp: false,
  },
};

/** The layout of a pod, or why it is not known. */
export function layoutOf(network: PodNetwork): Layout | string {
  if (network.plugin === null) return 'the CNI plugin of the pod is not known';
  const layout = Object.hasOwn(layouts, network.plugin) ? layouts[network.plugin] : undefined;
  if (layout === undefined) return `the layout of the CNI plugin ${network.plugin} is not known`;
  if (network.link !== null && network.link.kind !== 'veth') {
    return `the pod is attached by a ${network.link.kind ?? 'physical'} link, not by a veth pair`;
  }
  // A branch ENI of security groups for pods (strict mode): routes are in table 100 + VLAN, not in main.
  if (network.hostLink?.name.startsWith('vlan'))
    return 'the pod is on a branch ENI (security groups for pods)';
  return layout;
}
