/** What the container runtime runs: processes, and pod sandboxes with their containers. */
import * as z from 'zod';
import { timeSchema } from './time.ts';

/** A process as the node saw it during the probe. */
export const processSchema = z.object({
  pid: z.number().int(),
  command: z.string(),
  networkNamespace: z.number().nullable(),
  pidNamespace: z.number().nullable(),
  containerId: z.string().nullable(),
  /** Stopped by a signal (state T): it is there, and does nothing. Missing in older bundles. */
  stopped: z.boolean().optional(),
});

/** What a container's own /etc/resolv.conf says. */
export const resolvConfSchema = z.object({
  /** False if the file does not exist; for an empty file `exists` is true and the lists are empty. */
  exists: z.boolean(),
  nameservers: z.array(z.string()),
  searches: z.array(z.string()),
  options: z.array(z.string()),
});
export type ResolvConf = z.infer<typeof resolvConfSchema>;

const sandboxContainerSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** The init process; null if it is not running. */
  pid: z.number().int().nullable(),
  networkNamespace: z.number().nullable(),
  pidNamespace: z.number().nullable(),
  resolvConf: resolvConfSchema.nullable(),
});

/** A pod sandbox as the runtime keeps it on disk, whether its task is running or not. */
export const sandboxSchema = z.object({
  id: z.string(),
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  attempt: z.number().int().nullable(),
  /** `ready`: it has a task. `stopped`: it no longer has one. */
  state: z.enum(['ready', 'stopped']),
  network: z.enum(['pod', 'node']),
  /** Path in the sandbox's own runtime spec. */
  namespacePath: z.string().nullable(),
  /** Pid of the pause process in the runtime's files; null if there is none (CRI-O drops it by default). */
  pid: z.number().int().nullable(),
  /** Whether that pid runs in this sandbox's cgroup (a reused pid does not). */
  process: z.enum(['running', 'dead', 'foreign', 'none']),
  /** Network namespace of that process. */
  networkNamespace: z.number().nullable(),
  pidNamespace: z.number().nullable(),
  createdAt: timeSchema.nullable(),
  runtimeHandler: z.string().nullable(),
  containers: z.array(sandboxContainerSchema),
  /** Runtime specs, its own or its containers', that could not be read: their content comes from other sources. */
  unreadSpecs: z.array(z.string()),
  /**
   * Unchanged while the rest was read, and old enough that the API cannot have created and forgotten its pod
   * meanwhile.
   */
  stable: z.boolean(),
});
export type Sandbox = z.infer<typeof sandboxSchema>;
