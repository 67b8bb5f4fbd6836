/** Linux network objects as the probe saw them: links, addresses, routes, rules, neighbours, packet filters. */
import * as z from 'zod';

/** Where the other end of a veth or netkit pair is. */
const peerSchema = z.discriminatedUnion('status', [
  /** Matched in both directions: (inode, ifindex) points back at this link. */
  z.object({
    status: z.literal('matched'),
    namespace: z.number(),
    index: z.number().int(),
    name: z.string(),
  }),
  /** The named (namespace, ifindex) exists, but its own peer is a different link. */
  z.object({
    status: z.literal('mismatched'),
    namespace: z.number(),
    index: z.number().int(),
    name: z.string(),
    pointsTo: z.string(),
  }),
  /** The namespace that should contain the peer was read, and has no such link. */
  z.object({ status: z.literal('missing'), namespace: z.number().nullable(), index: z.number().int() }),
  /** The link came or went while the node was read: its pod was starting or ending (docs/traps.md T37). */
  z.object({ status: z.literal('unsettled') }),
  /** The peer's namespace was not read, or has no id here: unknown. */
  z.object({ status: z.literal('unknown'), reason: z.string(), namespaceId: z.number().int().nullable() }),
]);
export type Peer = z.infer<typeof peerSchema>;

export const linkSchema = z.object({
  index: z.number().int(),
  name: z.string(),
  /** `info_kind` of iproute2: veth, bridge, vxlan, dummy, netkit …; null for physical links and lo. */
  kind: z.string().nullable(),
  /** Hardware address; null where the link has none. */
  mac: z.string().nullable(),
  mtu: z.number().int(),
  /** Administratively up (IFF_UP). */
  up: z.boolean(),
  /** Carrier (IFF_LOWER_UP). */
  carrier: z.boolean(),
  operState: z.string(),
  /** The link resolves hardware addresses (no IFF_NOARP). */
  arp: z.boolean(),
  loopback: z.boolean(),
  /** Name of the bridge or bond that it is a port of. */
  master: z.string().nullable(),
  /** State of a bridge port: forwarding, disabled … */
  portState: z.string().nullable(),
  /** How a bridge treats frames of this port; null if it is not a bridge port. */
  portFlags: z
    .object({
      hairpin: z.boolean(),
      learning: z.boolean(),
      isolated: z.boolean(),
      /** Frames for all go to the port as well; null if the kernel does not say. */
      bcast_flood: z.boolean().nullable().optional(),
      /** Frames of a MAC address that the bridge does not have at this port are dropped; null as above. */
      locked: z.boolean().nullable().optional(),
    })
    .nullable()
    .optional(),
  /** An XDP program, which acts on received packets before anything else; null if there is none. */
  xdp: z
    .object({
      mode: z.enum(['driver', 'generic', 'offload', 'several']),
      /** Null if only the node knows the program, by its number. */
      name: z.string().nullable(),
    })
    .nullable()
    .optional(),
  /** Whether a bridge decides by the spanning tree protocol which ports forward; null for other links. */
  stp: z.boolean().nullable().optional(),
  /** The UDP port to which a VXLAN device sends, and at which it listens; null for other links. */
  vxlanPort: z.number().int().nullable().optional(),
  /** The VNI of a VXLAN device; null for other links, and for one that takes it from each packet. */
  vxlanId: z.number().int().nullable().optional(),
  /** The address that a VXLAN device sends from; null if the kernel chooses it, and for other links. */
  vxlanLocal: z.string().nullable().optional(),
  /** net.ipv4.conf.LINK.arp_ignore; null if the kernel was not asked itself. */
  arpIgnore: z.number().int().nullable().optional(),
  /** How packets wait to be sent, if anything but noqueue is at the link's root: netem, fq_codel, tbf … */
  queue: z.string().nullable().optional(),
  /** The parent device on a PCI, USB or virtio bus; null for virtual links. */
  parentDevice: z.string().nullable(),
  /** Null for links without a peer. */
  peer: peerSchema.nullable(),
});
export type Link = z.infer<typeof linkSchema>;

const addressSchema = z.object({
  link: z.string(),
  family: z.union([z.literal(4), z.literal(6)]),
  address: z.string(),
  prefixLength: z.number().int(),
  scope: z.string(),
  tentative: z.boolean(),
  dadFailed: z.boolean(),
});
export type Address = z.infer<typeof addressSchema>;

const routeSchema = z.object({
  family: z.union([z.literal(4), z.literal(6)]),
  /** unicast, local, broadcast, blackhole, unreachable, prohibit … */
  type: z.string(),
  /** In CIDR notation; `default` is written 0.0.0.0/0 or ::/0, a host route with /32 or /128. */
  destination: z.string(),
  gateway: z.string().nullable(),
  link: z.string().nullable(),
  /** `main`, `local`, or the number. */
  table: z.string(),
  /** Who made it: `kernel`, `boot` (also whoever does not say), `static`; of others the name or the number. */
  protocol: z.string().nullable().optional(),
  scope: z.string().nullable(),
  metric: z.number().int().nullable(),
  /** The address that packets are sent from, if the route names one. */
  from: z.string().nullable().optional(),
  mtu: z.number().int().nullable(),
  /** linkdown, dead, onlink …, and `nexthop` for each of several next hops of one route. */
  flags: z.array(z.string()),
});
export type Route = z.infer<typeof routeSchema>;

export const NEXT_HOP = 'nexthop';

/** What routes with such a type, and rules with such an action, do with packets. */
export const DROPPING: readonly string[] = ['blackhole', 'unreachable', 'prohibit'];

/** What the node's kernel would do with one packet: the question and the answer. */
export const waySchema = z.object({
  family: z.union([z.literal(4), z.literal(6)]),
  destination: z.string(),
  /** Null if the node itself is the source. */
  source: z.string().nullable(),
  /** The link of the node by which the packet arrives; null for the node's own packets. */
  inputLink: z.string().nullable(),
  /** ENETUNREACH, EHOSTUNREACH, EINVAL …; null if there is a way. */
  error: z.string().nullable(),
  /** unicast: it leaves by `link`; local: it is for the node. Null with an error, like all fields below. */
  type: z.string().nullable(),
  link: z.string().nullable(),
  gateway: z.string().nullable(),
  table: z.string().nullable(),
});
export type Way = z.infer<typeof waySchema>;

/** A queueing discipline or tc(8) filter on a link of the node, between wire and kernel. */
export const linkProgramSchema = z.object({
  link: z.string(),
  /**
   * `queue`: how packets wait to be sent (netem, tbf, fq_codel …). `in` and `out`: a filter, from the point of view of
   * the namespace that the link is in.
   */
  place: z.enum(['queue', 'in', 'out']),
  /** netem, tbf …; for a filter bpf, u32, matchall, flower … */
  kind: z.string(),
  /** For filters; lower priorities apply first. */
  priority: z.number().int(),
  /** Name of an eBPF program; null for others, which have none. */
  name: z.string().nullable(),
  /** Classic BPF, which no CNI plugin uses. */
  classic: z.boolean(),
  /** Whether it, or its action, certainly drops `all` packets, or drops `some`. */
  drops: z.enum(['all', 'some']).nullable(),
  /** Name of the program without a filter (tcx) that sees the packets first; missing or null if there is none. */
  behind: z.string().nullable().optional(),
});
export type LinkProgram = z.infer<typeof linkProgramSchema>;

/**
 * Names of the eBPF programs that stand on a link of the node without a filter (tcx, netkit), in the order in
 * which they run: on what comes in from the pod or the network, and on what goes out.
 */
export const attachedProgramsSchema = z.object({
  link: z.string(),
  in: z.array(z.string()),
  out: z.array(z.string()),
});

/** Where a bridge or VXLAN device of the node sends frames for one MAC address. */
export const forwardingEntrySchema = z.object({
  mac: z.string(),
  /** The bridge port, or the tunnel device. */
  link: z.string(),
  /** The port's bridge; null for an entry of the device itself. */
  bridge: z.string().nullable(),
  /** For a tunnel, the node that the frame is sent to. */
  destination: z.string().nullable(),
  /**
   * The entry never moves: it is permanent, or sticky. All others, including static ones, move to the port of
   * the next frame.
   */
  fixed: z.boolean(),
});
export type ForwardingEntry = z.infer<typeof forwardingEntrySchema>;

/** An IPsec policy, ip-xfrm(8), that matches on nothing but addresses. */
export const ipsecPolicySchema = z.object({
  family: z.union([z.literal(4), z.literal(6)]),
  direction: z.enum(['in', 'out', 'forward']),
  action: z.enum(['allow', 'block']),
  /** Lower priorities apply first. */
  priority: z.number().int(),
  /** In CIDR notation. */
  source: z.string(),
  destination: z.string(),
});
export type IpsecPolicy = z.infer<typeof ipsecPolicySchema>;

const ruleSchema = z.object({
  family: z.union([z.literal(4), z.literal(6)]),
  priority: z.number().int(),
  source: z.string(),
  destination: z.string().nullable(),
  inputLink: z.string().nullable(),
  outputLink: z.string().nullable(),
  /** The rule names an input or output link that does not exist (iproute2 prints [detached]). */
  detached: z.boolean(),
  fwmark: z.string().nullable(),
  table: z.string().nullable(),
  /** One of {@link DROPPING}, if the rule leads to no table; otherwise null. */
  drops: z.string().nullable(),
  protocol: z.string().nullable(),
  /** It applies to all packets that its selectors do not match. */
  not: z.boolean().nullable().optional(),
  /** Routes with a prefix of at most this length are passed over: 0 is the default route. */
  suppressedLength: z.number().int().nullable().optional(),
  /** Routes by links of this group are passed over. */
  suppressedGroup: z.string().nullable().optional(),
});
export type Rule = z.infer<typeof ruleSchema>;

const neighbourSchema = z.object({
  destination: z.string(),
  link: z.string(),
  mac: z.string().nullable(),
  /** REACHABLE, STALE, PERMANENT, FAILED, INCOMPLETE … */
  states: z.array(z.string()),
});
export type Neighbour = z.infer<typeof neighbourSchema>;

/** Chains and rules of one backend in one namespace, in the order in which they were listed. */
export const packetFilterSchema = z.object({
  backend: z.enum(['iptables-legacy', 'iptables-nft', 'nftables', 'ip6tables-legacy', 'ip6tables-nft']),
  tables: z.array(
    z.object({
      name: z.string(),
      chains: z.array(
        z.object({
          name: z.string(),
          /** Base chains have a hook (`input`, `forward`, `output` …) and a policy. */
          hook: z.string().nullable(),
          policy: z.string().nullable(),
          /** The links whose packets alone a base chain sees (family netdev); none: it sees all. */
          devices: z.array(z.string()).max(1000).optional(),
          /** Each rule as printed, at most 1,000 characters. */
          rules: z.array(z.string()),
        }),
      ),
      /** Maps of nftables that lead to a verdict. An element is `KEY : VERDICT`, as printed. */
      maps: z.array(z.object({ name: z.string(), elements: z.array(z.string()) })).optional(),
    }),
  ),
});
export type PacketFilter = z.infer<typeof packetFilterSchema>;

/** The content of one network namespace. */
export const networkStackSchema = z.object({
  links: z.array(linkSchema),
  addresses: z.array(addressSchema),
  routes: z.array(routeSchema),
  rules: z.array(ruleSchema),
  neighbours: z.array(neighbourSchema),
  packetFilters: z.array(packetFilterSchema),
  /** Why the packet filters could not be read; null if they were. */
  packetFiltersFailed: z.string().nullable(),
  /** Number of connection-tracking entries; null if the module is not loaded. */
  conntrackEntries: z.number().int().nullable(),
  /** Queues and filters of a pod's links; missing if the kernel was not asked itself, and for the node. */
  programs: z.array(linkProgramSchema).optional(),
  /** net.ipv4.ip_default_ttl of a pod, if it is not the kernel's own. */
  ttl: z.number().int().optional(),
  /** The policies of IPsec of a pod, like those of the node; missing if it has none. */
  ipsecPolicies: z.array(ipsecPolicySchema).optional(),
});
export type NetworkStack = z.infer<typeof networkStackSchema>;
