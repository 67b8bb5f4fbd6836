/**
 * What is known about each CNI plugin: the only place that names their types. A new plugin is a row
 * here; what else it needs is listed in docs/adding-a-cni-plugin.md.
 */

import { createHash } from 'node:crypto';

/**
 * How a plugin attaches a pod: what is healthy in one layout is a fault in another. Pods of a plugin with
 * unknown layout are not judged.
 */
export type Layout = {
  /**
   * Default prefix of the name that the plugin gives the node's end of the pair; null if it begins as the
   * pod's name does.
   */
  readonly hostLinkPrefix: string | null;
  /**
   * `subnet`: the pods' subnet is routed to the bridge. `address`: each pod has a route to its own link.
   * `none`: BPF or a switch delivers, behind `gatewayLink`.
   */
  readonly hostRoute: 'subnet' | 'address' | 'none';
  /** Scope of the route to a pod's own link, as the plugin makes it. */
  readonly hostRouteScope: 'host' | 'link';
  /**
   * Whose MAC address the pod must have for its gateway. The bridge is the kernel's: the master of the node's
   * end, which has the gateway's address.
   */
  readonly gatewayMac: 'bridge' | 'hostLink';
  /**
   * `permanent`: written by the plugin, as nothing answers ARP for the gateway. `dynamic`: learned, may be
   * absent (docs/traps.md T23).
   */
  readonly gatewayNeighbour: 'permanent' | 'dynamic';
  /** The gateway is an address of the node and answers pings; 169.254.1.1 never does. */
  readonly gatewayAnswers: boolean;
  /** Gateway of every pod whose CNI result names none, by family. */
  readonly gateway: { readonly 4: string | null; readonly 6: string | null };
  /** Another link of the node whose MAC address may answer for the gateway. */
  readonly gatewayLink: string | null;
  /** The plugin adds a default route even if its result names none. */
  readonly defaultRoute: boolean;
  /** Pods' packets pass the kernel's forwarding, so net.ipv4.ip_forward must be on. */
  readonly forwarding: boolean;
  /** The node's link answers ARP for the gateway through proxy_arp. */
  readonly proxyArp: boolean;
  /** The node's end is named PREFIX + sha1(namespace.name)[:11]. */
  readonly namedAfterPod: boolean;
};

/** The DaemonSet that installs binary and configuration on a node whenever its pod starts. */
export type Agent = {
  readonly name: string;
  readonly namespace: string;
  readonly selector: string;
  /** Labels of its pods in other installations: k3s and RKE2, Talos, Canal … */
  readonly otherSelectors: readonly string[];
  /**
   * The agent's process names (15 characters): some run it as a service of the node, without a pod. Empty if
   * it may have none.
   */
  readonly processes: readonly string[];
  /** Where it listens for its plugin, if it does so at a file. */
  readonly socket: string | null;
};

export type CniPlugin = {
  /** Null: it attaches no pod by itself (an IPAM or chained plugin), or its layout is not known. */
  readonly layout: Layout | null;
  /** Null: the plugin comes with the node's image. */
  readonly agent: Agent | null;
  /** Plugins that it runs without naming them in any configuration. */
  readonly delegates: readonly string[];
  /**
   * `range`: ranges in the configuration. `podCIDR`: those of the node object. `eni`: addresses of the node's
   * network interfaces.
   */
  readonly addresses: 'range' | 'podCIDR' | 'eni' | null;
};

const noGateway = { 4: null, 6: null } as const;

const bridge: Layout = {
  hostLinkPrefix: 'veth',
  hostRoute: 'subnet',
  hostRouteScope: 'link',
  gatewayMac: 'bridge',
  gatewayNeighbour: 'dynamic',
  gatewayAnswers: true,
  gateway: noGateway,
  gatewayLink: null,
  defaultRoute: false,
  forwarding: true,
  proxyArp: false,
  namedAfterPod: false,
};

const aws: Layout = {
  hostLinkPrefix: 'eni',
  hostRoute: 'address',
  hostRouteScope: 'link',
  gatewayMac: 'hostLink',
  gatewayNeighbour: 'permanent',
  gatewayAnswers: false,
  gateway: { 4: '169.254.1.1', 6: 'fe80::1' },
  gatewayLink: null,
  defaultRoute: true,
  forwarding: true,
  proxyArp: false,
  namedAfterPod: true,
};

const calico: Layout = {
  hostLinkPrefix: 'cali',
  hostRoute: 'address',
  hostRouteScope: 'link',
  gatewayMac: 'hostLink',
  gatewayNeighbour: 'dynamic',
  gatewayAnswers: false,
  // For IPv6, the link-local address of the node's link, which differs for each pod.
  gateway: { 4: '169.254.1.1', 6: null },
  gatewayLink: null,
  defaultRoute: true,
  forwarding: true,
  proxyArp: true,
  namedAfterPod: true,
};

const ciliumLayout: Layout = {
  hostLinkPrefix: 'lxc',
  hostRoute: 'none',
  hostRouteScope: 'link',
  gatewayMac: 'hostLink',
  gatewayNeighbour: 'dynamic',
  gatewayAnswers: true,
  gateway: noGateway,
  // This link has the gateway's address, and BPF answers for it on the pod's own link.
  gatewayLink: 'cilium_host',
  defaultRoute: true,
  forwarding: false,
  proxyArp: false,
  namedAfterPod: false,
};

const awsNode: Agent = {
  name: 'aws-node',
  namespace: 'kube-system',
  selector: 'k8s-app=aws-node',
  otherSelectors: ['app.kubernetes.io/name=aws-node'],
  processes: ['aws-k8s-agent', 'ipamd'],
  socket: null,
};
const calicoNode: Agent = {
  name: 'calico-node',
  namespace: 'calico-system',
  selector: 'k8s-app=calico-node',
  otherSelectors: ['k8s-app=canal'],
  processes: ['calico-node', 'calico-felix'],
  socket: null,
};
const flannel: Agent = {
  name: 'kube-flannel',
  namespace: 'kube-flannel',
  selector: 'app=flannel',
  otherSelectors: ['k8s-app=flannel', 'k8s-app=canal'],
  // k3s and RKE2 run flannel inside their own process.
  processes: ['flanneld', 'k3s', 'k3s-server', 'k3s-agent', 'rke2'],
  socket: null,
};
const cilium: Agent = {
  name: 'cilium',
  namespace: 'kube-system',
  selector: 'k8s-app=cilium',
  otherSelectors: ['app.kubernetes.io/name=cilium-agent'],
  processes: ['cilium-agent'],
  socket: '/var/run/cilium/cilium.sock',
};
// The thin variant is only a plugin, without an agent.
const multus: Agent = {
  name: 'multus',
  namespace: 'kube-system',
  selector: 'app=multus',
  otherSelectors: ['name=multus'],
  processes: [],
  socket: null,
};
const istio: Agent = {
  name: 'istio-cni',
  namespace: 'istio-system',
  selector: 'k8s-app=istio-cni-node',
  otherSelectors: [],
  processes: [],
  socket: null,
};

const plugin = (known: Partial<CniPlugin>): CniPlugin => ({
  layout: null,
  agent: null,
  delegates: [],
  addresses: null,
  ...known,
});

/** By type, as configurations name them. */
const plugins = {
  bridge: plugin({ layout: bridge, addresses: 'range' }),
  ptp: plugin({
    // AddHostRoute of the CNI plugins.
    layout: { ...bridge, hostRoute: 'address', hostRouteScope: 'host', gatewayMac: 'hostLink' },
    addresses: 'range',
  }),
  flannel: plugin({
    layout: bridge,
    agent: flannel,
    delegates: ['bridge', 'host-local'],
    addresses: 'podCIDR',
  }),
  'aws-cni': plugin({ layout: aws, agent: awsNode, addresses: 'eni' }),
  'egress-cni': plugin({ agent: awsNode }),
  calico: plugin({ layout: calico, agent: calicoNode }),
  'calico-ipam': plugin({ agent: calicoNode }),
  'cilium-cni': plugin({
    layout: ciliumLayout,
    agent: cilium,
  }),
  multus: plugin({ agent: multus }),
  'multus-shim': plugin({ agent: multus }),
  'istio-cni': plugin({ agent: istio }),
  'host-local': plugin({}),
} as const satisfies Readonly<Record<string, CniPlugin>>;

export type KnownPlugin = keyof typeof plugins;

/** Types of all known plugins. */
export const knownPlugins = Object.keys(plugins) as readonly KnownPlugin[];

/**
 * @param type - as a configuration of the node names it, so it may be anything
 * @returns null for an unknown plugin
 */
export function cniPlugin(type: string | null | undefined): CniPlugin | null {
  return typeof type === 'string' && Object.hasOwn(plugins, type) ? plugins[type as KnownPlugin] : null;
}

/** The part that plugins with a `namedAfterPod` layout append to the prefix of a pod's link. */
export function linkNameHash({
  namespace,
  name,
}: {
  readonly namespace: string;
  readonly name: string;
}): string {
  return createHash('sha1').update(`${namespace}.${name}`).digest('hex').slice(0, 11);
}

/** The prefixes by which plugins name the node's ends of pairs. */
export const hostLinkPrefixes: readonly string[] = [
  ...new Set(Object.values(plugins).flatMap(({ layout }) => layout?.hostLinkPrefix ?? [])),
].toSorted();

/** The prefixes before such a hash. */
export const hashedLinkPrefixes: readonly string[] = Object.values(plugins).flatMap(({ layout }) =>
  layout?.namedAfterPod && layout.hostLinkPrefix !== null ? [layout.hostLinkPrefix] : [],
);

/** Names of plugins, and names under which their agents are known in a cluster. */
export const pluginWords: readonly string[] = [
  ...knownPlugins,
  ...Object.values(plugins).flatMap(({ agent }) =>
    agent === null ? [] : [agent.name, agent.namespace, ...agent.processes],
  ),
];

/** The IPAM plugin that keeps its addresses as files on the node. */
export const HOST_LOCAL = 'host-local' satisfies KnownPlugin;
/** The VPC CNI, whose agent keeps a checkpoint of its addresses on the node. */
export const AWS_CNI = 'aws-cni' satisfies KnownPlugin;
/** The plugin whose agent reports that it is busy when it limits how many endpoints it creates at once. */
export const CILIUM_CNI = 'cilium-cni' satisfies KnownPlugin;
/** Istio's plugin, which redirects a pod's packets when the pod starts. */
export const ISTIO_CNI = 'istio-cni' satisfies KnownPlugin;
/** Linkerd's plugin, which does the same for pods without an init container for it. */
export const LINKERD_CNI = 'linkerd-cni';
/** Chained plugins: host ports, and settings of a pod's interface such as its MTU. */
export const PORTMAP = 'portmap';
export const TUNING = 'tuning';
/** Brings up lo; older runtimes always run it. */
export const LOOPBACK = 'loopback';
/** Plugins whose agents create a VXLAN device and announce it in the node's annotations. */
export const FLANNEL = 'flannel' satisfies KnownPlugin;
export const CALICO = 'calico' satisfies KnownPlugin;
/** Calico's own IPAM, which keeps its blocks of addresses in the API or in a separate datastore. */
export const CALICO_IPAM = 'calico-ipam' satisfies KnownPlugin;
