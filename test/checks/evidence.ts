/** Synthetic evidence of a healthy node with the bridge plugin; a test changes the one thing it is about. */
import { expect } from 'vitest';
import type { CheckContext, Outcome } from '../../lib/checks/define.ts';
import type {
  CniResult,
  NetworkNamespace,
  ObservedPod,
  Pin,
  PodNetwork,
  Sandbox,
  Sources,
} from '../../lib/model/evidence.ts';
import type { Address, Link, NetworkStack, Route } from '../../lib/model/network.ts';

export const NOW = '2026-11-20T02:00:00.000Z';
export const HOST_NAMESPACE = 4026531840;
export const POD_NAMESPACE = 4026532400;
export const HOST_PID_NAMESPACE = 4026531836;

export const context: CheckContext = {
  node: 'node-1',
  now: Date.parse(NOW),
  settleSeconds: { pod: 300, orphan: 900 },
};

export function aLink(changes: Partial<Link> = {}): Link {
  return {
    index: 2,
    name: 'eth0',
    kind: 'veth',
    mac: '0a:58:0a:f4:01:02',
    mtu: 1500,
    up: true,
    carrier: true,
    operState: 'UP',
    arp: true,
    loopback: false,
    master: null,
    portState: null,
    parentDevice: null,
    peer: { status: 'matched', namespace: HOST_NAMESPACE, index: 10, name: 'veth12345678' },
    ...changes,
  };
}

export function aHostLink(changes: Partial<Link> = {}): Link {
  return aLink({
    index: 10,
    name: 'veth12345678',
    mac: '12:34:56:78:9a:bc',
    master: 'cni0',
    portState: 'forwarding',
    peer: { status: 'matched', namespace: POD_NAMESPACE, index: 2, name: 'eth0' },
    ...changes,
  });
}

export function aLoopback(changes: Partial<Link> = {}): Link {
  return aLink({
    index: 1,
    name: 'lo',
    kind: null,
    mac: '00:00:00:00:00:00',
    mtu: 65536,
    operState: 'UNKNOWN',
    loopback: true,
    peer: null,
    ...changes,
  });
}

export function anAddress(changes: Partial<Address> = {}): Address {
  return {
    link: 'eth0',
    family: 4,
    address: '10.244.1.2',
    prefixLength: 24,
    scope: 'global',
    tentative: false,
    dadFailed: false,
    ...changes,
  };
}

export function aRoute(changes: Partial<Route> = {}): Route {
  return {
    family: 4,
    type: 'unicast',
    destination: '0.0.0.0/0',
    gateway: '10.244.1.1',
    link: 'eth0',
    table: 'main',
    protocol: 'boot',
    scope: 'global',
    metric: null,
    mtu: null,
    flags: [],
    ...changes,
  };
}

/** The namespace of a healthy pod behind bridge cni0. */
export function aStack(changes: Partial<NetworkStack> = {}): NetworkStack {
  return {
    links: [aLoopback(), aLink()],
    addresses: [anAddress({ link: 'lo', address: '127.0.0.1', prefixLength: 8, scope: 'host' }), anAddress()],
    routes: [aRoute(), aRoute({ destination: '10.244.1.0/24', gateway: null, scope: 'link' })],
    rules: [],
    neighbours: [],
    packetFilters: [],
    packetFiltersFailed: null,
    conntrackEntries: 0,
    ...changes,
  };
}

/** The node's own namespace: uplink eth0, bridge cni0 and one pod's veth. */
export function aHostStack(changes: Partial<NetworkStack> = {}): NetworkStack {
  return {
    links: [
      aLoopback(),
      aLink({ index: 2, kind: null, mac: '02:00:00:00:00:01', parentDevice: 'virtio0', peer: null }),
      aLink({ index: 3, name: 'cni0', kind: 'bridge', mac: '0a:58:0a:f4:01:01', peer: null }),
      aHostLink(),
    ],
    addresses: [
      anAddress({ link: 'lo', address: '127.0.0.1', prefixLength: 8, scope: 'host' }),
      anAddress({ address: '10.0.3.7' }),
      anAddress({ link: 'cni0', address: '10.244.1.1' }),
    ],
    routes: [
      aRoute({ gateway: '10.0.3.1' }),
      aRoute({ destination: '10.244.1.0/24', gateway: null, link: 'cni0', scope: 'link' }),
    ],
    rules: [],
    neighbours: [],
    packetFilters: [],
    packetFiltersFailed: null,
    conntrackEntries: 10,
    ...changes,
  };
}

export function aPod(changes: Partial<ObservedPod> = {}): ObservedPod {
  return {
    namespace: 'shop',
    name: 'web-1',
    uid: '11111111-1111-4111-8111-111111111111',
    node: 'node-1',
    labels: { app: 'web' },
    annotations: {},
    controller: 'ReplicaSet',
    phase: 'Running',
    reason: null,
    createdAt: '2026-11-19T02:00:00Z',
    startedAt: '2026-11-19T02:00:00Z',
    deletionTimestamp: null,
    hostNetwork: false,
    hostPID: false,
    shareProcessNamespace: false,
    hostUsers: true,
    runtimeClass: null,
    dnsPolicy: 'ClusterFirst',
    dnsConfig: null,
    podIPs: ['10.244.1.2'],
    hostIP: '10.0.3.7',
    ready: true,
    containers: [
      {
        name: 'main',
        role: 'app',
        id: 'c'.repeat(64),
        running: true,
        ready: true,
        startedAt: '2026-11-19T02:00:05Z',
        restarts: 0,
        reason: null,
        netAdmin: false,
        ports: [],
      },
    ],
    unsettled: null,
    ...changes,
  };
}

export function aSandbox(changes: Partial<Sandbox> = {}): Sandbox {
  return {
    id: 'a'.repeat(64),
    namespace: 'shop',
    name: 'web-1',
    uid: '11111111-1111-4111-8111-111111111111',
    attempt: 0,
    state: 'ready',
    network: 'pod',
    namespacePath: '/run/netns/cni-1',
    pid: 1000,
    process: 'running',
    networkNamespace: POD_NAMESPACE,
    pidNamespace: 4026532500,
    createdAt: '2026-11-19T02:00:01Z',
    runtimeHandler: null,
    containers: [
      {
        id: 'c'.repeat(64),
        name: 'main',
        pid: 1010,
        networkNamespace: POD_NAMESPACE,
        pidNamespace: 4026532501,
        resolvConf: {
          exists: true,
          nameservers: ['10.96.0.10'],
          searches: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
          options: ['ndots:5'],
        },
      },
    ],
    unreadSpecs: [],
    stable: true,
    ...changes,
  };
}

export function aCniResult(changes: Partial<CniResult> = {}): CniResult {
  return {
    containerId: 'a'.repeat(64),
    network: 'lab',
    interface: 'eth0',
    namespacePath: '/var/run/netns/cni-1',
    podNamespace: 'shop',
    podName: 'web-1',
    podUid: '11111111-1111-4111-8111-111111111111',
    plugins: ['bridge', 'portmap'],
    addresses: [{ address: '10.244.1.2', prefixLength: 24, gateway: '10.244.1.1', interface: 2 }],
    routes: [{ destination: '0.0.0.0/0', gateway: null }],
    interfaces: [
      { name: 'cni0', mac: '0a:58:0a:f4:01:01', inPod: false },
      { name: 'veth12345678', mac: '12:34:56:78:9a:bc', inPod: false },
      { name: 'eth0', mac: '0a:58:0a:f4:01:02', inPod: true },
    ],
    ...changes,
  };
}

export function aPodNetwork(changes: Partial<PodNetwork> = {}): PodNetwork {
  return {
    pod: aPod(),
    sandbox: aSandbox(),
    namespace: POD_NAMESPACE,
    stack: aStack(),
    interface: 'eth0',
    link: aLink(),
    hostLink: aHostLink(),
    results: [aCniResult()],
    plugin: 'bridge',
    ...changes,
  };
}

export function aNamespace(changes: Partial<NetworkNamespace> = {}): NetworkNamespace {
  return {
    inode: POD_NAMESPACE,
    host: false,
    pins: ['/run/netns/cni-1'],
    holders: [{ pid: 1000, command: 'pause', via: 'process', containerId: 'a'.repeat(64), ofPod: true }],
    namespaceIds: [0],
    stack: { status: 'present', value: aStack() },
    ...changes,
  };
}

/** A pin as containerd creates it, a day old. */
export function aPin(changes: Partial<Pin> = {}): Pin {
  return {
    path: '/run/netns/cni-1',
    fileSystem: 'nsfs',
    inode: POD_NAMESPACE,
    mode: '-r--r--r--',
    modifiedAt: '2026-11-19T02:00:00Z',
    mounted: [POD_NAMESPACE],
    ...changes,
  };
}

/** Of a kube-proxy in iptables that has no Service but node ports. */
export function rulesOfKubeProxy(): Sources['hostPacketFilters'][number] {
  const jump = '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES';
  const builtIn = (name: string) => ({
    ...{ name, hook: name.toLowerCase(), policy: 'accept' },
    rules: [`-A ${name} ${jump}`],
  });
  const nodePorts = '-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS';
  const services = { name: 'KUBE-SERVICES', hook: null, policy: null, rules: [nodePorts] };
  return {
    backend: 'iptables-legacy',
    tables: [{ name: 'nat', chains: [builtIn('PREROUTING'), builtIn('OUTPUT'), services] }],
  };
}

export function aHost(changes: Partial<Sources['host']> = {}): Sources['host'] {
  return {
    hostname: 'node-1',
    networkNamespace: HOST_NAMESPACE,
    pidNamespace: HOST_PID_NAMESPACE,
    bootId: 'b1c2d3e4-0000-4000-8000-000000000000',
    kernelRelease: '6.12.40-63.114.amzn2023.x86_64',
    osRelease: 'Amazon Linux 2023',
    uptimeSeconds: 864_000,
    ...changes,
  };
}

/** Mounts of a node with systemd: everything shared, far from the limit. */
export function aMounts(changes: Partial<Sources['mounts']> = {}): Sources['mounts'] {
  return {
    total: 60,
    limit: 100_000,
    nsfs: 1,
    pinned: 1,
    directories: [{ path: '/run', fileSystem: 'tmpfs', propagation: 'shared:5', root: '/' }],
    elsewhere: [],
    ...changes,
  };
}

/** A kernel at rest. */
export function aKernel(changes: Partial<Sources['kernel']> = {}): Sources['kernel'] {
  return {
    sysctls: { 'user.max_net_namespaces': '96364', 'net.ipv4.ip_forward': '1' },
    neighbours: { ipv4: 5, ipv6: 2 },
    conntrackEntries: 10,
    namespaceObjects: 8,
    blockedTasks: [],
    ...changes,
  };
}

export function anEvent(changes: Partial<Sources['events'][number]> = {}): Sources['events'][number] {
  return {
    reason: 'FailedCreatePodSandBox',
    message: '',
    kind: 'Pod',
    namespace: 'shop',
    name: 'web-1',
    uid: '11111111-1111-4111-8111-111111111111',
    node: 'node-1',
    count: 1,
    firstSeen: '2026-11-20T01:55:00Z',
    lastSeen: '2026-11-20T01:59:00Z',
    ...changes,
  };
}

/** The node in the API: Ready, its kubelet reporting. */
export function aNode(changes: Partial<Sources['node']> = {}): Sources['node'] {
  return {
    name: 'node-1',
    uid: '22222222-2222-4222-8222-222222222222',
    labels: { 'kubernetes.io/os': 'linux' },
    createdAt: '2026-11-01T02:00:00Z',
    ready: true,
    notReadyMessage: null,
    kubeletReports: true,
    unschedulable: false,
    annotations: {},
    addresses: ['10.0.3.7'],
    podCIDRs: ['10.244.1.0/24'],
    os: 'linux',
    architecture: 'amd64',
    kernelVersion: '6.12.40-63.114.amzn2023.x86_64',
    osImage: 'Amazon Linux 2023',
    containerRuntime: 'containerd://2.1.4',
    kubeletVersion: 'v1.34.1',
    providerID: null,
    maxPods: 110,
    ...changes,
  };
}

/** What a read-only step never does. */
const CHANGES =
  /\b(kubectl (delete|drain|cordon|uncordon|apply|patch)|crictl (stopp|rmp?|rm)|systemctl (restart|stop|start|reboot)|sysctl -w|u?mount |reboot|ip( -[46])? \w+ (set|add|del|replace|flush))\b|(^|[;&|({] *)(rm|mv|flock) /;

/**
 * The failures among the outcomes. Also asserts that every repair step says whether it changes something,
 * that pasting all steps lets no pods back in before somebody has looked, and that drains work.
 */
export function failures(outcomes: readonly Outcome[]): Extract<Outcome, { result: 'fail' }>[] {
  const failed = outcomes.filter((outcome) => outcome.result === 'fail');
  for (const { remedy } of failed) {
    expect(
      remedy.filter(
        ({ purpose, command = '' }) => purpose === 'look' && CHANGES.test(command.replace(/'[^']*'/g, '')),
      ),
    ).toEqual([]);
  }
  const commands = failed.flatMap(({ remedy }) => remedy.map(({ command = '' }) => command));
  expect(commands.filter((command) => /uncordon/.test(command))).toEqual([]);
  for (const drain of commands.filter((command) => /kubectl drain/.test(command)))
    expect(drain).toMatch(/ --ignore-daemonsets --delete-emptydir-data --timeout=\d+m$/);
  return failed;
}

/** A Service kube-dns, which the kubelet gives to pods. */
export function aClusterDns(changes: Partial<Sources['clusterDns']> = {}): Sources['clusterDns'] {
  return {
    services: [{ namespace: 'kube-system', name: 'kube-dns', addresses: ['10.96.0.10'], endpoints: 2 }],
    servicesUnread: null,
    kubelet: { servers: ['10.96.0.10'], domain: 'cluster.local' },
    kubeletUnread: null,
    ...changes,
  };
}

/** The endpoints of these pods, from Calico's annotations. */
export function someEndpoints(
  pods: readonly ObservedPod[] = [],
  changes: Partial<Sources['cniEndpoints']> = {},
): Sources['cniEndpoints'] {
  return {
    kind: 'calico',
    listedAt: NOW,
    endpoints: pods.map((pod) => anEndpoint({}, pod)),
    unconfirmed: 0,
    ...changes,
  };
}

export function anEndpoint(
  changes: Partial<Sources['cniEndpoints']['endpoints'][number]> = {},
  { namespace, name, uid, podIPs }: ObservedPod = aPod(),
): Sources['cniEndpoints']['endpoints'][number] {
  return {
    namespace,
    name,
    podUid: uid,
    containerId: null,
    addresses: podIPs,
    createdAt: '2026-11-19T02:00:01Z',
    elsewhere: null,
    ...changes,
  };
}
