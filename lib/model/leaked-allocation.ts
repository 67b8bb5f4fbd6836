/** An address that Calico's own IPAM has given to a container that is gone, identified so precisely that it is known again. */
import * as z from 'zod';
import { ADDRESS, CONTAINER, whole } from './repair-grammar.ts';

/** How Calico names a block: its CIDR with dashes. */
const BLOCK = '[0-9a-f][0-9a-f-]{2,62}';

/** What on the node still has the address, so that it must not be given to another pod. */
export const ADDRESS_USES = {
  namespace: 'a network namespace of the node has the address',
  result: 'a cached CNI result has the address or its container: CNI DEL then frees it',
  unread: 'not every network namespace of the node could be read',
} as const;

/** What a finding calls them in its evidence: whoever is refused because of them has to know which they are. */
export const UNREAD_NAMESPACES = 'network namespaces that could not be read';

export const leakedAllocationSchema = z.object({
  block: z.string().regex(whole(BLOCK)),
  address: z.string().regex(whole(ADDRESS)),
  container: z.string().regex(whole(CONTAINER)),
  pod: z.object({
    namespace: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
    name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,252}$/),
  }),
  use: z
    .enum(['namespace', 'result', 'unread'])
    .nullable()
    .describe('What the audit saw on the node that speaks against freeing it; null: nothing.'),
});
export type LeakedAllocation = z.infer<typeof leakedAllocationSchema>;

export const releaseAllocationsSchema = z
  .object({
    kind: z.literal('release-allocations'),
    allocations: z.array(leakedAllocationSchema).min(1).max(100),
  })
  .describe("Frees addresses in Calico's blocks, in the Kubernetes API, whose containers are gone.");

export function allocationName({ block, address }: Pick<LeakedAllocation, 'block' | 'address'>): string {
  return `${block}/${address}`;
}

/** Whether both are one record of the same container. */
export function isSameAllocation(a: LeakedAllocation, b: LeakedAllocation): boolean {
  return a.block === b.block && a.address === b.address && a.container === b.container;
}
