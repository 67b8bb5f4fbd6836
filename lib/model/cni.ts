/** What CNI leaves on a node: results of ADD, its configuration, and its IPAM's addresses. */
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
  /** Types of the chained plugins, primary first. */
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
      /** Number of its ENI, which the AWS VPC CNI writes in place of a namespace path. */
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
      /** Why the runtime cannot load it; null if it can. */
      error: z.string().nullable(),
      network: z.string().nullable(),
      /** Types of the chained plugins, including their IPAM. */
      plugins: z.array(z.string()),
      ipam: z.array(z.string()),
      /** Subnets of host-local ranges. */
      subnets: z.array(z.string()),
      mtu: z.number().int().nullable(),
      bridge: z.string().nullable(),
      /**
       * Bridge ports may send frames back out of the port where they arrived, as a pod that reaches itself
       * through a Service needs.
       */
      hairpin: z.boolean().optional(),
      /** Bridge ports reach only the bridge's uplink, and not each other. */
      isolation: z.boolean().optional(),
      /** Where a plugin looks for the node's subnet, if it is not its usual place. */
      subnetFile: z.string().nullable().optional(),
    }),
  ),
  binaryDirectory: z.string(),
  /** Names of the executable files in the directories. */
  binaries: z.array(z.string()),
  /** Names of the files that are not executable. */
  unusable: z.array(z.object({ name: z.string(), why: z.enum(['empty', 'not executable']) })),
  /** What is in the file in which flannel tells its plugin the node's subnet; missing in older bundles. */
  subnetFile: z.object({ exists: z.boolean(), variables: z.record(z.string(), z.string()) }).optional(),
  /** Sockets at which an agent still listens, but whose file is gone. Missing in older bundles. */
  lostSockets: z.array(z.string()).optional(),
  /**
   * Ids of the endpoints for which Cilium's agent keeps programs on links, and names of its maps, as far as their pins
   * are there. Missing in older bundles.
   */
  programPins: z.object({ endpoints: z.array(z.string()), maps: z.array(z.string()) }).optional(),
});
export type CniConfig = z.infer<typeof cniConfigSchema>;

/**
 * Addresses that an IPAM keeps for one node's pods: host-local's directory, ipamd's checkpoint of the AWS VPC
 * CNI, or Calico's blocks in the API.
 */
export const ipamSchema = z.object({
  kind: z.enum(['host-local', 'aws', 'calico']),
  network: z.string(),
  /** Directory, file or kind of API object that it was read from. */
  path: z.string(),
  /** Why it could not be read. */
  unread: z.string().optional(),
  /** When it was listed, if before the node was read: what started since may be missing. */
  listedAt: timeSchema.optional(),
  /** Number of addresses in its ranges, if known. */
  capacity: z.number().int().nullable(),
  allocations: z.array(
    z.object({
      address: z.string(),
      /** Empty for a half-written reservation (plugins#498). */
      containerId: z.string(),
      interface: z.string().nullable(),
      modifiedAt: timeSchema.nullable(),
      pod: z.string().nullable(),
      /** Name of the block, if addresses come in blocks. */
      block: z.string().optional(),
      /** The node that took the address, if it is another one. */
      otherNode: z.string().optional(),
    }),
  ),
  /** Addresses that only one of two readings had: they were being assigned or freed. Missing if there are none. */
  changing: z.array(z.string()).optional(),
  /** Files or entries that could not be parsed. */
  corrupt: z.array(z.object({ path: z.string(), reason: z.string() })),
});
export type Ipam = z.infer<typeof ipamSchema>;

/**
 * What a CNI plugin's agent has recorded about the node's pods: Cilium's CiliumEndpoints, or Calico's pod
 * annotations.
 */
export const cniEndpointsSchema = z.object({
  kind: z.enum(['cilium', 'calico']),
  /** When it was listed: what started later may be missing. */
  listedAt: timeSchema,
  endpoints: z.array(
    z.object({
      namespace: z.string(),
      name: z.string(),
      podUid: z.string().nullable(),
      /** Id of the sandbox that it was created for; null if the plugin does not say. */
      containerId: z.string().nullable(),
      addresses: z.array(z.string()),
      createdAt: timeSchema.nullable(),
      /** Address of the node that it claims to be on; null if it is this one. */
      elsewhere: z.string().nullable(),
    }),
  ),
  /** Number of endpoints without a pod that were not read again, and so may be gone. */
  unconfirmed: z.number().int(),
});
export type CniEndpoints = z.infer<typeof cniEndpointsSchema>;
