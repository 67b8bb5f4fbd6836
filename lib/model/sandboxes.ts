/** What the container runtime runs: processes, and pod sandboxes with their containers. */
import * as z from 'zod';
import { timeSchema } from './time.ts';

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

const sandboxContainerSchema = z.object({
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
  createdAt: timeSchema.nullable(),
  runtimeHandler: z.string().nullable(),
  containers: z.array(sandboxContainerSchema),
  /** Runtime specs, its own or of its containers, that could not be read: what they would say is from other sources. */
  unreadSpecs: z.array(z.string()),
  /** The same before and after the rest was read, and not so new that the API may have made and forgotten its pod meanwhile. */
  stable: z.boolean(),
});
export type Sandbox = z.infer<typeof sandboxSchema>;
