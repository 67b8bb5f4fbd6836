/** What CNI leaves on a node: results of ADD, its configuration, and the addresses that its IPAM keeps. */
import * as z from 'zod';
import { timeSchema } from './time.ts';

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
  interfaces: z.array(
    z.object({
      name: z.string(),
      mac: z.string().nullable(),
      inPod: z.boolean(),
      /** Number of its ENI, which the AWS VPC CNI writes where the path of a namespace would be. */
      device: z.number().int().optional(),
    }),
  ),
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
      /** Ports of the bridge send frames back by the port that they came from, as a pod needs that reaches itself by a Service. */
      hairpin: z.boolean().optional(),
      /** Ports of the bridge reach its uplink alone, and not each other. */
      isolation: z.boolean().optional(),
    }),
  ),
  binaryDirectory: z.string(),
  /** Executable files there. */
  binaries: z.array(z.string()),
  /** Files there that cannot be executed. */
  unusable: z.array(z.object({ name: z.string(), why: z.enum(['empty', 'not executable']) })),
});
export type CniConfig = z.infer<typeof cniConfigSchema>;

/**
 * Addresses that an IPAM keeps for the pods of one node: host-local's directory, ipamd's checkpoint of the AWS VPC CNI, or
 * Calico's blocks in the API.
 */
export const ipamSchema = z.object({
  kind: z.enum(['host-local', 'aws', 'calico']),
  network: z.string(),
  /** Directory, file or kind of API object it was read from. */
  path: z.string(),
  /** Why it could not be read. */
  unread: z.string().optional(),
  /** When it was listed, where that was before the node was read: what began since may be missing. */
  listedAt: timeSchema.optional(),
  /** Size of the ranges, where known. */
  capacity: z.number().int().nullable(),
  allocations: z.array(
    z.object({
      address: z.string(),
      /** Empty when the reservation was half written (plugins#498). */
      containerId: z.string(),
      interface: z.string().nullable(),
      modifiedAt: timeSchema.nullable(),
      pod: z.string().nullable(),
      /** Name of the block, where addresses come in blocks. */
      block: z.string().optional(),
      /** The node that took it, where that is another one. */
      otherNode: z.string().optional(),
    }),
  ),
  /** Files or parts that could not be understood. */
  corrupt: z.array(z.object({ path: z.string(), reason: z.string() })),
});
export type Ipam = z.infer<typeof ipamSchema>;

/** What the agent of a CNI plugin has on file about the node's pods: Cilium's CiliumEndpoints, or Calico's annotations of pods. */
export const cniEndpointsSchema = z.object({
  kind: z.enum(['cilium', 'calico']),
  /** What began later may be missing. */
  listedAt: timeSchema,
  endpoints: z.array(
    z.object({
      namespace: z.string(),
      name: z.string(),
      podUid: z.string().nullable(),
      /** Id of the sandbox that it was made for; null where the plugin does not say. */
      containerId: z.string().nullable(),
      addresses: z.array(z.string()),
      createdAt: timeSchema.nullable(),
      /** Address of the node that it is said to be on; null where that is this one. */
      elsewhere: z.string().nullable(),
    }),
  ),
  /** Endpoints of no pod that were not asked for again, and so may be gone. */
  unconfirmed: z.number().int(),
});
export type CniEndpoints = z.infer<typeof cniEndpointsSchema>;
