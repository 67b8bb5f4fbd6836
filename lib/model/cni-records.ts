/** What CNI agents keep in the Kubernetes API about pods: their endpoints, and who has which address. */
import * as z from 'zod';
import { timeSchema } from './time.ts';

/** A CiliumEndpoint: the agent of a node makes it for each of its pods, and the agents of all other nodes read it. */
export const ciliumEndpointSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  /** Of the pod that owns it; null where no owner is given. */
  podUid: z.string().nullable(),
  createdAt: timeSchema,
  /** Address of the node whose agent made it. */
  node: z.string().nullable(),
  addresses: z.array(z.string()),
  /** Such as ready, regenerating, waiting-for-identity. */
  state: z.string().nullable(),
});
export type CiliumEndpoint = z.infer<typeof ciliumEndpointSchema>;

/** An IPAMBlock of Calico: some of the cluster's addresses, most often all for the pods of one node. */
export const calicoBlockSchema = z.object({
  name: z.string(),
  cidr: z.string(),
  /** The node that gives its addresses to pods; null once it gave the block back. */
  node: z.string().nullable(),
  allocations: z.array(
    z.object({
      address: z.string(),
      /** `NETWORK.CONTAINER` of a pod's address, or a name that begins otherwise, as of a tunnel. */
      handle: z.string(),
      node: z.string().nullable(),
      /** `namespace/name`; null for an address that is no pod's. */
      pod: z.string().nullable(),
      takenAt: timeSchema.nullable(),
    }),
  ),
});
export type CalicoBlock = z.infer<typeof calicoBlockSchema>;

/** A list of the API that may be missing by design, or not be allowed. */
export function listed<Item extends z.ZodType>(item: Item) {
  return z.discriminatedUnion('status', [
    z.object({ status: z.literal('present'), value: z.array(item) }),
    z.object({ status: z.literal('absent'), reason: z.string() }),
    z.object({ status: z.literal('failed'), reason: z.string() }),
  ]);
}

export const cniRecordsSchema = z.object({
  /** Before the first of them was asked for: what began later may be missing in them. */
  takenAt: timeSchema,
  ciliumEndpoints: listed(ciliumEndpointSchema),
  calicoBlocks: listed(calicoBlockSchema),
  /** Of one node: endpoints of no pod that are left out, as they were not asked for again and may be gone. */
  unconfirmed: z.number().int().default(0),
});
export type CniRecords = z.infer<typeof cniRecordsSchema>;

/** Where they were not asked for. */
export const NO_CNI_RECORDS: CniRecords = {
  takenAt: new Date(0).toISOString(),
  ciliumEndpoints: { status: 'absent', reason: 'endpoints were not asked for' },
  calicoBlocks: { status: 'absent', reason: 'blocks of addresses were not asked for' },
  unconfirmed: 0,
};
