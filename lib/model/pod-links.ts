/** Counters of the links of pods, as the kernel keeps them since each link was made. */
import * as z from 'zod';

const count = z.number().int().nonnegative();

/** Of one end of a link: what came in there and what went out. */
const linkCountersSchema = z.object({
  inPackets: count,
  outPackets: count,
  inErrors: count,
  outErrors: count,
  inDropped: count,
  outDropped: count,
  carrierChanges: count,
});
export type LinkCounters = z.infer<typeof linkCountersSchema>;

/** The same with the namespace of the link: its inode. */
export const countedLinkSchema = linkCountersSchema.extend({ namespace: z.number(), link: z.string() });

export const podLinkSchema = z.object({
  node: z.string(),
  pod: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }),
  /** When the sandbox was made: the counters of another one begin anew. */
  since: z.string(),
  /** The pod's end of its main interface. */
  link: z.string(),
  podEnd: linkCountersSchema,
  /** The node's end of a pair; null for others. */
  hostLink: z.string().nullable(),
  hostEnd: linkCountersSchema.nullable(),
});
export type PodLink = z.infer<typeof podLinkSchema>;

/** Links of pods that a report keeps, worst first. */
export const POD_LINKS_KEPT = 5_000;
