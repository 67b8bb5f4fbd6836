/** How CNI plugins attach pods, as seen on a node: random nodes are built from this. */
import { createHash } from 'node:crypto';
import type { Link } from '../../lib/model/network.ts';

export type Family = 4 | 6;

export type NodeLayout = {
  readonly plugin: string;
  /** Kind of the pod's link; the node holds the other end of veth and netkit pairs. */
  readonly kind: 'veth' | 'netkit' | 'macvlan' | 'ipvlan';
  readonly bridge?: string;
  /** The node's route to each pod: its table, if there is a route. */
  readonly hostRoute?: 'main' | 'branch';
  readonly gateway: (family: Family) => string;
  /** Host routes inside the pod, whatever the prefix length of the node's subnet. */
  readonly single: boolean;
  readonly hostLink: (key: string, index: number) => string;
  readonly neighbour?: 'PERMANENT' | 'STALE' | 'REACHABLE';
  readonly ipam: 'host-local' | 'aws' | 'elsewhere';
  /** The CNI result names no gateways and routes. */
  readonly silent: boolean;
  readonly families: readonly (readonly Family[])[];
  readonly extraLinks?: readonly Partial<Link>[];
};

export const hash = (text: string, length: number) =>
  createHash('sha1').update(text).digest('hex').slice(0, length);
const any = [[4], [6], [4, 6], [6, 4]] as const;
const real = (family: Family) => (family === 4 ? '10.244.1.1' : 'fd00:10:244:1::1');
const dummy = (family: Family) => (family === 4 ? '169.254.1.1' : 'fe80::1');
const veth = (key: string) => `veth${hash(key, 8)}`;

const bridge: NodeLayout = {
  plugin: 'bridge',
  kind: 'veth',
  bridge: 'cni0',
  gateway: real,
  single: false,
  hostLink: veth,
  ipam: 'host-local',
  silent: false,
  families: any,
};
const { bridge: _bridge, ...bridgeless } = bridge;
const ptp: NodeLayout = { ...bridgeless, plugin: 'ptp', hostRoute: 'main', single: true };
const routed: Omit<NodeLayout, 'plugin' | 'hostLink'> = {
  kind: 'veth',
  hostRoute: 'main',
  gateway: dummy,
  single: true,
  ipam: 'elsewhere',
  silent: true,
  families: any,
};
const aws: NodeLayout = {
  ...routed,
  plugin: 'aws-cni',
  hostLink: (key) => `eni${hash(key, 11)}`,
  neighbour: 'PERMANENT',
  ipam: 'aws',
  families: [[4], [6]],
};
const calico: NodeLayout = {
  ...routed,
  plugin: 'calico',
  hostLink: (key) => `cali${hash(key, 11)}`,
  neighbour: 'STALE',
};
const { hostRoute: _hostRoute, ...unrouted } = routed;
const cilium: NodeLayout = {
  ...unrouted,
  plugin: 'cilium-cni',
  gateway: (family) => (family === 4 ? '10.244.1.200' : 'fd00:10:244:1::c8'),
  hostLink: (key) => `lxc${hash(key, 12)}`,
  silent: false,
  extraLinks: [
    { name: 'cilium_net' },
    { name: 'cilium_host', mac: '2a:00:00:00:00:ff' },
    { name: 'lxc_health' },
  ],
};
const ovs = (plugin: string, hostLink: NodeLayout['hostLink']): NodeLayout => ({
  ...unrouted,
  plugin,
  gateway: real,
  hostLink,
});

export const nodeLayouts: Readonly<Record<string, NodeLayout>> = {
  bridge,
  'kube-router': { ...bridge, bridge: 'kube-bridge' },
  flannel: { ...bridge, plugin: 'flannel', extraLinks: [{ name: 'flannel.1', kind: 'vxlan', mtu: 1450 }] },
  ptp,
  GKE: { ...ptp, hostLink: (key) => `gke${hash(key, 11)}` },
  'AWS VPC CNI': aws,
  'AWS security groups for pods': {
    ...aws,
    hostRoute: 'branch',
    hostLink: (key) => `vlan${hash(key, 11)}`,
    families: [[4]],
    extraLinks: [{ name: 'vlan.eth.1', kind: 'vlan' }],
  },
  Calico: calico,
  'Calico with IPIP and VXLAN': {
    ...calico,
    extraLinks: [
      { name: 'tunl0', kind: 'ipip', mtu: 1480 },
      { name: 'vxlan.calico', kind: 'vxlan', mtu: 1450 },
    ],
  },
  'Calico eBPF': {
    ...calico,
    neighbour: 'REACHABLE',
    extraLinks: [{ name: 'bpfin.cali' }, { name: 'bpfout.cali' }],
  },
  Cilium: cilium,
  'Cilium netkit': { ...cilium, kind: 'netkit' },
  'Azure CNI': {
    ...routed,
    plugin: 'azure-vnet',
    hostLink: (key) => `azv${hash(key, 11)}`,
    neighbour: 'PERMANENT',
  },
  Antrea: ovs('antrea', (key) => `web-${hash(key, 6)}`),
  'OVN-Kubernetes': ovs('ovn-k8s-cni-overlay', (key) => hash(key, 15)),
  'Kube-OVN': ovs('kube-ovn', (key) => `${hash(key, 12)}_h`),
  macvlan: {
    ...unrouted,
    plugin: 'macvlan',
    kind: 'macvlan',
    silent: false,
    gateway: real,
    hostLink: () => '',
  },
  ipvlan: { ...unrouted, plugin: 'ipvlan', kind: 'ipvlan', silent: false, gateway: real, hostLink: () => '' },
};
