/**
 * Evidence: what one probe and two API snapshots say about one node, parsed and joined, not judged. Each
 * source is present, absent by design of the platform (and why), or failed (and why).
 */
import * as z from 'zod';
import { cniConfigSchema, cniEndpointsSchema, cniResultSchema, ipamSchema } from './cni.ts';
import { crossPlanSchema, crossSentSchema } from './crossing.ts';
import { dnsServiceSchema, eventSchema, nodeSchema, otherNodeSchema, podSchema } from './kubernetes.ts';
import { hiddenNamespaceSchema, mountsSchema, namespaceSchema, pinSchema } from './namespaces.ts';
import {
  attachedProgramsSchema,
  forwardingEntrySchema,
  ipsecPolicySchema,
  linkProgramSchema,
  linkSchema,
  networkStackSchema,
  packetFilterSchema,
  waySchema,
} from './network.ts';
import { countedLinkSchema } from './pod-links.ts';
import { processSchema, resolvConfSchema, sandboxSchema } from './sandboxes.ts';
import { timeSchema } from './time.ts';

export type { CniConfig, CniEndpoints, CniResult, Ipam } from './cni.ts';
export type { HiddenNamespace, Holder, Mounts, NetworkNamespace, Pin, SocketHolder } from './namespaces.ts';
export type { ResolvConf, Sandbox } from './sandboxes.ts';

/** One source of evidence. A check that needs an absent one is not applicable; a failed one makes it unknown. */
export type Part<T> =
  | { readonly status: 'present'; readonly value: T }
  | { readonly status: 'absent'; readonly reason: string }
  | { readonly status: 'failed'; readonly reason: string };

const hostSchema = z.object({
  hostname: z.string(),
  networkNamespace: z.number(),
  pidNamespace: z.number(),
  bootId: z.string(),
  kernelRelease: z.string(),
  osRelease: z.string(),
  uptimeSeconds: z.number(),
});

const kernelSchema = z.object({
  /** sysctls by dotted name, as printed. */
  sysctls: z.record(z.string(), z.string()),
  /** Number of neighbour entries in all namespaces together, as their limit gc_thresh3 is global. */
  neighbours: z.object({ ipv4: z.number().int().nullable(), ipv6: z.number().int().nullable() }),
  conntrackEntries: z.number().int().nullable(),
  /** Active objects of the net_namespace slab; null if slabinfo has no such cache. */
  namespaceObjects: z.number().int().nullable(),
  /** Tasks in uninterruptible sleep, with their kernel stacks. */
  blockedTasks: z.array(z.object({ pid: z.number().int(), command: z.string(), stack: z.array(z.string()) })),
});

const kernelMessageSchema = z.object({
  /** Seconds since boot. */
  seconds: z.number(),
  at: timeSchema,
  text: z.string(),
});
export type KernelMessage = z.infer<typeof kernelMessageSchema>;

/** The result of creating and releasing an unnamed namespace with a veth pair. */
const creationSchema = z.object({
  ok: z.boolean(),
  milliseconds: z.number(),
  error: z.string().nullable(),
  /** Number of sandboxes with their own network that the runtime created or deleted while the node was read. */
  meanwhile: z.number().int(),
});

/** The probes of one pod from the host network (`--active ping`, `--active dns`). */
export const activeSchema = z.object({
  inode: z.number(),
  pings: z.array(
    z.object({
      from: z.enum(['node', 'pod']),
      target: z.string(),
      answered: z.boolean(),
      neighbour: z.string().nullable(),
    }),
  ),
  lookups: z.array(
    z.object({ server: z.string(), name: z.string(), answered: z.boolean(), error: z.string().nullable() }),
  ),
});

const crossingSchema = z.object({
  plan: crossPlanSchema,
  /** Null if the plan is to send nothing. */
  sent: crossSentSchema.nullable(),
});

export const canarySchema = z.object({
  pod: z.string(),
  started: z.boolean(),
  error: z.string().nullable(),
  podIPs: z.array(z.string()),
  /** What remained of it on the node after its deletion; null if the node could not be asked. */
  leftovers: z.array(z.string()).nullable(),
});

/** A pod, and whether it is settled: unchanged between the two snapshots. */
const observedPodSchema = podSchema.extend({
  /** Why it is not judged; null if it is the same in both snapshots and old enough. */
  unsettled: z.string().nullable(),
  /** Whether it is not judged only because it is too young. */
  isYoung: z.boolean().optional(),
});
export type ObservedPod = z.infer<typeof observedPodSchema>;

/** A pod's network: what API, runtime, kernel and CNI each say about it, side by side. */
const podNetworkSchema = z.object({
  pod: observedPodSchema,
  sandbox: sandboxSchema,
  /** Inode of the sandbox's namespace, never the node's own. */
  namespace: z.number().nullable(),
  /** That namespace's content; null if it could not be read. */
  stack: networkStackSchema.nullable(),
  /** Main interface's name: from the CNI result, else eth0. */
  interface: z.string(),
  /** The pod's end and the node's end of its pair. */
  link: linkSchema.nullable(),
  hostLink: linkSchema.nullable(),
  /** Entries of the CNI result cache, main interface first. */
  results: z.array(cniResultSchema),
  /** Type of the primary CNI plugin, such as bridge, ptp, aws-cni, calico, cilium-cni, flannel; null if unknown. */
  plugin: z.string().nullable(),
});
export type PodNetwork = z.infer<typeof podNetworkSchema>;

/**
 * Who resolves cluster names, according to the API and the kubelet. Each is null if it was not read, with the
 * reason beside it.
 */
const clusterDnsSchema = z.object({
  /** Services with port 53 when the run was planned. Not being allowed to list them is no failure of the node. */
  services: z.array(dnsServiceSchema).nullable(),
  servicesUnread: z.string().nullable(),
  /** What the kubelet configures for pods with policy ClusterFirst: its configuration file, overridden by flags. */
  kubelet: z
    .object({
      servers: z.array(z.string()),
      /** Null if it is not set. */
      domain: z.string().nullable(),
    })
    .nullable(),
  kubeletUnread: z.string().nullable(),
});

/** Every source that a check can need, by name. */
export const sourceSchemas = {
  /** The node object in the API. */
  node: nodeSchema,
  /** All pods of the node in the API, settled or not. */
  pods: z.array(observedPodSchema),
  /** Events about this node and its pods, oldest first. */
  events: z.array(eventSchema),
  /** The cluster's other nodes, as the API listed them when the run was planned. */
  otherNodes: z.array(otherNodeSchema),
  host: hostSchema,
  /** The node's own network. */
  hostNetwork: networkStackSchema,
  hostPacketFilters: z.array(packetFilterSchema),
  /** How the node's kernel would route packets to and from pods; none was sent. */
  routing: z.array(waySchema),
  /** Programs on the node's links, in the kernel's order. */
  linkPrograms: z.array(linkProgramSchema),
  /** Of each link of the node that the kernel answered for. */
  attachedPrograms: z.array(attachedProgramsSchema),
  /** Counters of the links whose other end is in another namespace: those of pods, and their ends on the node. */
  linkCounters: z.array(countedLinkSchema),
  /** Forwarding entries of all bridges and tunnels on the node. */
  forwarding: z.array(forwardingEntrySchema),
  /** The node's policies, except those for single protocols, ports, marks or links. */
  ipsecPolicies: z.array(ipsecPolicySchema),
  namespaces: z.array(namespaceSchema),
  hiddenNamespaces: z.array(hiddenNamespaceSchema),
  pins: z.array(pinSchema),
  mounts: mountsSchema,
  processes: z.array(processSchema),
  sandboxes: z.array(sandboxSchema),
  /** Settled, running pods without hostNetwork that have a ready sandbox in its own namespace. */
  podNetworks: z.array(podNetworkSchema),
  cniConfig: cniConfigSchema,
  cniResults: z.array(cniResultSchema),
  ipam: z.array(ipamSchema),
  /** What the node's CNI agent has recorded about its pods. */
  cniEndpoints: cniEndpointsSchema,
  kernel: kernelSchema,
  /** Kernel log of this boot, oldest first. */
  kernelLog: z.array(kernelMessageSchema),
  creation: creationSchema,
  /** The file that the kubelet gives to pods with dnsPolicy Default: /etc/resolv.conf unless configured otherwise. */
  nodeResolvConf: resolvConfSchema,
  clusterDns: clusterDnsSchema,
  active: z.array(activeSchema),
  /** `--active cross`: whom to ping, and what was answered. */
  crossing: crossingSchema,
  canary: canarySchema,
};
export type SourceName = keyof typeof sourceSchemas;
export type Sources = { [Name in SourceName]: z.infer<(typeof sourceSchemas)[Name]> };

export type Evidence = {
  readonly nodeName: string;
  /** When the probe looked: ages are measured against it. */
  readonly takenAt: string;
  readonly probeMilliseconds: number;
  /** Steps that failed or timed out, which makes the run partial. */
  readonly incomplete: readonly string[];
} & { readonly [Name in SourceName]: Part<Sources[Name]> };
