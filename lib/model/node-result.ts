/** What the audit of one node comes to: small, serialisable, and all that concluding a cluster needs. */
import * as z from 'zod';
import {
  auditedObjectSchema,
  comparisonSchema,
  confidences,
  remedyStepSchema,
  severities,
} from './finding.ts';
import { podSchema } from './kubernetes.ts';
import { nodeRoutesSchema } from './node-routes.ts';
import { podLinkSchema } from './pod-links.ts';
import { nodeCoverageSchema, nodeFactsSchema, unjudgedPodsSchema } from './report.ts';

/** One fault found by one check, before it is compared with earlier runs. */
const failureSchema = z.object({
  check: z.string(),
  object: auditedObjectSchema,
  severity: z.enum(severities),
  confidence: z.enum(confidences),
  detail: z.string(),
  evidence: z.array(comparisonSchema),
  remedy: z.array(remedyStepSchema),
  /** Services that send traffic to the pod, where it is one and that is known. */
  serves: z.array(z.string()).optional(),
});
export type CheckFailure = z.infer<typeof failureSchema>;

/** How one check went on one node. */
const checkTallySchema = z.object({
  check: z.string(),
  passed: z.number().int(),
  notApplicable: z.number().int(),
  unknown: z.number().int(),
  reasons: z.array(z.string()),
  /** Keys of the objects it did not judge; empty when it judged none at all (then `passed` is 0). */
  unexamined: z.array(z.string()),
});
export type CheckTally = z.infer<typeof checkTallySchema>;

const podAddressSchema = z.object({
  address: z.string(),
  node: z.string(),
  pod: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }),
  /** Inode of the network namespace that holds it. */
  namespace: z.number(),
  /** Name of the CNI network. */
  network: z.string(),
  /** The API lists it in the pod's podIPs. */
  inPodStatus: z.boolean(),
  /** When the sandbox that holds it was made, as the node says. */
  createdAt: z.string(),
  /** When the pod was made, as the API says. */
  podCreatedAt: z.string(),
});
/** A pod has one address, or two, or some more; one with more than this is not judged. */
export const ADDRESSES_OF_A_POD = 64;
export type PodAddress = z.infer<typeof podAddressSchema>;

export const nodeResultSchema = z.object({
  node: z.string(),
  coverage: nodeCoverageSchema,
  /** Null when the node was not probed. */
  facts: nodeFactsSchema.nullable(),
  tallies: z.array(checkTallySchema),
  failures: z.array(failureSchema),
  podAddresses: z.array(podAddressSchema),
  /** Why it is not known which Services its pods serve; null where it is. Results of earlier versions do not have it. */
  servicesUnread: z.string().nullable().optional(),
  /** Null where it cannot be said. Results of earlier versions do not have it. */
  nodeRoutes: nodeRoutesSchema.nullable().optional(),
  /** Null where the counters were not read. Results of earlier versions do not have it. */
  podLinks: z.array(podLinkSchema).nullable().optional(),
  /** Pods of the node that look like debug pods, of anyone. */
  debugPods: z.array(podSchema),
  /** `namespace/name` of all pods that the API showed on the node: an earlier finding about another is about a pod gone. */
  pods: z.array(z.string()),
  /**
   * Of them, those that checks of pods' networks did not see: too young, changed meanwhile, without a ready sandbox. Results of
   * earlier versions do not have it.
   */
  unseenPods: z.array(z.string()).optional(),
  /** How many of them were too young to be judged. Results of earlier versions do not have it. */
  youngPods: z.number().int().nonnegative().optional(),
  /** Pods that were not judged. Results of earlier versions do not have it. */
  unjudged: z.array(unjudgedPodsSchema).optional(),
  /** Labels of these pods by `namespace/name`, and of the node by its name: exceptions may choose by them. */
  labels: z.record(z.string(), z.record(z.string(), z.string())),
});
export type NodeResult = z.infer<typeof nodeResultSchema>;
