/** Random healthy nodes: any layout, any pods, other programs beside them. Nothing on them is a fault. */
import { cniPlugin } from '../../lib/model/cni-plugins.ts';
import type { Evidence, Sources } from '../../lib/model/evidence.ts';
import { podNetworks } from '../../lib/probe/pod-networks.ts';
import * as healthy from './evidence.ts';
import { type NodeLayout, nodeLayouts } from './node-layouts.ts';
import type { NodePlan } from './node-plan.ts';
import { makeOther, makePod } from './node-pods.ts';
import { hostStack, neighbour, stores } from './node-surroundings.ts';
import { waysOf } from './ways.ts';

const { HOST_NAMESPACE, NOW } = healthy;

/** What the probe and the API say about a node, before pods are joined with their networks. */
export type RawNode = Omit<
  Sources,
  'podNetworks' | 'active' | 'crossing' | 'canary' | 'hostNetwork' | 'routing'
> & {
  readonly layout: NodeLayout;
};

/** The node that the plan describes. */
export function makeNode(plan: NodePlan): RawNode {
  const layout = nodeLayouts[plan.layout];
  if (layout === undefined) throw new Error(`no layout ${plan.layout}`);
  const families = layout.families[plan.families % layout.families.length] ?? [4];
  const attached = plan.pods.map((pod, index) => makePod(plan, layout, families, pod, index));
  const others = plan.others.map((kind, index) => makeOther(kind, attached.length + index));
  const sort = <Item>(items: readonly Item[]): Item[] => (plan.reversed ? items.toReversed() : [...items]);
  const host = hostStack(layout, families, attached);
  const beside = plan.neighbours.map((kind, index) => neighbour(kind, index));
  const namespaces = [
    healthy.aNamespace({
      inode: HOST_NAMESPACE,
      host: true,
      pins: [],
      holders: [],
      namespaceIds: [],
      stack: { status: 'present', value: host },
    }),
    ...sort(attached.map(({ namespace }) => namespace)),
    ...beside,
  ];
  const uptime = plan.rebooted ? 700 : 8_640_000;
  return {
    layout,
    node: healthy.aNode({
      podCIDRs: families.map((family) => (family === 4 ? '10.244.1.0/24' : 'fd00:10:244:1::/64')),
      containerRuntime: `${plan.runtime}://1.30.0`,
      unschedulable: plan.reversed,
    }),
    pods: sort([...attached.map(({ pod }) => pod), ...others.map(({ pod }) => pod)]),
    events: [],
    host: healthy.aHost({ uptimeSeconds: uptime }),
    hostPacketFilters: [healthy.rulesOfKubeProxy()],
    namespaces,
    hiddenNamespaces: [],
    cniEndpoints: healthy.someEndpoints(attached.map(({ pod }) => pod)),
    pins: namespaces.flatMap(({ inode, pins }) =>
      pins.map((path) => healthy.aPin({ path, inode, mounted: [inode] })),
    ),
    mounts: healthy.aMounts({ nsfs: namespaces.length, pinned: namespaces.length }),
    processes: [
      ...attached.flatMap(({ sandbox }) =>
        sandbox.containers.map((container) => ({
          pid: container.pid ?? 0,
          command: 'app',
          networkNamespace: container.networkNamespace,
          pidNamespace: container.pidNamespace,
          containerId: container.id,
        })),
      ),
      // Agents that run as services of the node.
      ...['kube-proxy', ...(cniPlugin(layout.plugin)?.agent?.processes ?? []).slice(0, 1)].map((command) => ({
        pid: 700,
        command,
        networkNamespace: HOST_NAMESPACE,
        pidNamespace: healthy.HOST_PID_NAMESPACE,
        containerId: null,
      })),
    ],
    sandboxes: sort([
      ...attached.map(({ sandbox }) => sandbox),
      ...others.flatMap(({ sandbox }) => sandbox ?? []),
    ]),
    cniConfig: {
      directory: '/etc/cni/net.d',
      files: [
        {
          name: '10-lab.conflist',
          error: null,
          network: 'lab',
          plugins: [layout.plugin, 'portmap'],
          ipam: layout.ipam === 'host-local' && layout.plugin !== 'flannel' ? ['host-local'] : [],
          subnets:
            layout.ipam === 'host-local' && layout.plugin !== 'flannel'
              ? families.map((family) => (family === 4 ? '10.244.1.0/24' : 'fd00:10:244:1::/64'))
              : [],
          mtu: null,
          bridge: layout.bridge ?? null,
        },
      ],
      binaryDirectory: '/opt/cni/bin',
      binaries: [layout.plugin, 'portmap', 'bridge', 'host-local', 'loopback'],
      unusable: [],
      subnetFile: {
        exists: layout.plugin === 'flannel',
        variables: {
          FLANNEL_NETWORK: '10.244.0.0/16',
          FLANNEL_SUBNET: '10.244.1.1/24',
          FLANNEL_MTU: '1450',
          FLANNEL_IPMASQ: 'true',
        },
      },
    },
    cniResults: attached.flatMap(({ result }) => result),
    ipam: layout.ipam === 'elsewhere' ? [] : [stores(layout.ipam, attached)],
    kernel: healthy.aKernel({
      sysctls: {
        'user.max_net_namespaces': '96364',
        'net.ipv4.ip_forward': '1',
        'net.ipv6.conf.all.forwarding': '1',
        'net.netfilter.nf_conntrack_max': '262144',
        'net.ipv4.neigh.default.gc_thresh3': '1024',
        'net.ipv6.neigh.default.gc_thresh3': '1024',
      },
    }),
    kernelLog: [],
    creation: { ok: true, milliseconds: 30, error: null, meanwhile: 0 },
    otherNodes: [],
    linkPrograms: [],
    attachedPrograms: host.links.map(({ name }) => ({ link: name, ...programsOf(name) })),
    linkCounters: [],
    forwarding: [],
    ipsecPolicies: [],
    clusterDns: healthy.aClusterDns(),
    nodeResolvConf: { exists: true, nameservers: ['10.0.0.2'], searches: [], options: [] },
  };
}

/** As Cilium's agent attaches them. */
function programsOf(link: string): { readonly in: string[]; readonly out: string[] } {
  if (link === 'cilium_host') return { in: ['cil_to_host'], out: ['cil_from_host'] };
  if (link === 'cilium_net') return { in: ['cil_to_host'], out: [] };
  return { in: link.startsWith('lxc') ? ['cil_from_contai'] : [], out: [] };
}

/** The evidence of a node as the probe joins it. */
export function evidenceOf({ layout: _layout, ...raw }: RawNode): Evidence {
  const host = raw.namespaces.find((namespace) => namespace.host)?.stack;
  if (host?.status !== 'present') throw new Error('the node has no network of its own');
  const joined = podNetworks({ ...raw, results: raw.cniResults });
  const values = { ...raw, hostNetwork: host.value, podNetworks: joined, routing: joined.flatMap(waysOf) };
  const parts = Object.entries(values).map(([name, value]) => [name, { status: 'present', value }]);
  const absent = { status: 'absent', reason: 'not asked for' } as const;
  return {
    nodeName: 'node-1',
    takenAt: NOW,
    probeMilliseconds: 700,
    incomplete: [],
    active: absent,
    crossing: absent,
    canary: absent,
    ...Object.fromEntries(parts),
  };
}
