import type { Node } from '../../../lib/model/kubernetes.ts';

/** A healthy node in the API. */
export function aNode(changes: Partial<Node> = {}): Node {
  return {
    name: 'node-1',
    uid: 'u',
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
    architecture: 'amd64',
    kernelVersion: '6.12',
    osImage: 'Amazon Linux 2023',
    containerRuntime: 'containerd://2.0.0',
    kubeletVersion: 'v1.36.2',
    providerID: null,
    maxPods: 110,
    ...changes,
  };
}
