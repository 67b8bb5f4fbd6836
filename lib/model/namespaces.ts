/** Network namespaces of a node: what keeps them alive, where they are pinned, and the mounts around the pins. */
import * as z from 'zod';
import { networkStackSchema } from './network.ts';
import { timeSchema } from './time.ts';

/** A process, thread or open descriptor that keeps a namespace alive. */
const holderSchema = z.object({
  pid: z.number().int(),
  command: z.string(),
  via: z.enum(['process', 'thread', 'descriptor', 'mount']),
  /** Id of the container it runs in, from its cgroup; null on the host. */
  containerId: z.string().nullable(),
  /** In a container of the kubelet's runtime, whether the runtime still knows that container or not. */
  ofPod: z.boolean(),
});
export type Holder = z.infer<typeof holderSchema>;

/** A network namespace, identified by its inode within this boot only (docs/traps.md T43). */
export const namespaceSchema = z.object({
  inode: z.number(),
  /** The namespace of PID 1: the node's own. */
  host: z.boolean(),
  /**
   * Paths that pin it, as the runtime sees them: in PID 1's mount namespace, unless the runtime has its own
   * (docs/traps.md T51).
   */
  pins: z.array(z.string()),
  holders: z.array(holderSchema),
  /** Ids by which the node's own namespace refers to it (link_netnsid). */
  namespaceIds: z.array(z.number().int()),
  stack: z.discriminatedUnion('status', [
    z.object({ status: z.literal('present'), value: networkStackSchema }),
    z.object({ status: z.literal('absent'), reason: z.string() }),
    z.object({ status: z.literal('failed'), reason: z.string() }),
  ]),
});
export type NetworkNamespace = z.infer<typeof namespaceSchema>;

/** A file where a runtime pins namespaces, read in the runtime's mount namespace (docs/traps.md T3 to T5, T51). */
export const pinSchema = z.object({
  path: z.string(),
  /** File system found by a lookup of the path: nsfs if it really is a namespace. */
  fileSystem: z.string(),
  /** Inode found by lookup. */
  inode: z.number(),
  mode: z.string(),
  modifiedAt: timeSchema,
  /**
   * Inodes that the runtime's mountinfo lists as mounted at this path; they differ from `inode` if the pin is
   * shadowed.
   */
  mounted: z.array(z.number()),
});
export type Pin = z.infer<typeof pinSchema>;

/** A process that holds sockets of a namespace, found by asking the sockets themselves. */
const socketHolderSchema = z.object({
  pid: z.number().int(),
  command: z.string(),
  sockets: z.number().int(),
  /**
   * The container whose cgroup the process is in, and its pod; null on the host, and the pod also if the
   * cgroup does not name it.
   */
  containerId: z.string().nullable(),
  podUid: z.string().nullable(),
});
export type SocketHolder = z.infer<typeof socketHolderSchema>;

/** A namespace that the node's links refer to, but to which no pin, process or descriptor leads. */
export const hiddenNamespaceSchema = z.object({
  namespaceId: z.number().int(),
  /** The node's links whose peer is in this namespace. */
  links: z.array(z.string()),
  /** Processes with sockets of a namespace other than their own, which may keep this one alive. */
  suspects: z.array(z.object({ pid: z.number().int(), command: z.string(), sockets: z.number().int() })),
  /** The processes that do keep it alive, as far as their sockets could be read. */
  holders: z.array(socketHolderSchema),
  /** Why some sockets of suspects could not be read; null if all were. */
  socketsUnread: z.string().nullable(),
});
export type HiddenNamespace = z.infer<typeof hiddenNamespaceSchema>;

export const mountsSchema = z.object({
  /** Number of lines in the runtime's mountinfo (usually PID 1's), and fs.mount-max. */
  total: z.number().int(),
  limit: z.number().int().nullable(),
  nsfs: z.number().int(),
  /** Number of namespaces that those lines are about. */
  pinned: z.number().int(),
  /** Mounts of pin directories and their parents: more than one for a path is an overmount. */
  directories: z.array(
    z.object({ path: z.string(), fileSystem: z.string(), propagation: z.string(), root: z.string() }),
  ),
  /** Other mount namespaces whose nsfs mounts do not follow the runtime's. */
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
