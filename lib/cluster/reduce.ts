/** Reduces API objects to what we keep: an allow-list, applied page by page. */
import * as z from 'zod';
import { NODE_ANNOTATIONS } from '../model/cni-names.ts';
import {
  type Container,
  NETWORK_ANNOTATIONS,
  type Node,
  nodeSchema,
  type Pod,
  podSchema,
} from '../model/kubernetes.ts';

/** API objects as far as we read them; all other fields are dropped here. */
const metadata = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string(),
  creationTimestamp: z.string(),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  ownerReferences: z.array(z.object({ kind: z.string(), controller: z.boolean().optional() })).optional(),
});
const containerSpec = z.object({
  name: z.string(),
  restartPolicy: z.string().optional(),
  ports: z
    .array(
      z.object({
        containerPort: z.number(),
        hostPort: z.number().optional(),
        protocol: z.string().optional(),
      }),
    )
    .optional(),
  securityContext: z
    .object({
      privileged: z.boolean().optional(),
      capabilities: z.object({ add: z.array(z.string()).optional() }).optional(),
    })
    .optional(),
});
const containerStatus = z.object({
  name: z.string(),
  containerID: z.string().optional(),
  ready: z.boolean(),
  restartCount: z.number(),
  state: z
    .object({
      running: z.object({ startedAt: z.string().nullish() }).optional(),
      waiting: z.object({ reason: z.string().optional() }).optional(),
      terminated: z.object({ reason: z.string().optional() }).optional(),
    })
    .optional(),
});
const rawPod = z.object({
  metadata,
  spec: z.object({
    nodeName: z.string().optional(),
    hostNetwork: z.boolean().optional(),
    hostPID: z.boolean().optional(),
    hostUsers: z.boolean().optional(),
    shareProcessNamespace: z.boolean().optional(),
    runtimeClassName: z.string().optional(),
    dnsPolicy: z.string().optional(),
    dnsConfig: z
      .object({
        nameservers: z.array(z.string()).optional(),
        searches: z.array(z.string()).optional(),
        options: z.array(z.object({ name: z.string().optional(), value: z.string().optional() })).optional(),
      })
      .optional(),
    containers: z.array(containerSpec),
    initContainers: z.array(containerSpec).optional(),
  }),
  status: z
    .object({
      phase: z.string().optional(),
      reason: z.string().optional(),
      startTime: z.string().optional(),
      hostIP: z.string().optional(),
      podIPs: z.array(z.object({ ip: z.string() })).optional(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).optional(),
      containerStatuses: z.array(containerStatus).optional(),
      initContainerStatuses: z.array(containerStatus).optional(),
    })
    .default({}),
});
type RawPod = z.infer<typeof rawPod>;

/** A pod of the API with the fields that checks read. @throws ZodError if it is not a pod */
export function reducePod(item: unknown): Pod {
  const { metadata: meta, spec, status } = rawPod.parse(item);
  return podSchema.parse({
    namespace: meta.namespace ?? 'default',
    name: meta.name,
    uid: meta.uid,
    node: spec.nodeName ?? null,
    labels: meta.labels ?? {},
    annotations: kept(meta.annotations ?? {}, NETWORK_ANNOTATIONS),
    controller: meta.ownerReferences?.find((owner) => owner.controller)?.kind ?? null,
    phase: status.phase ?? 'Pending',
    reason: status.reason ?? null,
    createdAt: meta.creationTimestamp,
    startedAt: status.startTime ?? null,
    deletionTimestamp: meta.deletionTimestamp ?? null,
    hostNetwork: spec.hostNetwork ?? false,
    hostPID: spec.hostPID ?? false,
    shareProcessNamespace: spec.shareProcessNamespace ?? false,
    hostUsers: spec.hostUsers ?? true,
    runtimeClass: spec.runtimeClassName ?? null,
    dnsPolicy: spec.dnsPolicy ?? 'ClusterFirst',
    dnsConfig:
      spec.dnsConfig === undefined
        ? null
        : {
            nameservers: spec.dnsConfig.nameservers ?? [],
            searches: spec.dnsConfig.searches ?? [],
            options: (spec.dnsConfig.options ?? []).map(({ name = '', value }) =>
              value === undefined ? name : `${name}:${value}`,
            ),
          },
    podIPs: (status.podIPs ?? []).map(({ ip }) => ip),
    hostIP: status.hostIP ?? null,
    ready: (status.conditions ?? []).some(
      (condition) => condition.type === 'Ready' && condition.status === 'True',
    ),
    containers: containersOf(spec, status),
  });
}

function containersOf(spec: RawPod['spec'], status: RawPod['status']): Container[] {
  const statuses = new Map(
    [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map((each) => [
      each.name,
      each,
    ]),
  );
  const reduce = (container: z.infer<typeof containerSpec>, role: Container['role']): Container => {
    const is = statuses.get(container.name);
    const { privileged, capabilities } = container.securityContext ?? {};
    return {
      name: container.name,
      role,
      id: is?.containerID?.replace(/^[\w-]+:\/\//, '') || null,
      running: is?.state?.running !== undefined,
      ready: is?.ready ?? false,
      startedAt: is?.state?.running?.startedAt ?? null,
      restarts: is?.restartCount ?? 0,
      reason: is?.state?.waiting?.reason ?? is?.state?.terminated?.reason ?? null,
      netAdmin:
        privileged === true ||
        (capabilities?.add ?? []).some((name) =>
          ['ALL', 'NET_ADMIN', 'CAP_NET_ADMIN', 'SYS_ADMIN'].includes(name),
        ),
      ports: (container.ports ?? []).map((port) => ({
        port: port.containerPort,
        hostPort: port.hostPort || null,
        protocol: port.protocol ?? 'TCP',
      })),
    };
  };
  return [
    ...(spec.initContainers ?? []).map((container) =>
      reduce(container, container.restartPolicy === 'Always' ? 'sidecar' : 'init'),
    ),
    ...spec.containers.map((container) => reduce(container, 'app')),
  ];
}

/** Values are truncated: an annotation may hold 256 kB. */
function kept(annotations: Record<string, string>, prefixes: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(annotations)
      .filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix)))
      .map(([name, value]) => [name, value.slice(0, 8192)]),
  );
}

const rawNode = z.object({
  metadata,
  spec: z
    .object({
      podCIDR: z.string().optional(),
      podCIDRs: z.array(z.string()).optional(),
      unschedulable: z.boolean().optional(),
      providerID: z.string().optional(),
      taints: z.array(z.object({ key: z.string() })).optional(),
    })
    .default({}),
  status: z.object({
    conditions: z
      .array(
        z.object({
          type: z.string(),
          status: z.string(),
          reason: z.string().optional(),
          message: z.string().optional(),
        }),
      )
      .optional(),
    addresses: z.array(z.object({ type: z.string(), address: z.string() })).optional(),
    allocatable: z.record(z.string(), z.string()).optional(),
    nodeInfo: z.object({
      operatingSystem: z.string(),
      architecture: z.string(),
      kernelVersion: z.string(),
      osImage: z.string(),
      containerRuntimeVersion: z.string(),
      kubeletVersion: z.string(),
    }),
  }),
});

/** Characters of a text that a kubelet writes about its node. */
const TEXT_OF_A_NODE = 1_000;
/** Addresses of a node. */
const ADDRESSES_OF_A_NODE = 50;
/** The largest number of pods that is believed: more than any kubelet admits. */
const MOST_PODS = 1_000_000;

/**
 * A node of the API with the fields that checks read. Its kubelet writes the status, so a hostile node may write
 * anything the API admits: texts and lists are cut, for the lists of all nodes are read together.
 *
 * @throws ZodError if it is not a node
 */
export function reduceNode(item: unknown): Node {
  const { metadata: meta, spec, status } = rawNode.parse(item);
  const ready = (status.conditions ?? []).find((condition) => condition.type === 'Ready');
  const pods = Number.parseInt(status.allocatable?.pods ?? '', 10);
  const cut = (text: string): string => text.slice(0, TEXT_OF_A_NODE);
  return nodeSchema.parse({
    name: meta.name,
    uid: meta.uid,
    labels: meta.labels ?? {},
    createdAt: meta.creationTimestamp,
    ready: ready?.status === 'True',
    notReadyMessage: ready?.status === 'True' ? null : cut(ready?.message ?? ready?.reason ?? '') || null,
    // The node controller writes Unknown once the kubelet's lease has run out.
    kubeletReports: ready !== undefined && ready.status !== 'Unknown',
    annotations: Object.fromEntries(
      Object.entries(kept(meta.annotations ?? {}, NODE_ANNOTATIONS)).map(([name, value]) => [
        name,
        cut(value),
      ]),
    ),
    unschedulable: spec.unschedulable ?? false,
    addresses: (status.addresses ?? [])
      .filter(({ type }) => type.endsWith('IP'))
      .slice(0, ADDRESSES_OF_A_NODE)
      .map(({ address }) => cut(address)),
    podCIDRs: spec.podCIDRs ?? (spec.podCIDR === undefined ? [] : [spec.podCIDR]),
    os: cut(status.nodeInfo.operatingSystem),
    architecture: cut(status.nodeInfo.architecture),
    kernelVersion: cut(status.nodeInfo.kernelVersion),
    osImage: cut(status.nodeInfo.osImage),
    containerRuntime: cut(status.nodeInfo.containerRuntimeVersion),
    kubeletVersion: cut(status.nodeInfo.kubeletVersion),
    providerID: spec.providerID ?? null,
    maxPods: pods >= 0 && pods <= MOST_PODS ? pods : null,
  });
}
