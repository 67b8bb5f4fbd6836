/**
 * The names that CNI plugins and their agents give to what they create on nodes and in the API. How each
 * plugin attaches pods is in cni-plugins.ts; no other file names a plugin in code.
 */
import type { KnownPlugin } from './cni-plugins.ts';

/** Annotations in which flannel tells other nodes how to send packets to its pods. */
export const OF_FLANNEL = {
  backend: 'flannel.alpha.coreos.com/backend-type',
  backendData: 'flannel.alpha.coreos.com/backend-data',
  address: 'flannel.alpha.coreos.com/public-ip',
  /** Set by people to override the agent's choice. */
  addressOverwrite: 'flannel.alpha.coreos.com/public-ip-overwrite',
} as const;

/** The file in which flannel's agent tells its plugin about the node, and what the plugin needs of it: one of each. */
export const FLANNEL_SUBNET = {
  path: '/run/flannel/subnet.env',
  subnet: 'FLANNEL_SUBNET',
  needed: [
    ['FLANNEL_NETWORK', 'FLANNEL_IPV6_NETWORK'],
    ['FLANNEL_SUBNET', 'FLANNEL_IPV6_SUBNET'],
    ['FLANNEL_MTU'],
    ['FLANNEL_IPMASQ'],
  ],
} as const;

/** Calico's annotations of nodes for the same. */
export const OF_CALICO = {
  tunnelAddress: 'projectcalico.org/IPv4VXLANTunnelAddr',
  /** With its prefix length. */
  address: 'projectcalico.org/IPv4Address',
} as const;

/** The annotations of a node that are kept. */
export const NODE_ANNOTATIONS: readonly string[] = [
  ...Object.values(OF_FLANNEL),
  ...Object.values(OF_CALICO),
];

/** Prefixes of the annotations that Calico and Cilium write on pods. */
export const CALICO_ANNOTATION = 'cni.projectcalico.org/';
export const CILIUM_ANNOTATION = 'cilium.io/';

/** Where the API serves what agents record: Cilium's endpoints, and the blocks of Calico's own IPAM. */
export const CILIUM_ENDPOINTS = {
  group: 'cilium.io',
  version: 'v2',
  resource: 'ciliumendpoints',
  singular: 'ciliumendpoint',
  kind: 'CiliumEndpoint',
} as const;
export const CALICO_BLOCKS = {
  group: 'crd.projectcalico.org',
  version: 'v1',
  resource: 'ipamblocks',
} as const;
/** By owner, how many addresses of each block it has. */
export const CALICO_HANDLES = { ...CALICO_BLOCKS, resource: 'ipamhandles' } as const;

/** Policies that may drop what one pod sends to another: of a namespace, or of the whole cluster. */
export const NETWORK_POLICIES = [
  { group: 'networking.k8s.io', version: 'v1', resource: 'networkpolicies', namespaced: true },
  {
    group: 'policy.networking.k8s.io',
    version: 'v1alpha1',
    resource: 'adminnetworkpolicies',
    namespaced: false,
  },
  {
    group: 'policy.networking.k8s.io',
    version: 'v1alpha1',
    resource: 'baselineadminnetworkpolicies',
    namespaced: false,
  },
  // Replaces both.
  {
    group: 'policy.networking.k8s.io',
    version: 'v1alpha2',
    resource: 'clusternetworkpolicies',
    namespaced: false,
  },
  { group: CALICO_BLOCKS.group, version: 'v1', resource: 'networkpolicies', namespaced: true },
  { group: CALICO_BLOCKS.group, version: 'v1', resource: 'globalnetworkpolicies', namespaced: false },
  { group: CILIUM_ENDPOINTS.group, version: 'v2', resource: 'ciliumnetworkpolicies', namespaced: true },
  {
    group: CILIUM_ENDPOINTS.group,
    version: 'v2',
    resource: 'ciliumclusterwidenetworkpolicies',
    namespaced: false,
  },
  { group: 'crd.antrea.io', version: 'v1beta1', resource: 'networkpolicies', namespaced: true },
  { group: 'crd.antrea.io', version: 'v1beta1', resource: 'clusternetworkpolicies', namespaced: false },
] as const;

/** Selects the pods that release the addresses of deleted pods for Calico. */
export const CALICO_CONTROLLERS = 'k8s-app=calico-kube-controllers';

/** Processes of agents that can do what kube-proxy did, and leave its rules when they take over. */
export const REPLACE_PROXY: readonly string[] = [
  'cilium-agent',
  'kube-router',
  'antrea-agent',
  'ovnkube',
  'kube-ovn-daemon',
];

/** Devices of tunnels between nodes. */
export const CALICO_TUNNEL = 'vxlan.calico';
export const CILIUM_TUNNEL = /^cilium_(vxlan|geneve)$/;
/** The device of a Cilium that is not told which protocol to use. */
export const CILIUM_TUNNEL_DEFAULT = 'cilium_vxlan';

/** Devices by which Calico and Cilium encrypt what nodes send to each other, past the tunnel or around it. */
export const ENCRYPTED_WAYS = /^(?:wireguard\.cali|wg-v6\.cali|cilium_wg\d+)$/;

export const FLANNEL_TUNNEL = /^flannel\.\d+$/;

/** The name of flannel's tunnel device. */
export function flannelTunnel(vni: number): string {
  return `flannel.${vni}`;
}

/**
 * How plugins name the node's ends of pairs, where no person and no pod could have such a name: repairs may delete
 * links with these names, and pages look for them in sentences. They are those of bridge, ptp and flannel,
 * AWS, Calico, Cilium, and those of Azure and GKE, whose layouts are not known here. Pairs that people or
 * bonds create have other names.
 */
export const hostLinkNames = [
  'veth[0-9a-f]{8}',
  'eni[0-9a-f]{11}',
  'cali[0-9a-f]{11}',
  'lxc[0-9a-f]{12}',
  'azv[0-9a-f]{7,11}',
  'gke[0-9a-f]{11}',
];
const HOST_LINK = new RegExp(`^(?:${hostLinkNames.join('|')})$`);
const HOST_LINK_IN_TEXT = new RegExp(`\\b(?:${hostLinkNames.join('|')})\\b`);

/** True for a name that a known plugin generates for the node's end of a pod's pair. */
export function isHostLinkName(name: string): boolean {
  return HOST_LINK.test(name);
}

/** The first such name in a text, or undefined. */
export function hostLinkNameIn(text: string): string | undefined {
  return HOST_LINK_IN_TEXT.exec(text)?.[0];
}

/** Bridges to which plugins attach pods, wherever a text names one. */
export const BRIDGE_IN_TEXT =
  /\b(?:cni|cbr|docker|podman)\d{1,3}\b|\bkube-bridge\b|\bcilium_host\b|\bazure\d\b/;

/**
 * How the VPC CNI names the node's link of a pod with a branch ENI (security groups for pods), and annotates
 * the pod.
 */
export const BRANCH_ENI = { link: 'vlan', annotation: 'vpc.amazonaws.com/pod-eni' } as const;

/** Links of the node behind which Cilium's programs forward packets. */
export const CILIUM_LINK = /^cilium_/;

/** Where the agent pins what it attaches to links: each program goes with its pin. */
export const CILIUM_PINS = {
  endpoints: '/sys/fs/bpf/cilium/endpoints',
  devices: '/sys/fs/bpf/cilium/devices',
  maps: '/sys/fs/bpf/tc/globals',
  /** What the names of the maps begin with by which the programs of an endpoint call each other. */
  calls: 'cilium_calls_',
} as const;

/** The programs that bring pods what comes by a link of Cilium's: those by which it arrives or leaves there. */
export const CILIUM_PROGRAMS = [
  {
    link: /^cilium_host$/,
    place: 'out',
    program: 'cil_from_host',
    takes: 'brings pods what the node sends or forwards to them',
  },
  {
    link: CILIUM_TUNNEL,
    place: 'in',
    program: 'cil_from_overlay',
    takes: 'brings pods what other nodes send to them',
  },
] as const;

/** The process by which Cilium probes its own health, and the name of its namespace. */
export const CILIUM_HEALTH = 'cilium-health';

/** What the names of chains begin with in which kube-proxy and CNI plugins keep their rules for Services and pods. */
export const CLUSTER_CHAIN_PREFIXES = ['KUBE-', 'CNI-', 'cali-', 'CILIUM_', 'AWS-', 'FLANNEL-', 'WEAVE'];
export const CLUSTER_CHAINS = new RegExp(`^(?:${CLUSTER_CHAIN_PREFIXES.join('|')})`);

/**
 * Chains of agents that manage rules by address, and remove them themselves (fail2ban: for single ports); and
 * their nftables tables, as `FAMILY NAME`.
 */
export const AGENT_CHAINS =
  /^(f2b-|(filter-|nat-|mangle-|raw-)?cali|CILIUM_|AWS-|ANTREA|FLANNEL|KUBE-NWPLCY)/i;
export const AGENT_TABLES = /^\S+ (calico|cilium|antrea|kube-proxy|kube-router|kube-network-policies)\b/i;

/** firewalld's own table of nftables, as `FAMILY NAME`: it judges packets by the zones of their links and senders. */
export const FIREWALLD_TABLE = /^\S+ firewalld$/;

/**
 * Chains of table nat in which agents give the node's address to what pods send out, and the comment of the
 * rule that leads there.
 */
export const MASQUERADE_CHAINS = [
  { plugin: 'aws-cni', chain: 'AWS-SNAT-CHAIN-0', comment: 'AWS SNAT CHAIN' },
  { plugin: 'flannel', chain: 'FLANNEL-POSTRTG', comment: 'flanneld masq' },
  { plugin: 'cilium-cni', chain: 'CILIUM_POST_nat', comment: 'cilium-feeder: CILIUM_POST_nat' },
] as const satisfies readonly {
  readonly plugin: KnownPlugin;
  readonly chain: string;
  readonly comment: string;
}[];

/** Programs of Cilium that let no packet pass on to a filter behind them: they never answer TCX_NEXT. */
export const DECIDING_PROGRAMS = /^cil_/;

/**
 * Where the VPC CNI marks what leaves the VPC: in a chain of table nat, or in a table of nftables; and the chain that
 * gives it the node's address.
 */
export const AWS_MARKS = {
  chain: 'AWS-CONNMARK-CHAIN-0',
  nftables: { table: 'aws-cni', from: 'nat-prerouting', chain: 'snat-mark' },
  masquerades: 'AWS-SNAT-CHAIN-0',
} as const;

/** BPF programs of Calico, Cilium and Kmesh. */
export const AGENT_PROGRAMS = /^(cil_|cali|tail_|xdp_authz|xdp_shutdown)/;

/** Annotations that plugins, their controllers and the kubelet write about one pod. People write others of their groups. */
export const ANNOTATIONS_OF_ONE_POD: ReadonlySet<string> = new Set([
  ...['containerID', 'podIP', 'podIPs'].map((name) => `${CALICO_ANNOTATION}${name}`),
  // Multus; the second until its version 3.7.
  'k8s.v1.cni.cncf.io/network-status',
  'k8s.v1.cni.cncf.io/networks-status',
  'k8s.ovn.org/pod-networks',
  BRANCH_ENI.annotation,
  'vpc.amazonaws.com/pod-ips',
  ...['hash', 'seen', 'source'].map((name) => `kubernetes.io/config.${name}`),
]);

/** Annotations of Kube-OVN: people and its controller write the same ones. Of further networks: `NAME.NAMESPACE.ovn…`. */
export const ANNOTATIONS_OF_EITHER = /(?:^|\.)ovn\.kubernetes\.io\//;
