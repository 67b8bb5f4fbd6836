/** What one node says of its way to others: kept small, as it is compared across nodes. */
import * as z from 'zod';

/** If a node has more routes than this, none is considered missing. */
export const ROUTES_OF_A_NODE = 300;
/** Of a node with more entries the rest is not judged. */
export const NEIGHBOURS_OF_A_NODE = 300;

export const nodeRoutesSchema = z.object({
  node: z.string(),
  /** CNI plugin of its pods. */
  plugin: z.string(),
  /** The other nodes for which its agent always writes a route, as flannel's backend says. */
  always: z.enum(['none', 'near', 'all']),
  /** Its own addresses, to which other nodes send. */
  addresses: z.array(z.string()).max(50),
  /**
   * Its own on tunnel devices, by which others send to it through theirs. Results of earlier versions do not
   * have it.
   */
  tunnelAddresses: z.array(z.string()).max(50).optional(),
  /** MAC addresses of its links, without those of its pods. Results of earlier versions do not have it. */
  macs: z.array(z.string()).max(50).optional(),
  /** What it sends to by entries that the kernel never asks about again. Results of earlier versions do not have it. */
  neighbours: z
    .array(
      z.object({
        address: z.string(),
        mac: z.string(),
        link: z.string(),
        /** It has that MAC address for other addresses as well: a router that answers for many. */
        shared: z.boolean(),
      }),
    )
    .max(NEIGHBOURS_OF_A_NODE)
    .optional(),
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
        /** Of a route to a tunnel device: the device. Results of earlier versions do not have it. */
        link: z.string().optional(),
        /** As `ip route` prints it. */
        text: z.string(),
      }),
    )
    .max(ROUTES_OF_A_NODE + 1),
  /**
   * Its VXLAN devices: VNI, unless each packet has its own, and UDP port. Results of earlier versions do not
   * have it.
   */
  vxlans: z
    .array(z.object({ device: z.string(), id: z.number().int().nullable(), port: z.number().int() }))
    .max(50)
    .optional(),
  /**
   * Whether kube-proxy runs, or left its rules; null if neither, or if another agent may have replaced it.
   * Results of earlier versions do not have it.
   */
  serviceProxy: z.enum(['runs', 'gone']).nullable().optional(),
  /** The default route that takes everything else, by family; null if there is none. */
  default: z.object({ 4: z.string().nullable(), 6: z.string().nullable() }),
});
export type NodeRoutes = z.infer<typeof nodeRoutesSchema>;
