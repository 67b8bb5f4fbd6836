/** Counters of pods' links, as the kernel has kept them since each link was created. */
import * as z from 'zod';

const count = z.number().int().nonnegative();

/** Counters of one end of a link, received and sent. */
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

/** Likewise, with the inode of the link's namespace. */
export const countedLinkSchema = linkCountersSchema.extend({ namespace: z.number(), link: z.string() });

export const podLinkSchema = z.object({
  node: z.string(),
  pod: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }),
  /** When the sandbox was created: the counters of another sandbox start at zero. */
  since: z.string(),
  /** The pod's end of its main interface. */
  link: z.string(),
  podEnd: linkCountersSchema,
  /** The node's end of a pair; null for other links. */
  hostLink: z.string().nullable(),
  hostEnd: linkCountersSchema.nullable(),
});
export type PodLink = z.infer<typeof podLinkSchema>;

/** Number of links that a report keeps, worst first. */
export const POD_LINKS_KEPT = 5_000;
