/**
 * The part of Kubernetes API objects that is kept: an allow-list. Environment variables, arguments, volumes
 * and secrets are never read; only annotations that the runtime, a CNI plugin or a mesh wrote are.
 */
import * as z from 'zod';
import { CALICO_ANNOTATION, CILIUM_ANNOTATION } from './cni-names.ts';
import { cniRecordsSchema } from './cni-records.ts';
import { crossPlanSchema } from './crossing.ts';
import { serviceEndpointsSchema } from './service-endpoints.ts';
import { timeSchema } from './time.ts';

/** Prefixes and names of annotations about a pod's network. */
export const NETWORK_ANNOTATIONS = [
  'k8s.v1.cni.cncf.io/',
  'k8s.ovn.org/',
  CALICO_ANNOTATION,
  CILIUM_ANNOTATION,
  'vpc.amazonaws.com/',
  'sidecar.istio.io/',
  'ambient.istio.io/',
  'traffic.sidecar.istio.io/',
  'linkerd.io/',
  'kmesh.net/',
  'consul.hashicorp.com/transparent-proxy-status',
  'kubernetes.io/config.',
  'kubevirt.io/',
  'netns-auditor/',
] as const;

const containerSchema = z.object({
  name: z.string(),
  /** An init container with restartPolicy Always counts as a sidecar. */
  role: z.enum(['app', 'init', 'sidecar']),
  /** Runtime id without its scheme; null until the container is created. */
  id: z.string().nullable(),
  running: z.boolean(),
  ready: z.boolean(),
  startedAt: timeSchema.nullable(),
  restarts: z.number().int(),
  /** `waiting.reason` or `terminated.reason` of the container's state. */
  reason: z.string().nullable(),
  /** The container may change its own network: it is privileged, or has NET_ADMIN added. */
  netAdmin: z.boolean(),
  ports: z.array(
    z.object({ port: z.number().int(), hostPort: z.number().int().nullable(), protocol: z.string() }),
  ),
});
export type Container = z.infer<typeof containerSchema>;

export const podSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  node: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  /** Kind of the controlling owner (ReplicaSet, DaemonSet, Node for a static pod …); null for a bare pod. */
  controller: z.string().nullable(),
  phase: z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']),
  /** `status.reason`, such as Evicted or NodeLost. */
  reason: z.string().nullable(),
  createdAt: timeSchema,
  startedAt: timeSchema.nullable(),
  deletionTimestamp: timeSchema.nullable(),
  hostNetwork: z.boolean(),
  hostPID: z.boolean(),
  shareProcessNamespace: z.boolean(),
  hostUsers: z.boolean(),
  runtimeClass: z.string().nullable(),
  dnsPolicy: z.enum(['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']),
  dnsConfig: z
    .object({ nameservers: z.array(z.string()), searches: z.array(z.string()), options: z.array(z.string()) })
    .nullable(),
  podIPs: z.array(z.string()),
  hostIP: z.string().nullable(),
  ready: z.boolean(),
  containers: z.array(containerSchema),
});
export type Pod = z.infer<typeof podSchema>;

export const nodeSchema = z.object({
  name: z.string(),
  uid: z.string(),
  labels: z.record(z.string(), z.string()),
  createdAt: timeSchema,
  ready: z.boolean(),
  /** Message of the Ready condition, if the node is not Ready. */
  notReadyMessage: z.string().nullable(),
  /**
   * False once the kubelet has stopped reporting (Ready is Unknown, or the node has the
   * node.kubernetes.io/unreachable taint).
   */
  kubeletReports: z.boolean(),
  unschedulable: z.boolean(),
  /** Those in `NODE_ANNOTATIONS`. */
  annotations: z.record(z.string(), z.string()).default({}),
  addresses: z.array(z.string()),
  podCIDRs: z.array(z.string()),
  os: z.string(),
  architecture: z.string(),
  kernelVersion: z.string(),
  osImage: z.string(),
  containerRuntime: z.string(),
  kubeletVersion: z.string(),
  providerID: z.string().nullable(),
  maxPods: z.number().int().nullable(),
});
export type Node = z.infer<typeof nodeSchema>;

export const eventSchema = z.object({
  reason: z.string(),
  message: z.string(),
  /** Object the event is about. */
  kind: z.string(),
  namespace: z.string().nullable(),
  name: z.string(),
  uid: z.string().nullable(),
  /** Node of the component that reported it. */
  node: z.string().nullable(),
  count: z.number().int(),
  firstSeen: timeSchema.nullable(),
  lastSeen: timeSchema.nullable(),
});
export type Event = z.infer<typeof eventSchema>;

/** What judging a node requires to know about the other nodes. */
export const otherNodeSchema = nodeSchema.pick({
  name: true,
  createdAt: true,
  ready: true,
  annotations: true,
  addresses: true,
  podCIDRs: true,
});

export type OtherNode = z.infer<typeof otherNodeSchema>;

/** A Service that resolves names: it has a port 53. */
export const dnsServiceSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  addresses: z.array(z.string()),
  /** How many endpoints answered when the run was planned; null where that was not read. */
  endpoints: z.number().int().nonnegative().nullable().default(null),
  /**
   * The addresses of all its endpoints, ready or not, then or once the node was probed; null where that was not
   * read, or there are very many.
   */
  endpointAddresses: z.array(z.string()).nullable().optional(),
  /** How many endpoints answered once the node was probed. */
  endpointsAfter: z.number().int().nonnegative().nullable().optional(),
});
export type DnsService = z.infer<typeof dnsServiceSchema>;

/** What all nodes of a run are compared with, read once when the run is planned. */
export const clusterFactsSchema = z.object({
  nodes: z.array(otherNodeSchema),
  /** Null if they could not be listed, with the reason beside it. */
  dnsServices: z.array(dnsServiceSchema).nullable(),
  dnsServicesUnread: z.string().nullable(),
});
export type ClusterFacts = z.infer<typeof clusterFactsSchema>;

/** The API's view of one node at one moment. */
export const snapshotSchema = z.object({
  takenAt: timeSchema,
  node: nodeSchema,
  pods: z.array(podSchema),
  events: z.array(eventSchema),
  /** Only in a node's second snapshot; older evidence has none. */
  cluster: clusterFactsSchema.optional(),
  /** Likewise: records of the node and its pods. */
  cniRecords: cniRecordsSchema.optional(),
  /** Likewise: endpoints that are pods of the node. */
  serviceEndpoints: serviceEndpointsSchema.optional(),
  /** Likewise, where pods were to ping pods of another node. */
  crossing: crossPlanSchema.optional(),
});
export type Snapshot = z.infer<typeof snapshotSchema>;
