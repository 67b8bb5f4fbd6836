/**
 * Evidence: what one probe and two API snapshots say about one node, parsed and joined, not judged.
 * Every source is present, absent by design of the platform (and why), or failed (and why).
 */
import * as z from 'zod';
import { cniConfigSchema, cniEndpointsSchema, cniResultSchema, ipamSchema } from './cni.ts';
import { dnsServiceSchema, eventSchema, nodeSchema, otherNodeSchema, podSchema } from './kubernetes.ts';
import { hiddenNamespaceSchema, mountsSchema, namespaceSchema, pinSchema } from './namespaces.ts';
import {
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
  /** sysctl by dotted name, as printed. */
  sysctls: z.record(z.string(), z.string()),
  /** Entries of the neighbour tables, all namespaces together, as their limit gc_thresh3 is one for all. */
  neighbours: z.object({ ipv4: z.number().int().nullable(), ipv6: z.number().int().nullable() }),
  conntrackEntries: z.number().int().nullable(),
  /** Active objects of the net_namespace slab; null where slabinfo has no such cache. */
  namespaceObjects: z.number().int().nullable(),
  /** Tasks in uninterruptible sleep and their kernel stacks. */
  blockedTasks: z.array(z.object({ pid: z.number().int(), command: z.string(), stack: z.array(z.string()) })),
});

const kernelMessageSchema = z.object({
  /** Seconds since boot. */
  seconds: z.number(),
  at: timeSchema,
  text: z.string(),
});
export type KernelMessage = z.infer<typeof kernelMessageSchema>;

/** A throw-away unnamed namespace with a veth pair, made and gone again. */
const creationSchema = z.object({
  ok: z.boolean(),
  milliseconds: z.number(),
  error: z.string().nullable(),
  /** Sandboxes with a network of their own that the runtime made or took down while the node was read. */
  meanwhile: z.number().int(),
});

/** A host-network probe of one pod (`--active ping`, `--active dns`). */
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

export const canarySchema = z.object({
  pod: z.string(),
  started: z.boolean(),
  error: z.string().nullable(),
  podIPs: z.array(z.string()),
  /** What of it was still on the node after its deletion; null when the node could not be asked. */
  leftovers: z.array(z.string()).nullable(),
});

/** A pod with whether it held still from the first snapshot to the second. */
const observedPodSchema = podSchema.extend({
  /** Why it is not judged; null when it stood in both snapshots unchanged and is old enough. */
  unsettled: z.string().nullable(),
  /** Whether it is not judged only because it is too young. */
  isYoung: z.boolean().optional(),
});
export type ObservedPod = z.infer<typeof observedPodSchema>;

/** A pod's attachment to the network: what API, runtime, kernel and CNI each say, side by side. */
const podNetworkSchema = z.object({
  pod: observedPodSchema,
  sandbox: sandboxSchema,
  /** Inode of the namespace that the sandbox lives in, never the node's own. */
  namespace: z.number().nullable(),
  /** That namespace's content; null where it could not be read. */
  stack: networkStackSchema.nullable(),
  /** Main interface's name: from the CNI result, else eth0. */
  interface: z.string(),
  /** The pod's end and the node's end of its pair. */
  link: linkSchema.nullable(),
  hostLink: linkSchema.nullable(),
  /** Entries of the CNI result cache: main interface first. */
  results: z.array(cniResultSchema),
  /** Type of the primary CNI plugin, such as bridge, ptp, aws-cni, calico, cilium-cni, flannel; null when not known. */
  plugin: z.string().nullable(),
});
export type PodNetwork = z.infer<typeof podNetworkSchema>;

/** Who answers cluster names, by the API and by the kubelet: each null where it was not read, for the reason beside it. */
const clusterDnsSchema = z.object({
  /** Services with a port 53 when the run was planned. That they may not be listed is no failure of the node. */
  services: z.array(dnsServiceSchema).nullable(),
  servicesUnread: z.string().nullable(),
  /** What the kubelet gives to pods of policy ClusterFirst: its configuration, flags included. */
  kubelet: z
    .object({
      servers: z.array(z.string()),
      /** Null where it is not set. */
      domain: z.string().nullable(),
    })
    .nullable(),
  kubeletUnread: z.string().nullable(),
});

/** Every source that a check can need, by name. */
export const sourceSchemas = {
  /** The API's node object. */
  node: nodeSchema,
  /** All pods of the node in the API, settled or not. */
  pods: z.array(observedPodSchema),
  /** Events about this node and its pods, oldest first. */
  events: z.array(eventSchema),
  /** The cluster's other nodes, in the API when the run was planned. */
  otherNodes: z.array(otherNodeSchema),
  host: hostSchema,
  /** The node's own network. */
  hostNetwork: networkStackSchema,
  hostPacketFilters: z.array(packetFilterSchema),
  /** What the node's kernel answers about packets of pods and for them; none was sent. */
  routing: z.array(waySchema),
  /** Of the node's links, in the order of the kernel. */
  linkPrograms: z.array(linkProgramSchema),
  /** Of links whose other end is in another namespace: those of pods, and their ends on the node. */
  linkCounters: z.array(countedLinkSchema),
  /** Of all bridges and tunnels of the node. */
  forwarding: z.array(forwardingEntrySchema),
  /** Of the node; those for single protocols, ports, marks or links left out. */
  ipsecPolicies: z.array(ipsecPolicySchema),
  namespaces: z.array(namespaceSchema),
  hiddenNamespaces: z.array(hiddenNamespaceSchema),
  pins: z.array(pinSchema),
  mounts: mountsSchema,
  processes: z.array(processSchema),
  sandboxes: z.array(sandboxSchema),
  /** Settled, Running, not hostNetwork pods with a ready sandbox in a namespace of its own. */
  podNetworks: z.array(podNetworkSchema),
  cniConfig: cniConfigSchema,
  cniResults: z.array(cniResultSchema),
  ipam: z.array(ipamSchema),
  /** What the CNI agent of the node believes of its pods. */
  cniEndpoints: cniEndpointsSchema,
  kernel: kernelSchema,
  /** Kernel log of this boot, oldest first. */
  kernelLog: z.array(kernelMessageSchema),
  creation: creationSchema,
  /** The file that the kubelet hands to pods with dnsPolicy Default: /etc/resolv.conf unless configured. */
  nodeResolvConf: resolvConfSchema,
  clusterDns: clusterDnsSchema,
  active: z.array(activeSchema),
  canary: canarySchema,
};
export type SourceName = keyof typeof sourceSchemas;
export type Sources = { [Name in SourceName]: z.infer<(typeof sourceSchemas)[Name]> };

export type Evidence = {
  readonly nodeName: string;
  /** When the probe looked: the moment that ages are measured against. */
  readonly takenAt: string;
  readonly probeMilliseconds: number;
  /** Steps that did not end in time or failed; the run is partial then. */
  readonly incomplete: readonly string[];
} & { readonly [Name in SourceName]: Part<Sources[Name]> };
