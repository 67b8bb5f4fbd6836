/** The contract: one report of one cluster. schema/report.v1.json is generated from here. */
import { z } from 'zod';
import { findingSchema, topics } from './finding.ts';

export const verdicts = ['healthy', 'degraded', 'incomplete', 'critical'] as const;
export type Verdict = (typeof verdicts)[number];

export const nodeResults = ['audited', 'partial', 'skipped', 'failed'] as const;

export const nodeCoverageSchema = z.object({
  node: z.string(),
  result: z.enum(nodeResults),
  /** Why it is not `audited`; null when it is. */
  reason: z.string().nullable(),
  /** What to do about it. */
  remedy: z.string().nullable(),
});
export type NodeCoverage = z.infer<typeof nodeCoverageSchema>;

export const checkCoverageSchema = z.object({
  check: z.string(),
  topic: z.enum(topics),
  /** Objects that passed or failed. */
  examined: z.number().int(),
  failed: z.number().int(),
  notApplicable: z.number().int(),
  /** Objects, or whole nodes, about which nothing could be said. */
  unknown: z.number().int(),
  /** Distinct reasons for unknown and not applicable, at most five of each. */
  reasons: z.array(z.string()),
});
export type CheckCoverage = z.infer<typeof checkCoverageSchema>;

/** Facts about one audited node: the row that trends and thresholds go by. */
export const nodeFactsSchema = z.object({
  node: z.string(),
  pods: z.number().int(),
  namespaces: z.number().int().nullable(),
  orphans: z.number().int().nullable(),
  /** user.max_net_namespaces. */
  limit: z.number().int().nullable(),
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

export const reportSchema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal('ClusterReport'),
  runId: z.string(),
  cluster: z.object({ name: z.string(), uid: z.string(), version: z.string() }),
  /** Whole cluster, or only some nodes or one pod: a part never moves `latest`. */
  scope: z.enum(['cluster', 'part']),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  auditorVersion: z.string(),
  verdict: z.enum(verdicts),
  coverage: z.object({ nodes: z.array(nodeCoverageSchema), checks: z.array(checkCoverageSchema) }),
  findings: z.array(findingSchema),
  resolved: z.array(findingSchema),
  nodes: z.array(nodeFactsSchema),
});
export type ClusterReport = z.infer<typeof reportSchema>;
