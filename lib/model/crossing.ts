/** `--active cross`: the nodes of a run form a ring, and pods of each node ping pods of the next. */
import * as z from 'zod';

/** Pods of a node that the node before it pings: many, as AWS spreads a node's pods over several network interfaces. */
export const TARGETS_OF_A_NODE = 8;
/** Pods of a node that ping: two, and one more for each further table by which the node sends what pods send. */
export const SOURCES_OF_A_NODE = 8;
/** Pods among which the probe chooses those: the API does not know the node's rules. */
export const CANDIDATES_OF_A_NODE = 250;
/** Routers on a pod's way that are made to answer: its own node, the other node, and what follows. */
export const HOPS = 3;

export const nextNodeSchema = z.object({ name: z.string(), addresses: z.array(z.string()) });
export type NextNode = z.infer<typeof nextNodeSchema>;

const crossPodSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  address: z.string(),
  /** Why its silence says nothing: a network policy, or the pod itself, may want it. Null if neither does. */
  restricted: z.string().nullable(),
});
export type CrossPod = z.infer<typeof crossPodSchema>;

/** Whom the probe of a node is asked to ping, or why nobody. */
export const crossPlanSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('planned'),
    next: z.object({ name: z.string(), address: z.string() }),
    /** Pods of the node, from some of which it pings. The first ones are pinged by the node before it. */
    sources: z.array(crossPodSchema).max(CANDIDATES_OF_A_NODE),
    /** Pods of the next node, if it has any; `stayed` if the API still listed the pod with its address after the pings. */
    targets: z.array(crossPodSchema.extend({ stayed: z.boolean() })).max(TARGETS_OF_A_NODE),
  }),
  /** `alone`: the run has no other node, or it has no pod to ping from. */
  z.object({ status: z.literal('none'), reason: z.string(), alone: z.boolean() }),
]);
export type CrossPlan = z.infer<typeof crossPlanSchema>;
export type PlannedCross = Extract<CrossPlan, { status: 'planned' }>;

const crossPingSchema = z.object({
  target: z.string(),
  answered: z.boolean(),
  /** Who said that a packet with a lifetime of 1, 2, … ended there; '' where nobody did. Empty if not asked. */
  hops: z.array(z.string()).max(HOPS),
  /** What a router answered instead, such as `Host Unreachable from 10.0.0.1`; null if none did. */
  refused: z.string().nullable(),
});
export type CrossPing = z.infer<typeof crossPingSchema>;

/** What one node sends at most: to the next node, to pods of it, and to its own. */
export const PINGS_OF_A_NODE = 1 + 2 * TARGETS_OF_A_NODE + SOURCES_OF_A_NODE;
const crossPingsSchema = z.array(crossPingSchema).max(PINGS_OF_A_NODE);

/** What was sent: from the node, and from the namespaces that hold the addresses of its pods. */
export const crossSentSchema = z.object({
  node: crossPingsSchema,
  namespaces: z.array(z.object({ inode: z.number(), pings: crossPingsSchema })).max(10),
});
export type CrossSent = z.infer<typeof crossSentSchema>;

/** What one node says of its pings; kept small, as both ends of a way are compared. */
export const nodeCrossingSchema = z.object({
  node: z.string(),
  /** By which it answers packets that end on it. */
  addresses: z.array(z.string()).max(50),
  plan: crossPlanSchema,
  /** Why the pings are not known; null if they are. */
  unread: z.string().nullable(),
  fromNode: crossPingsSchema,
  /** Only of pods whose namespace is known. */
  fromPods: z.array(z.object({ uid: z.string(), pings: crossPingsSchema })).max(SOURCES_OF_A_NODE),
  /** Of a node that sends what its pods send by several tables, by which it sends that of each pod. */
  waysOut: z
    .array(z.object({ address: z.string(), table: z.string(), link: z.string().nullable() }))
    .max(TARGETS_OF_A_NODE + SOURCES_OF_A_NODE),
});
export type NodeCrossing = z.infer<typeof nodeCrossingSchema>;

/** Where there are network policies, which may drop pings on purpose. */
export const networkPoliciesSchema = z.object({
  /** Kubernetes namespaces with a policy. */
  namespaces: z.array(z.string()),
  /** Kinds of policies for the whole cluster of which there are any. */
  everywhere: z.array(z.string()),
  /** Why some were not read; null if all were. */
  unread: z.string().nullable(),
});
export type NetworkPolicies = z.infer<typeof networkPoliciesSchema>;
export const NO_NETWORK_POLICIES: NetworkPolicies = { namespaces: [], everywhere: [], unread: null };
