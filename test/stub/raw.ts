/** What the API would send for objects that a recording keeps: the reverse of lib/cluster/reduce.ts. */
import type { Event, Node, Pod } from '../../lib/model/kubernetes.ts';
import type { ApiObject } from './api-server.ts';

export function rawNode(node: Node): ApiObject {
  return {
    metadata: { name: node.name, uid: node.uid, labels: node.labels, creationTimestamp: node.createdAt },
    spec: {
      podCIDRs: node.podCIDRs,
      unschedulable: node.unschedulable,
      providerID: node.providerID ?? undefined,
    },
    status: {
      conditions: [
        {
          type: 'Ready',
          status: node.ready ? 'True' : node.kubeletReports ? 'False' : 'Unknown',
          message: node.notReadyMessage ?? 'kubelet is posting ready status',
        },
      ],
      addresses: node.addresses.map((address) => ({ type: 'InternalIP', address })),
      allocatable: { pods: String(node.maxPods ?? 110) },
      nodeInfo: {
        operatingSystem: node.os,
        architecture: node.architecture,
        kernelVersion: node.kernelVersion,
        osImage: node.osImage,
        containerRuntimeVersion: node.containerRuntime,
        kubeletVersion: node.kubeletVersion,
      },
    },
  };
}

/** With an environment and an annotation that nobody may keep. */
export function rawPod(pod: Pod): ApiObject {
  const of = (roles: readonly string[]) => pod.containers.filter(({ role }) => roles.includes(role));
  const spec = (container: Pod['containers'][number]) => ({
    name: container.name,
    env: [{ name: 'PASSWORD', value: 'hunter2' }],
    args: ['--token=hunter2'],
    ...(container.role === 'sidecar' ? { restartPolicy: 'Always' } : {}),
    ports: container.ports.map(({ port, hostPort, protocol }) => ({
      containerPort: port,
      protocol,
      ...(hostPort === null ? {} : { hostPort }),
    })),
    securityContext: { privileged: container.netAdmin },
  });
  const status = (container: Pod['containers'][number]) => ({
    name: container.name,
    ...(container.id === null ? {} : { containerID: `containerd://${container.id}` }),
    ready: container.ready,
    restartCount: container.restarts,
    state: container.running
      ? { running: { startedAt: container.startedAt } }
      : { waiting: { reason: container.reason ?? 'ContainerCreating' } },
  });
  return {
    metadata: {
      name: pod.name,
      namespace: pod.namespace,
      uid: pod.uid,
      labels: pod.labels,
      annotations: { ...pod.annotations, 'example.com/secret': 'hunter2' },
      creationTimestamp: pod.createdAt,
      ...(pod.deletionTimestamp === null ? {} : { deletionTimestamp: pod.deletionTimestamp }),
      ...(pod.controller === null ? {} : { ownerReferences: [{ kind: pod.controller, controller: true }] }),
    },
    spec: {
      nodeName: pod.node ?? undefined,
      hostNetwork: pod.hostNetwork,
      hostPID: pod.hostPID,
      hostUsers: pod.hostUsers,
      shareProcessNamespace: pod.shareProcessNamespace,
      runtimeClassName: pod.runtimeClass ?? undefined,
      dnsPolicy: pod.dnsPolicy,
      ...(pod.dnsConfig === null
        ? {}
        : { dnsConfig: { ...pod.dnsConfig, options: pod.dnsConfig.options.map((name) => ({ name })) } }),
      containers: of(['app']).map(spec),
      initContainers: of(['init', 'sidecar']).map(spec),
    },
    status: {
      phase: pod.phase,
      reason: pod.reason ?? undefined,
      startTime: pod.startedAt ?? undefined,
      hostIP: pod.hostIP ?? undefined,
      podIPs: pod.podIPs.map((ip) => ({ ip })),
      conditions: [{ type: 'Ready', status: pod.ready ? 'True' : 'False' }],
      containerStatuses: of(['app']).map(status),
      initContainerStatuses: of(['init', 'sidecar']).map(status),
    },
  };
}

export function rawEvent(event: Event): ApiObject {
  return {
    metadata: { name: `${event.name}.${event.reason}`, namespace: event.namespace ?? 'default' },
    reason: event.reason,
    message: event.message,
    involvedObject: {
      kind: event.kind,
      name: event.name,
      ...(event.namespace === null ? {} : { namespace: event.namespace }),
      ...(event.uid === null ? {} : { uid: event.uid }),
    },
    source: { host: event.node ?? undefined },
    count: event.count,
    firstTimestamp: event.firstSeen,
    lastTimestamp: event.lastSeen,
  };
}
