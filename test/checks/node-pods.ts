/** Healthy pods of random nodes, each with what kernel, runtime, CNI and API say about it. */
import type { CniResult, NetworkNamespace, ObservedPod, Sandbox } from '../../lib/model/evidence.ts';
import type { Link, PacketFilter } from '../../lib/model/network.ts';
import * as healthy from './evidence.ts';
import { type Family, hash, type NodeLayout } from './node-layouts.ts';
import type { NodePlan, OtherPod } from './node-plan.ts';

const { HOST_NAMESPACE, NOW, aLink, aLoopback, anAddress, aRoute } = healthy;

const at = (hoursAgo: number) => new Date(Date.parse(NOW) - hoursAgo * 3_600_000).toISOString();
const uuid = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
const id = (index: number, part: string) =>
  hash(`${part}${index}`, 32).padEnd(64, part === 'sandbox' ? 'a' : 'c');

export type Attached = {
  readonly pod: ObservedPod;
  readonly sandbox: Sandbox;
  readonly namespace: NetworkNamespace;
  readonly hostLink: Link | null;
  readonly addresses: readonly { readonly family: Family; readonly address: string }[];
  readonly result: CniResult[];
};

const RUNTIME_CLASS: Readonly<Record<string, string>> = { gvisor: 'runsc', kata: 'kata-qemu' };

/** A healthy pod of the kind, attached according to the layout. */
export function makePod(
  plan: NodePlan,
  layout: NodeLayout,
  families: readonly Family[],
  { kind, hours, restarts, controller, dnsPolicy }: NodePlan['pods'][number],
  index: number,
): Attached {
  const inode = healthy.POD_NAMESPACE + index;
  const name = `web-${index}`;
  const key = `shop.${name}`;
  const createdAt = at(plan.rebooted ? 0.15 : hours);
  const subnet = layout.ipam === 'aws' ? ['10.0.5', '2600:1f13:1:2:abcd:'] : ['10.244.1', 'fd00:10:244:1:'];
  const addresses = families.map((family) => ({
    family,
    address: family === 4 ? `${subnet[0]}.${index + 2}` : `${subnet[1]}:${(index + 2).toString(16)}`,
  }));
  const paired = layout.kind === 'veth' || layout.kind === 'netkit';
  const hostIndex = 100 + index;
  const hostName = layout.hostLink(key, index);
  const mac =
    layout.plugin === 'calico' ? 'ee:ee:ee:ee:ee:ee' : `4e:00:00:00:00:${(index + 16).toString(16)}`;
  const link = aLink({
    index: index % 2 === 0 ? 2 : hostIndex,
    kind: layout.kind,
    mac: `0a:58:0a:f4:01:${(index + 2).toString(16).padStart(2, '0')}`,
    peer: paired ? { status: 'matched', namespace: HOST_NAMESPACE, index: hostIndex, name: hostName } : null,
  });
  const length = (family: Family) => (layout.single ? (family === 4 ? 32 : 128) : family === 4 ? 24 : 64);
  const network = (family: Family) => (family === 4 ? '10.244.1.0/24' : 'fd00:10:244:1::/64');
  const all = (family: Family) => (family === 4 ? '0.0.0.0/0' : '::/0');
  const extra: Link[] = [
    ...(kind === 'vpn'
      ? [aLink({ index: 7, name: 'tun0', kind: 'tun', mac: null, mtu: 1420, peer: null })]
      : []),
    ...(kind === 'multus'
      ? [
          aLink({
            index: 8,
            name: 'net1',
            kind: index % 2 === 0 ? 'macvlan' : null,
            peer: null,
            parentDevice: index % 2 === 0 ? null : '0000:3b:02.0',
          }),
        ]
      : []),
    ...(kind === 'kata' ? [aLink({ index: 9, name: 'tap0_kata', kind: 'tun', peer: null })] : []),
    ...(restarts % 3 === 0
      ? [
          aLink({
            index: 10,
            name: 'tunl0',
            kind: 'ipip',
            mac: null,
            mtu: 1480,
            up: false,
            carrier: false,
            peer: null,
          }),
        ]
      : []),
  ];
  const stack = healthy.aStack({
    links: plan.reversed ? [...extra, link, aLoopback()] : [aLoopback(), link, ...extra],
    addresses: [
      anAddress({ link: 'lo', address: '127.0.0.1', prefixLength: 8, scope: 'host' }),
      anAddress({ link: 'lo', family: 6, address: '::1', prefixLength: 128, scope: 'host' }),
      anAddress({ family: 6, address: 'fe80::1234', prefixLength: 64, scope: 'link' }),
      ...(kind === 'gvisor'
        ? []
        : addresses.map(({ family, address }) =>
            anAddress({ family, address, prefixLength: length(family) }),
          )),
      // AWS gives pods of an IPv6 cluster an uplink to IPv4.
      ...(layout.plugin === 'aws-cni' && families[0] === 6
        ? [anAddress({ link: 'v4if0', address: '169.254.172.3', prefixLength: 22 })]
        : []),
    ],
    routes: families.flatMap((family) => [
      aRoute({ family, destination: all(family), gateway: layout.gateway(family) }),
      layout.single
        ? aRoute({
            family,
            destination: `${layout.gateway(family)}/${length(family)}`,
            gateway: null,
            scope: 'link',
          })
        : aRoute({ family, destination: network(family), gateway: null, scope: 'link' }),
    ]),
    neighbours:
      layout.neighbour === undefined
        ? []
        : families.map((family) => ({
            destination: layout.gateway(family),
            link: 'eth0',
            mac,
            states: [layout.neighbour ?? ''],
          })),
    packetFilters: filters(kind),
  });
  const containers = kind === 'sidecars' ? ['main', 'proxy', 'init'] : ['main'];
  const running = kind === 'crashing' ? [] : containers.filter((container) => container !== 'init');
  const path = {
    containerd: `/var/run/netns/cni-${uuid(index)}`,
    'cri-o': `/var/run/netns/${uuid(index)}`,
    docker: null,
  }[plan.runtime];
  const sandboxId = id(index, 'sandbox');
  const pid = plan.runtime === 'cri-o' ? null : 1000 + index;
  const handler = RUNTIME_CLASS[kind] ?? null;
  // The hash of the manifest; the mirror in the API has a different uid.
  const runtimeUid = kind === 'static' ? hash(key, 32) : uuid(index);
  const sandbox = healthy.aSandbox({
    id: sandboxId,
    name,
    uid: runtimeUid,
    attempt: restarts,
    namespacePath: path,
    pid,
    process: pid === null ? 'none' : 'running',
    networkNamespace: pid === null ? null : inode,
    pidNamespace: pid === null ? null : 4026532900 + index,
    createdAt,
    runtimeHandler: handler,
    containers: running.map((container) => ({
      id: id(index, container),
      name: container,
      pid: 2000 + 10 * index + container.length,
      networkNamespace: inode,
      pidNamespace: 4026533900 + index,
      resolvConf:
        dnsPolicy === 'Default'
          ? { exists: true, nameservers: ['10.0.0.2'], searches: [], options: [] }
          : {
              exists: true,
              nameservers: [kind === 'vpn' ? '127.0.0.1' : '10.96.0.10'],
              searches: ['shop.svc.cluster.local'],
              options: ['ndots:5'],
            },
    })),
  });
  const pod = healthy.aPod({
    name,
    uid: uuid(index),
    controller: kind === 'static' ? 'Node' : controller,
    createdAt: at(hours),
    startedAt: createdAt,
    podIPs: addresses.map(({ address }) => address),
    runtimeClass: handler,
    dnsPolicy,
    labels: kind === 'kubevirt' ? { 'kubevirt.io': 'virt-launcher' } : { app: 'web' },
    annotations:
      kind === 'multus' ? multus : kind === 'static' ? { 'kubernetes.io/config.hash': runtimeUid } : {},
    containers: containers.map((container) => ({
      name: container,
      role: container === 'init' ? 'init' : container === 'proxy' ? 'sidecar' : 'app',
      id: id(index, container),
      running: running.includes(container),
      ready: running.includes(container),
      startedAt: createdAt,
      restarts,
      reason: kind === 'crashing' ? 'CrashLoopBackOff' : null,
      netAdmin: kind === 'vpn' || container === 'init',
      ports: [],
    })),
  });
  const holders = [
    ...(pid === null
      ? []
      : [{ pid, command: 'pause', via: 'process', containerId: sandboxId, ofPod: true } as const]),
    ...sandbox.containers.map(
      ({ pid: own, id: containerId }) =>
        ({ pid: own ?? 0, command: 'app', via: 'process', containerId, ofPod: true }) as const,
    ),
  ];
  return {
    pod,
    sandbox,
    addresses,
    namespace: healthy.aNamespace({
      inode,
      pins: [(path ?? `/run/docker/netns/${hash(key, 12)}`).replace('/var/run/', '/run/')],
      holders,
      namespaceIds: [index],
      stack: { status: 'present', value: stack },
    }),
    hostLink: paired
      ? aLink({
          index: hostIndex,
          name: hostName,
          kind: layout.kind,
          mac,
          master: layout.bridge ?? null,
          portState: layout.bridge === undefined ? null : 'forwarding',
          peer: { status: 'matched', namespace: inode, index: link.index, name: 'eth0' },
        })
      : null,
    result: [
      healthy.aCniResult({
        containerId: sandboxId,
        namespacePath: path ?? `/proc/${pid}/ns/net`,
        podName: name,
        podUid: uuid(index),
        plugins: [layout.plugin, 'portmap'],
        addresses: addresses.map(({ family, address }) => ({
          address,
          prefixLength: length(family),
          gateway: layout.silent ? null : layout.gateway(family),
          interface: 1,
        })),
        routes: layout.silent ? [] : families.map((family) => ({ destination: all(family), gateway: null })),
        interfaces: [
          ...(layout.bridge === undefined ? [] : [{ name: layout.bridge, mac: null, inPod: false }]),
          { name: hostName, mac, inPod: false },
          { name: 'eth0', mac: null, inPod: true },
        ],
      }),
    ],
  };
}

const multus = {
  'k8s.v1.cni.cncf.io/networks': 'fast',
  'k8s.v1.cni.cncf.io/network-status': JSON.stringify([
    { name: 'lab', interface: 'eth0', default: true },
    { name: 'shop/fast', interface: 'net1', ips: ['192.168.7.3'] },
  ]),
};

/** What a mesh and a VPN leave in their pods' packet filters. */
function filters(kind: string): PacketFilter[] {
  const rules = {
    mesh: ['-A PREROUTING -p tcp -j ISTIO_INBOUND', '-A OUTPUT -j ISTIO_OUTPUT'],
    vpn: ['-A OUTPUT -o tun0 -j ACCEPT', '-A OUTPUT -j DROP'],
  }[kind];
  if (rules === undefined) return [];
  const chain = { name: 'OUTPUT', hook: 'output', policy: 'ACCEPT', rules };
  return [
    { backend: 'iptables-nft', tables: [{ name: kind === 'mesh' ? 'nat' : 'filter', chains: [chain] }] },
  ];
}

/** Pods on the node without any network evidence. */
export function makeOther(kind: OtherPod, index: number): { pod: ObservedPod; sandbox?: Sandbox } {
  const pod = healthy.aPod({ name: `other-${index}`, uid: uuid(index), podIPs: [], containers: [] });
  const sandbox = healthy.aSandbox({
    id: id(index, 'sandbox'),
    name: pod.name,
    uid: pod.uid,
    containers: [],
    namespacePath: `/run/netns/cni-${uuid(index)}`,
  });
  const stopped = {
    ...sandbox,
    state: 'stopped',
    process: 'dead',
    networkNamespace: null,
    pidNamespace: null,
    pid: null,
  } as const;
  switch (kind) {
    case 'hostNetwork':
      return {
        pod: { ...pod, hostNetwork: true, controller: 'Node', podIPs: ['10.0.3.7'] },
        sandbox: {
          ...sandbox,
          network: 'node',
          uid: hash(pod.name, 32),
          namespacePath: null,
          networkNamespace: HOST_NAMESPACE,
        },
      };
    case 'completed':
      return {
        pod: { ...pod, phase: 'Succeeded', controller: 'Job', podIPs: ['10.244.1.250'] },
        sandbox: stopped,
      };
    case 'pending':
      return { pod: { ...pod, phase: 'Pending', startedAt: null } };
    case 'terminating':
      return {
        pod: { ...pod, deletionTimestamp: at(-0.005), unsettled: 'it is being deleted' },
        sandbox: stopped,
      };
    case 'young':
      return {
        pod: {
          ...pod,
          createdAt: at(0.01),
          startedAt: at(0.01),
          unsettled: 'it is younger than 300 seconds',
        },
      };
  }
}
