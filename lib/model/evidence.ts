/**
 * Evidence: what one probe and two API snapshots say about one node, parsed and joined, not judged.
 * Every source is present, absent by design of the platform (and why), or failed (and why).
 */
import * as z from 'zod';
import { eventSchema, nodeSchema, podSchema } from './kubernetes.ts';
import { linkSchema, networkStackSchema, packetFilterSchema } from './network.ts';

/** One source of evidence. A check that needs an absent one is not applicable; a failed one makes it unknown. */
export type Part<T> =
  | { readonly status: 'present'; readonly value: T }
  | { readonly status: 'absent'; readonly reason: string }
  | { readonly status: 'failed'; readonly reason: string };

const time = z.iso.datetime({ offset: true });

/** A process, or a descriptor of one, that keeps a namespace alive. */
export const holderSchema = z.object({
  pid: z.number().int(),
  command: z.string(),
  via: z.enum(['process', 'thread', 'descriptor', 'mount']),
  /** Id of the container it runs in, from its cgroup; null on the host. */
  containerId: z.string().nullable(),
});
export type Holder = z.infer<typeof holderSchema>;

/** A network namespace, known by its inode within this boot (never an identity across reboots: docs/traps.md T43). */
export const namespaceSchema = z.object({
  inode: z.number(),
  /** The namespace of PID 1: the node's own. */
  host: z.boolean(),
  /** Paths that pin it, as PID 1 sees them. */
  pins: z.array(z.string()),
  holders: z.array(holderSchema),
  /** Ids under which the node's own namespace knows it (link_netnsid). */
  namespaceIds: z.array(z.number().int()),
  stack: z.discriminatedUnion('status', [
    z.object({ status: z.literal('present'), value: networkStackSchema }),
    z.object({ status: z.literal('absent'), reason: z.string() }),
    z.object({ status: z.literal('failed'), reason: z.string() }),
  ]),
});
export type NetworkNamespace = z.infer<typeof namespaceSchema>;

/** A file where a runtime pins namespaces, read in the mount namespace of PID 1 (docs/traps.md T3 to T5). */
export const pinSchema = z.object({
  path: z.string(),
  /** File system that a lookup of the path finds: nsfs when it really is a namespace. */
  fileSystem: z.string(),
  /** Inode found by lookup. */
  inode: z.number(),
  mode: z.string(),
  modifiedAt: time,
  /** Inodes that PID 1's mountinfo lists as mounted at this path; they differ from `inode` when shadowed. */
  mounted: z.array(z.number()),
});
export type Pin = z.infer<typeof pinSchema>;

/** A namespace that the node's links refer to, but which no pin, process or descriptor leads to. */
export const hiddenNamespaceSchema = z.object({
  namespaceId: z.number().int(),
  /** Host links whose peer is in there. */
  links: z.array(z.string()),
  /** Processes that hold sockets which are not of their own namespace: who may keep it alive. */
  suspects: z.array(z.object({ pid: z.number().int(), command: z.string(), sockets: z.number().int() })),
});
export type HiddenNamespace = z.infer<typeof hiddenNamespaceSchema>;

export const mountsSchema = z.object({
  /** Lines of PID 1's mountinfo, and fs.mount-max. */
  total: z.number().int(),
  limit: z.number().int().nullable(),
  nsfs: z.number().int(),
  /** Namespaces that those lines are about. */
  pinned: z.number().int(),
  /** Mounts of pin directories and their parents: more than one of a path is an overmount. */
  directories: z.array(
    z.object({ path: z.string(), fileSystem: z.string(), propagation: z.string(), root: z.string() }),
  ),
  /** Other mount namespaces with nsfs mounts that do not follow the host. */
  elsewhere: z.array(
    z.object({
      mountNamespace: z.number(),
      pid: z.number().int(),
      command: z.string(),
      containerId: z.string().nullable(),
      inodes: z.array(z.number()),
    }),
  ),
});
export type Mounts = z.infer<typeof mountsSchema>;

/** A process as the node saw it at the time of the probe. */
export const processSchema = z.object({
  pid: z.number().int(),
  command: z.string(),
  networkNamespace: z.number().nullable(),
  pidNamespace: z.number().nullable(),
  containerId: z.string().nullable(),
});

/** What a container's own /etc/resolv.conf says. */
export const resolvConfSchema = z.object({
  /** False when the file is not there; an empty file is `exists` with nothing in it. */
  exists: z.boolean(),
  nameservers: z.array(z.string()),
  searches: z.array(z.string()),
  options: z.array(z.string()),
});
export type ResolvConf = z.infer<typeof resolvConfSchema>;

export const sandboxContainerSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** Init process; null when it is not running. */
  pid: z.number().int().nullable(),
  networkNamespace: z.number().nullable(),
  pidNamespace: z.number().nullable(),
  resolvConf: resolvConfSchema.nullable(),
});

/** A pod sandbox as the runtime keeps it on disk, whether its task lives or not. */
export const sandboxSchema = z.object({
  id: z.string(),
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  attempt: z.number().int().nullable(),
  /** `ready`: its task is there. `stopped`: no task any more. */
  state: z.enum(['ready', 'stopped']),
  network: z.enum(['pod', 'node']),
  /** Path in the sandbox's own runtime spec. */
  namespacePath: z.string().nullable(),
  /** Pid of the pause process in the runtime's files; null where there is none (CRI-O drops it by default). */
  pid: z.number().int().nullable(),
  /** Whether that pid runs, and in the cgroup of this sandbox (a recycled pid does not). */
  process: z.enum(['running', 'dead', 'foreign', 'none']),
  /** Network namespace of that process. */
  networkNamespace: z.number().nullable(),
  pidNamespace: z.number().nullable(),
  createdAt: time.nullable(),
  runtimeHandler: z.string().nullable(),
  containers: z.array(sandboxContainerSchema),
  /** The same before and after the rest was read. */
  stable: z.boolean(),
});
export type Sandbox = z.infer<typeof sandboxSchema>;

/** A libcni result cache entry: what ADD returned for one interface of one sandbox. */
export const cniResultSchema = z.object({
  containerId: z.string(),
  network: z.string(),
  interface: z.string(),
  /** CNI_NETNS at ADD. */
  namespacePath: z.string().nullable(),
  podNamespace: z.string().nullable(),
  podName: z.string().nullable(),
  podUid: z.string().nullable(),
  /** Types of the plugins of the list, primary first. */
  plugins: z.array(z.string()),
  addresses: z.array(
    z.object({
      address: z.string(),
      prefixLength: z.number().int(),
      gateway: z.string().nullable(),
      interface: z.number().int().nullable(),
    }),
  ),
  routes: z.array(z.object({ destination: z.string(), gateway: z.string().nullable() })),
  /** `inPod`: the entry has a sandbox path. */
  interfaces: z.array(z.object({ name: z.string(), mac: z.string().nullable(), inPod: z.boolean() })),
});
export type CniResult = z.infer<typeof cniResultSchema>;

export const cniConfigSchema = z.object({
  directory: z.string(),
  files: z.array(
    z.object({
      name: z.string(),
      /** Why the runtime will not load it; null when it will. */
      error: z.string().nullable(),
      network: z.string().nullable(),
      /** Types of the chain, with the types of their IPAM. */
      plugins: z.array(z.string()),
      ipam: z.array(z.string()),
      /** Subnets of host-local ranges. */
      subnets: z.array(z.string()),
      mtu: z.number().int().nullable(),
      bridge: z.string().nullable(),
    }),
  ),
  binaryDirectory: z.string(),
  /** Executable files there. */
  binaries: z.array(z.string()),
});
export type CniConfig = z.infer<typeof cniConfigSchema>;

/** Addresses that an on-node IPAM keeps: host-local's directory, or ipamd's checkpoint of the AWS VPC CNI. */
export const ipamSchema = z.object({
  kind: z.enum(['host-local', 'aws']),
  network: z.string(),
  /** Directory or file it was read from. */
  path: z.string(),
  /** Size of the ranges, where known. */
  capacity: z.number().int().nullable(),
  allocations: z.array(
    z.object({
      address: z.string(),
      /** Empty when the reservation was half written (plugins#498). */
      containerId: z.string(),
      interface: z.string().nullable(),
      modifiedAt: time.nullable(),
      pod: z.string().nullable(),
    }),
  ),
  /** Files or parts that could not be understood. */
  corrupt: z.array(z.object({ path: z.string(), reason: z.string() })),
});
export type Ipam = z.infer<typeof ipamSchema>;

export const hostSchema = z.object({
  hostname: z.string(),
  networkNamespace: z.number(),
  pidNamespace: z.number(),
  bootId: z.string(),
  kernelRelease: z.string(),
  osRelease: z.string(),
  uptimeSeconds: z.number(),
});

export const kernelSchema = z.object({
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

export const kernelMessageSchema = z.object({
  /** Seconds since boot. */
  seconds: z.number(),
  at: time,
  text: z.string(),
});
export type KernelMessage = z.infer<typeof kernelMessageSchema>;

/** A throw-away unnamed namespace with a veth pair, made and gone again. */
export const creationSchema = z.object({
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
  /** What of it was still on the node after its deletion. */
  leftovers: z.array(z.string()),
});

/** A pod with whether it held still from the first snapshot to the second. */
export const observedPodSchema = podSchema.extend({
  /** Why it is not judged; null when it stood in both snapshots unchanged and is old enough. */
  unsettled: z.string().nullable(),
});
export type ObservedPod = z.infer<typeof observedPodSchema>;

/** A pod's attachment to the network: what API, runtime, kernel and CNI each say, side by side. */
export const podNetworkSchema = z.object({
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

/** Every source that a check can need, by name. */
export const sourceSchemas = {
  /** The API's node object. */
  node: nodeSchema,
  /** All pods of the node in the API, settled or not. */
  pods: z.array(observedPodSchema),
  /** Events about this node and its pods, oldest first. */
  events: z.array(eventSchema),
  host: hostSchema,
  /** The node's own network. */
  hostNetwork: networkStackSchema,
  hostPacketFilters: z.array(packetFilterSchema),
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
  kernel: kernelSchema,
  /** Kernel log of this boot, oldest first. */
  kernelLog: z.array(kernelMessageSchema),
  creation: creationSchema,
  /** The file that the kubelet hands to pods with dnsPolicy Default: /etc/resolv.conf unless configured. */
  nodeResolvConf: resolvConfSchema,
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
