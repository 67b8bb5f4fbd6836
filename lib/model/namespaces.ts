/** Network namespaces of a node: what keeps them alive, where they are pinned, and the mounts around the pins. */
import * as z from 'zod';
import { networkStackSchema } from './network.ts';
import { timeSchema } from './time.ts';

/** A process, or a descriptor of one, that keeps a namespace alive. */
const holderSchema = z.object({
  pid: z.number().int(),
  command: z.string(),
  via: z.enum(['process', 'thread', 'descriptor', 'mount']),
  /** Id of the container it runs in, from its cgroup; null on the host. */
  containerId: z.string().nullable(),
  /** In a container of the kubelet's runtime, whether that still knows it or not. */
  ofPod: z.boolean(),
});
export type Holder = z.infer<typeof holderSchema>;

/** A network namespace, known by its inode within this boot (never an identity across reboots: docs/traps.md T43). */
export const namespaceSchema = z.object({
  inode: z.number(),
  /** The namespace of PID 1: the node's own. */
  host: z.boolean(),
  /** Paths that pin it, as the runtime sees them: in PID 1's mount namespace, unless it has its own (docs/traps.md T51). */
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

/** A file where a runtime pins namespaces, read in the mount namespace of the runtime (docs/traps.md T3 to T5, T51). */
export const pinSchema = z.object({
  path: z.string(),
  /** File system that a lookup of the path finds: nsfs when it really is a namespace. */
  fileSystem: z.string(),
  /** Inode found by lookup. */
  inode: z.number(),
  mode: z.string(),
  modifiedAt: timeSchema,
  /** Inodes that the runtime's mountinfo lists as mounted at this path; they differ from `inode` when shadowed. */
  mounted: z.array(z.number()),
});
export type Pin = z.infer<typeof pinSchema>;

/** A process that holds sockets of a namespace: the sockets themselves were asked. */
const socketHolderSchema = z.object({
  pid: z.number().int(),
  command: z.string(),
  sockets: z.number().int(),
  /** Of the container and the pod whose cgroup it is in; null on the host, and the pod also where the cgroup does not say it. */
  containerId: z.string().nullable(),
  podUid: z.string().nullable(),
});
export type SocketHolder = z.infer<typeof socketHolderSchema>;

/** A namespace that the node's links refer to, but which no pin, process or descriptor leads to. */
export const hiddenNamespaceSchema = z.object({
  namespaceId: z.number().int(),
  /** Host links whose peer is in there. */
  links: z.array(z.string()),
  /** Processes that hold sockets which are not of their own namespace: who may keep it alive. */
  suspects: z.array(z.object({ pid: z.number().int(), command: z.string(), sockets: z.number().int() })),
  /** Who does keep it alive, by the sockets that could be asked. */
  holders: z.array(socketHolderSchema),
  /** Why some sockets of suspects could not be asked; null where all were. */
  socketsUnread: z.string().nullable(),
});
export type HiddenNamespace = z.infer<typeof hiddenNamespaceSchema>;

export const mountsSchema = z.object({
  /** Lines of the runtime's mountinfo (usually PID 1's), and fs.mount-max. */
  total: z.number().int(),
  limit: z.number().int().nullable(),
  nsfs: z.number().int(),
  /** Namespaces that those lines are about. */
  pinned: z.number().int(),
  /** Mounts of pin directories and their parents: more than one of a path is an overmount. */
  directories: z.array(
    z.object({ path: z.string(), fileSystem: z.string(), propagation: z.string(), root: z.string() }),
  ),
  /** Other mount namespaces with nsfs mounts that do not follow the runtime's. */
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
