/** What one node knows of the ways to others: judged across nodes, so it is small. */
import * as z from 'zod';

/** Of a node with more routes nothing is said to be missing. */
export const ROUTES_OF_A_NODE = 300;

export const nodeRoutesSchema = z.object({
  node: z.string(),
  /** CNI plugin of its pods. */
  plugin: z.string(),
  /** For which nodes its agent always writes a route, as flannel says. */
  always: z.enum(['none', 'near', 'all']),
  /** Its own, by which others send to it. */
  addresses: z.array(z.string()).max(50),
  /** From which its pods have addresses, by the configuration of the plugin or the API, in CIDR notation. */
  ranges: z.array(z.string()).max(50),
  /** Networks that its links are in, in CIDR notation. */
  subnets: z.array(z.string()).max(50),
  /** Of all tables but the local one, without default routes and those to its own pods. */
  routes: z
    .array(
      z.object({
        /** In CIDR notation. */
        destination: z.string(),
        gateway: z.string().nullable(),
        /** It leads to a tunnel device, or to Cilium's programs. */
        tunnel: z.boolean(),
        /** As `ip route` prints it. */
        text: z.string(),
      }),
    )
    .max(ROUTES_OF_A_NODE + 1),
  /** The default route that takes all else, by family; null where there is none. */
  default: z.object({ 4: z.string().nullable(), 6: z.string().nullable() }),
});
export type NodeRoutes = z.infer<typeof nodeRoutesSchema>;
