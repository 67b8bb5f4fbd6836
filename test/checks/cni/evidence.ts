/** Synthetic IPAM stores and CNI configuration of a healthy node with bridge and host-local. */

import type { Allocation } from '../../../lib/computed/addresses/allocations.ts';
import type { Ipam, Sources } from '../../../lib/model/evidence.ts';
import type { Node } from '../../../lib/model/kubernetes.ts';

export function anAllocation(changes: Partial<Allocation> = {}): Allocation {
  return {
    address: '10.244.1.2',
    containerId: 'a'.repeat(64),
    interface: 'eth0',
    modifiedAt: '2026-11-19T02:00:01Z',
    pod: null,
    ...changes,
  };
}

export function anIpam(changes: Partial<Ipam> = {}): Ipam {
  return {
    kind: 'host-local',
    network: 'lab',
    path: '/var/lib/cni/networks/lab',
    capacity: 253,
    allocations: [anAllocation()],
    corrupt: [],
    ...changes,
  };
}

export function aCniConfigFile(
  changes: Partial<Sources['cniConfig']['files'][number]> = {},
): Sources['cniConfig']['files'][number] {
  return {
    name: '10-lab.conflist',
    error: null,
    network: 'lab',
    plugins: ['bridge', 'portmap'],
    ipam: ['host-local'],
    subnets: ['10.244.1.0/24'],
    mtu: null,
    bridge: 'cni0',
    ...changes,
  };
}

export function aCniConfig(changes: Partial<Sources['cniConfig']> = {}): Sources['cniConfig'] {
  return {
    directory: '/etc/cni/net.d',
    files: [aCniConfigFile()],
    binaryDirectory: '/opt/cni/bin',
    binaries: ['bandwidth', 'bridge', 'host-local', 'loopback', 'portmap', 'ptp'],
    unusable: [],
    ...changes,
  };
}

export function aNode(changes: Partial<Node> = {}): Node {
  return {
    name: 'node-1',
    uid: '22222222-2222-4222-8222-222222222222',
    labels: {},
    createdAt: '2026-11-01T00:00:00Z',
    ready: true,
    notReadyMessage: null,
    kubeletReports: true,
    unschedulable: false,
    annotations: {},
    addresses: ['10.0.3.7'],
    podCIDRs: ['10.244.1.0/24'],
    os: 'linux',
    architecture: 'arm64',
    kernelVersion: '6.12.40-63.114.amzn2023.aarch64',
    osImage: 'Amazon Linux 2023',
    containerRuntime: 'containerd://1.7.27',
    kubeletVersion: 'v1.33.1',
    providerID: null,
    maxPods: 110,
    ...changes,
  };
}
