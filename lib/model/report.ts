/** The contract: one report of one cluster. schema/report.v1.json is generated from this file. */
import * as z from 'zod';
import { findingSchema, topics } from './finding.ts';
import { POD_LINKS_KEPT, podLinkSchema } from './pod-links.ts';

export const verdicts = ['healthy', 'degraded', 'incomplete', 'critical'] as const;
export type Verdict = (typeof verdicts)[number];

export const nodeResults = ['audited', 'partial', 'skipped', 'failed'] as const;

export const nodeCoverageSchema = z.object({
  node: z.string(),
  result: z.enum(nodeResults),
  reason: z.string().nullable().describe('Why it is not `audited`; null when it is.'),
  remedy: z.string().nullable().describe('What to do about it.'),
});
export type NodeCoverage = z.infer<typeof nodeCoverageSchema>;

/** Why a node is skipped that the API no longer had. Its kubelet cannot say so. */
export const NODE_REMOVED = 'it was removed from the cluster while the audit was under way';

const checkCoverageSchema = z.object({
  check: z.string(),
  topic: z.enum(topics),
  examined: z.number().int().describe('Objects that passed or failed.'),
  failed: z.number().int(),
  notApplicable: z.number().int(),
  unknown: z.number().int().describe('Objects, or whole nodes, about which nothing could be said.'),
  reasons: z
    .array(z.string())
    .describe('Distinct reasons for unknown and not applicable, at most five of each.'),
});
export type CheckCoverage = z.infer<typeof checkCoverageSchema>;

/** Pods that were not settled and so not judged, and why. */
export const unjudgedPodsSchema = z.object({
  reason: z.string().describe('Such as `it is being deleted`.'),
  pods: z.number().int(),
  named: z.array(z.string()).describe('Some of them, as `namespace/name`.'),
});
export type UnjudgedPods = z.infer<typeof unjudgedPodsSchema>;
/** Number of pods that are named for each reason. */
export const UNJUDGED_NAMED = 5;

/** Facts about one audited node: the row used for trends and thresholds. */
export const nodeFactsSchema = z.object({
  node: z.string(),
  pods: z.number().int(),
  namespaces: z.number().int().nullable(),
  orphans: z.number().int().nullable(),
  limit: z.number().int().nullable().describe('user.max_net_namespaces.'),
  kernel: z.string(),
  runtime: z.string(),
  cni: z.string().nullable(),
  osImage: z.string(),
  ami: z.string().nullable(),
  instanceType: z.string().nullable(),
  zone: z.string().nullable(),
  nodegroup: z.string().nullable(),
  probeMs: z.number().nullable(),
});
export type NodeFacts = z.infer<typeof nodeFactsSchema>;

/** What a report remembers of a finding that is gone, in case it returns. */
const rememberedSchema = z.object({
  fingerprint: z.string(),
  firstSeen: z.iso.datetime(),
  resolvedAt: z.iso.datetime(),
  runs: z.number().int(),
  flaps: z.number().int(),
});
export type Remembered = z.infer<typeof rememberedSchema>;

export const reportSchema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal('ClusterReport'),
  runId: z.string(),
  cluster: z.object({ name: z.string(), uid: z.string(), version: z.string() }),
  scope: z
    .enum(['cluster', 'part'])
    .describe('Whole cluster, or only some nodes or one pod: a part never moves `latest`.'),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  auditorVersion: z.string(),
  previous: z
    .object({ runId: z.string(), startedAt: z.iso.datetime() })
    .optional()
    .describe(
      'The audit that this one was compared with: what that one did not have is new. Missing for a first ' +
        'audit, and in reports of earlier versions.',
    ),
  verdict: z.enum(verdicts),
  coverage: z.object({
    nodes: z.array(nodeCoverageSchema),
    checks: z.array(checkCoverageSchema),
    young: z
      .object({
        pods: z.number().int().describe('Pods that were not judged as they were too young.'),
        seconds: z.number().describe('From which age on pods are judged.'),
      })
      .optional()
      .describe('Only where there were any.'),
    unjudged: z
      .array(unjudgedPodsSchema)
      .optional()
      .describe('Pods that were not judged, by reason. Reports of earlier versions do not have it.'),
    servicesUnread: z
      .string()
      .optional()
      .describe('Why it is not known which Services broken pods serve. Only where it is not.'),
  }),
  findings: z.array(findingSchema),
  resolved: z.array(findingSchema),
  remembered: z
    .array(rememberedSchema)
    .default([])
    .describe('What was resolved in the last week, to tell what comes back from what is new.'),
  nodes: z.array(nodeFactsSchema),
  podLinks: z
    .array(podLinkSchema)
    .max(POD_LINKS_KEPT)
    .optional()
    .describe(
      "Counters of pods' links that have ever lost packets or their carrier, worst first: the next run " +
        'is judged by them. Only where they were read.',
    ),
});
export type ClusterReport = z.infer<typeof reportSchema>;
