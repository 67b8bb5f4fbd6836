/** Calico's own records of addresses in the Kubernetes API, as whole objects: unknown fields stay when they are written back. */
import * as z from 'zod';
import { familyOf, spelled, subnetOf } from './address.ts';
import { timeSchema } from './time.ts';

const wholeNumber = z.union([z.int(), z.bigint()]);

const metadataSchema = z.looseObject({
  name: z.string(),
  uid: z.string(),
  resourceVersion: z.string(),
});

const attributeSchema = z.looseObject({
  handle_id: z.string().nullish(),
  secondary: z.record(z.string(), z.string()).nullish(),
});

/** An IPAMBlock (libcalico-go/lib/backend/model/block.go). */
export const calicoBlockObjectSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z.looseObject({
    cidr: z.string(),
    affinity: z.string().nullish(),
    /** By ordinal, the index into the attributes; null is free. */
    allocations: z.array(z.int().nullable()),
    /** The free ordinals; Calico gives the first one next. */
    unallocated: z.array(z.int()),
    attributes: z.array(attributeSchema),
    /** Grows with each write; begins with nanoseconds since 1970, which no JavaScript number holds. */
    sequenceNumber: wholeNumber.nullish(),
    /** By ordinal, the number of the block when the address was taken. */
    sequenceNumberForAllocation: z.record(z.string(), wholeNumber).nullish(),
    deleted: z.boolean().nullish(),
  }),
});
export type CalicoBlockObject = z.infer<typeof calicoBlockObjectSchema>;

/** An IPAMHandle: how many addresses of each block one owner has. */
export const calicoHandleObjectSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z.looseObject({
    handleID: z.string(),
    block: z.record(z.string(), z.int()).nullish(),
    deleted: z.boolean().nullish(),
  }),
});
export type CalicoHandleObject = z.infer<typeof calicoHandleObjectSchema>;

/** A pod, as far as it may have an address. */
export const addressHolderSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  hostNetwork: z.boolean(),
  addresses: z.array(z.string()),
  /** Of the sandbox for which Calico gave the address; null if it does not say. */
  containerId: z.string().nullable(),
  /** It releases leaked addresses for Calico. */
  isController: z.boolean(),
  /** Since when it is Ready; null if it is not, or is being deleted. */
  readySince: timeSchema.nullable(),
});
export type AddressHolder = z.infer<typeof addressHolderSchema>;

/** The address at a position of a block, whose last bits are 0, as Kubernetes writes it. */
export function addressAt(cidr: string, ordinal: number): string {
  const [base = ''] = cidr.split('/');
  if (familyOf(base) === 4) return plus(base, '.', ordinal);
  const [groups = ''] = subnetOf(base, 128).split('/');
  return spelled(plus(groups, ':', ordinal));
}

/** In the last part of an address. */
function plus(base: string, separator: '.' | ':', ordinal: number): string {
  const at = base.lastIndexOf(separator) + 1;
  const radix = separator === ':' ? 16 : 10;
  return base.slice(0, at) + (Number.parseInt(base.slice(at), radix) + ordinal).toString(radix);
}

/** When an address was taken; null for a time that is not as Go prints it: `2026-11-20 02:00:00.123456789 +0000 UTC`. */
export function takenAt(timestamp: string | undefined): string | null {
  const [, day, time] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\S* \+0000 UTC/.exec(timestamp ?? '') ?? [];
  return day === undefined ? null : `${day}T${time}Z`;
}
