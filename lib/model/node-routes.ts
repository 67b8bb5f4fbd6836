/** What one node knows about routes to others: kept small, as it is compared across nodes. */
import * as z from 'zod';

/** If a node has more routes than this, none is considered missing. */
export const ROUTES_OF_A_NODE = 300;

export const nodeRoutesSchema = z.object({
  node: z.string(),
  /** CNI plugin of its pods. */
  plugin: z.string(),
  /** The other nodes for which its agent always writes a route, as flannel's backend says. */
  always: z.enum(['none', 'near', 'all']),
  /** Its own addresses, to which other nodes send. */
  addresses: z.array(z.string()).max(50),
  /** Ranges that contain its pods' addresses, from the plugin's configuration or the API, in CIDR notation. */
  ranges: z.array(z.string()).max(50),
  /** Subnets of its links, in CIDR notation. */
  subnets: z.array(z.string()).max(50),
  /** Routes of all tables except local, without default routes and those to its own pods. */
  routes: z
    .array(
      z.object({
        /** In CIDR notation. */
        destination: z.string(),
        gateway: z.string().nullable(),
        /** The route leads to a tunnel device, or to Cilium's programs. */
        tunnel: z.boolean(),
        /** As `ip route` prints it. */
        text: z.string(),
      }),
    )
    .max(ROUTES_OF_A_NODE + 1),
  /** The default route that takes everything else, by family; null if there is none. */
  default: z.object({ 4: z.string().nullable(), 6: z.string().nullable() }),
});
export type NodeRoutes = z.infer<typeof nodeRoutesSchema>;
