/** What CNI agents record about pods in the Kubernetes API: their endpoints, and which address belongs to whom. */
import * as z from 'zod';
import { timeSchema } from './time.ts';

/** A CiliumEndpoint: a node's agent creates one for each of its pods, and the agents of all other nodes read it. */
export const ciliumEndpointSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  /** The uid of the owning pod; null if there is no owner. */
  podUid: z.string().nullable(),
  createdAt: timeSchema,
  /** Address of the node whose agent created it. */
  node: z.string().nullable(),
  addresses: z.array(z.string()),
  /** For example ready, regenerating, waiting-for-identity. */
  state: z.string().nullable(),
});
export type CiliumEndpoint = z.infer<typeof ciliumEndpointSchema>;

/** A Calico IPAMBlock: some of the cluster's addresses, usually all for the pods of one node. */
export const calicoBlockSchema = z.object({
  name: z.string(),
  cidr: z.string(),
  /** The node that assigns its addresses to pods; null after the node released the block. */
  node: z.string().nullable(),
  allocations: z.array(
    z.object({
      address: z.string(),
      /** `NETWORK.CONTAINER` for a pod's address; other forms for example for a tunnel. */
      handle: z.string(),
      node: z.string().nullable(),
      /** `namespace/name`; null if the address is not a pod's. */
      pod: z.string().nullable(),
      takenAt: timeSchema.nullable(),
    }),
  ),
});
export type CalicoBlock = z.infer<typeof calicoBlockSchema>;

/** A list from the API that may be missing by design, or forbidden. */
export function apiListSchema<Item extends z.ZodType>(item: Item) {
  return z.discriminatedUnion('status', [
    z.object({ status: z.literal('present'), value: z.array(item) }),
    z.object({ status: z.literal('absent'), reason: z.string() }),
    z.object({ status: z.literal('failed'), reason: z.string() }),
  ]);
}

export const cniRecordsSchema = z.object({
  /** Before the first list was requested: what started later may be missing. */
  takenAt: timeSchema,
  ciliumEndpoints: apiListSchema(ciliumEndpointSchema),
  calicoBlocks: apiListSchema(calicoBlockSchema),
  /**
   * For one node: the number of endpoints without a pod that are left out, as they were not read again and
   * may be gone.
   */
  unconfirmed: z.number().int().default(0),
});
export type CniRecords = z.infer<typeof cniRecordsSchema>;

/** Used if the records were not requested. */
export const NO_CNI_RECORDS: CniRecords = {
  takenAt: new Date(0).toISOString(),
  ciliumEndpoints: { status: 'absent', reason: 'endpoints were not requested' },
  calicoBlocks: { status: 'absent', reason: 'blocks of addresses were not requested' },
  unconfirmed: 0,
};
