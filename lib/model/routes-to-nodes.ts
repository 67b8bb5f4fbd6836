/** What one node knows of the ways to the pods of the others: judged across nodes. */
import * as z from 'zod';

const count = z.number().int().nonnegative();

/** How many ranges of other nodes a route leads to, by how. */
export const routeCountSchema = z.object({
  /** By an address of the other node. */
  direct: count,
  /** By a tunnel device, or Cilium's programs. */
  tunnel: count,
  /** By a gateway that is no address of the other node. */
  other: count,
  /** None but the default route. */
  missing: count,
});
export type RouteCount = z.infer<typeof routeCountSchema>;

export const routesToNodesSchema = z.object({
  node: z.string(),
  /** CNI plugin of its pods. */
  plugin: z.string(),
  /** For which nodes its agent always writes a route, as flannel says. */
  always: z.enum(['none', 'near', 'all']),
  /** Of nodes in a subnet of this one, and of all others. */
  near: routeCountSchema,
  far: routeCountSchema,
  /** The first ranges of other nodes that no route of their own leads to. */
  cut: z
    .array(
      z.object({
        node: z.string(),
        /** In CIDR notation. */
        range: z.string(),
        near: z.boolean(),
        state: z.enum(['other', 'missing']),
        /** Of the other node, in the family of the range. */
        address: z.string().nullable(),
        /** The route that takes the packets instead; null where none does. */
        found: z.string().nullable(),
      }),
    )
    .max(20),
});
export type RoutesToNodes = z.infer<typeof routesToNodesSchema>;
