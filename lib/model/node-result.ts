/** The result of auditing one node: small, serialisable, and everything needed to conclude about the cluster. */
import * as z from 'zod';
import { nodeCrossingSchema } from './crossing.ts';
import {
  auditedObjectSchema,
  comparisonSchema,
  confidences,
  findingRepairSchema,
  remedyStepSchema,
  severities,
} from './finding.ts';
import { dnsServiceSchema, podSchema } from './kubernetes.ts';
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
  repair: findingRepairSchema,
  /** Services that send traffic to the pod, if the object is a pod and they are known. */
  serves: z.array(z.string()).optional(),
});
export type CheckFailure = z.infer<typeof failureSchema>;

/** The result of one check on one node. */
const checkTallySchema = z.object({
  check: z.string(),
  passed: z.number().int(),
  notApplicable: z.number().int(),
  unknown: z.number().int(),
  reasons: z.array(z.string()),
  /** Keys of the objects that it did not judge; empty if it judged none at all (then `passed` is 0). */
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
  /** The API lists the address in the pod's podIPs. */
  inPodStatus: z.boolean(),
  /** When the sandbox that holds it was created, according to the node. */
  createdAt: z.string(),
  /** When the pod was created, according to the API. */
  podCreatedAt: z.string(),
});
/** A pod has one or two addresses, or a few more; a pod with more than this is not judged. */
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
  /** Why the Services of its pods are not known; null if they are. Missing in results of earlier versions. */
  servicesUnread: z.string().nullable().optional(),
  /** Null if they are not known. Missing in results of earlier versions. */
  nodeRoutes: nodeRoutesSchema.nullable().optional(),
  /** Pings to the next node; null if nobody asked for them. Missing in results of earlier versions. */
  crossing: nodeCrossingSchema.nullable().optional(),
  /**
   * Services that its kubelet gives to pods as nameservers; null if that was not read. Missing in results of
   * earlier versions.
   */
  dnsServices: z.array(dnsServiceSchema).nullable().optional(),
  /** Null if the counters were not read. Missing in results of earlier versions. */
  podLinks: z.array(podLinkSchema).nullable().optional(),
  /** Pods on the node that look like debug pods, whoever started them. */
  debugPods: z.array(podSchema),
  /**
   * `namespace/name` of all pods that the API listed on the node: an earlier finding about any other pod is
   * about one that is gone.
   */
  pods: z.array(z.string()),
  /**
   * Those of them that the checks of pods' networks did not see: too young, changed meanwhile, or without a
   * ready sandbox. Missing in results of earlier versions.
   */
  unseenPods: z.array(z.string()).optional(),
  /**
   * Number of its pods that run, or should, of each workload, as `namespace/kind of controller/name`. Missing
   * if its pods are not known, and in results of earlier versions.
   */
  workloads: z.record(z.string(), z.number().int().nonnegative()).optional(),
  /** Number of pods that were too young to be judged. Missing in results of earlier versions. */
  youngPods: z.number().int().nonnegative().optional(),
  /** Pods that were not judged. Missing in results of earlier versions. */
  unjudged: z.array(unjudgedPodsSchema).optional(),
  /** Labels of these pods by `namespace/name`, and of the node by its name: exceptions may select by them. */
  labels: z.record(z.string(), z.record(z.string(), z.string())),
});
export type NodeResult = z.infer<typeof nodeResultSchema>;
