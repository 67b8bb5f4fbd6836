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
  /** The named (namespace, ifindex) exists, but its own peer is another link. */
  z.object({
    status: z.literal('mismatched'),
    namespace: z.number(),
    index: z.number().int(),
    name: z.string(),
    pointsTo: z.string(),
  }),
  /** The namespace that should hold the peer was read, and has no such link. */
  z.object({ status: z.literal('missing'), namespace: z.number().nullable(), index: z.number().int() }),
  /** The link came or went while the node was read: its pod is on its way (docs/traps.md T37). */
  z.object({ status: z.literal('unsettled') }),
  /** The peer's namespace was not read, or has no id here: nothing can be said. */
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
  /** It asks for and answers to hardware addresses (no IFF_NOARP). */
  arp: z.boolean(),
  loopback: z.boolean(),
  /** Name of the bridge or bond it is a port of. */
  master: z.string().nullable(),
  /** State of a bridge port: forwarding, disabled … */
  portState: z.string().nullable(),
  /** How a bridge treats frames of that port; null for a link that is none. */
  portFlags: z
    .object({ hairpin: z.boolean(), learning: z.boolean(), isolated: z.boolean() })
    .nullable()
    .optional(),
  /** A program of XDP, which acts on what the link receives before anything else; null where there is none. */
  xdp: z
    .object({
      mode: z.enum(['driver', 'generic', 'offload', 'several']),
      /** Null where only the node knows it by its number. */
      name: z.string().nullable(),
    })
    .nullable()
    .optional(),
  /** Where a device of the PCI, USB or virtio bus lies under; null for virtual links. */
  parentDevice: z.string().nullable(),
  /** Null for links that have no peer. */
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
  scope: z.string().nullable(),
  metric: z.number().int().nullable(),
  mtu: z.number().int().nullable(),
  /** linkdown, dead, onlink … */
  flags: z.array(z.string()),
});
export type Route = z.infer<typeof routeSchema>;

/** What routes of such a type, and rules of such an action, do with packets. */
export const DROPPING: readonly string[] = ['blackhole', 'unreachable', 'prohibit'];

/** What the node's kernel would do with one packet: a question, and its answer. */
export const waySchema = z.object({
  family: z.union([z.literal(4), z.literal(6)]),
  destination: z.string(),
  /** Null: the node's own packet. */
  source: z.string().nullable(),
  /** The link of the node that it comes in by; null for the node's own. */
  inputLink: z.string().nullable(),
  /** ENETUNREACH, EHOSTUNREACH, EINVAL …; null where there is a way. */
  error: z.string().nullable(),
  /** unicast: it goes out by `link`; local: it is for the node. Null with an error, as all below. */
  type: z.string().nullable(),
  link: z.string().nullable(),
  gateway: z.string().nullable(),
  table: z.string().nullable(),
});
export type Way = z.infer<typeof waySchema>;

/** What stands on a link of the node between wire and kernel: a queueing discipline, or a filter of tc(8). */
export const linkProgramSchema = z.object({
  link: z.string(),
  /** `queue`: how packets wait to be sent (netem, tbf, fq_codel …). `in` and `out`: a filter, as the node sees the link. */
  place: z.enum(['queue', 'in', 'out']),
  /** netem, tbf …; of a filter bpf, u32, matchall, flower … */
  kind: z.string(),
  /** Of a filter; lower ones come first. */
  priority: z.number().int(),
  /** Of an eBPF program; null for others, which have none. */
  name: z.string().nullable(),
  /** Classic BPF, which no CNI plugin uses. */
  classic: z.boolean(),
  /** It, or its action, drops: `all` packets for sure, or `some`. */
  drops: z.enum(['all', 'some']).nullable(),
});
export type LinkProgram = z.infer<typeof linkProgramSchema>;

/** Where a bridge or a VXLAN device of the node sends frames for one MAC address. */
export const forwardingEntrySchema = z.object({
  mac: z.string(),
  /** The port of the bridge, or the tunnel's device. */
  link: z.string(),
  /** Of a port: its bridge. Null for an entry of the device itself. */
  bridge: z.string().nullable(),
  /** Of a tunnel: the node that the frame is sent to. */
  destination: z.string().nullable(),
  /** It stays whatever the bridge sees: permanent, or sticky. All others, static ones too, move to the port of the next frame. */
  fixed: z.boolean(),
});
export type ForwardingEntry = z.infer<typeof forwardingEntrySchema>;

/** A policy of IPsec, ip-xfrm(8), that is about addresses and nothing else. */
export const ipsecPolicySchema = z.object({
  family: z.union([z.literal(4), z.literal(6)]),
  direction: z.enum(['in', 'out', 'forward']),
  action: z.enum(['allow', 'block']),
  /** Lower ones come first. */
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
  /** The input or output link it names does not exist (iproute2 prints [detached]). */
  detached: z.boolean(),
  fwmark: z.string().nullable(),
  table: z.string().nullable(),
  /** Of {@link DROPPING}, where it leads to no table; null else. */
  drops: z.string().nullable(),
  protocol: z.string().nullable(),
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

/** Chains and rules of one backend in one namespace, in the order of the dump. */
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
          /** Each rule as printed, at most 1,000 characters. */
          rules: z.array(z.string()),
        }),
      ),
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
  /** Why the packet filters could not be read; null when they were. */
  packetFiltersFailed: z.string().nullable(),
  /** Connection-tracking entries; null where the module is not loaded. */
  conntrackEntries: z.number().int().nullable(),
});
export type NetworkStack = z.infer<typeof networkStackSchema>;
