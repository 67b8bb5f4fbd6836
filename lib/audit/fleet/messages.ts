/** Messages between the states of a fleet's audit. Small: everything large goes through the store. */
import * as z from 'zod';
import { checkSetSchema } from '../../model/check-set.ts';
import { clusterSummarySchema } from '../../model/cluster-summary.ts';
import { clusterSchema } from '../../model/clusters.ts';
import { settingsSchema } from '../../model/config.ts';
import { nextNodeSchema } from '../../model/crossing.ts';
import { discoverSchema, gapSchema } from '../../model/discovery.ts';
import { exceptionsSchema } from '../../model/exception.ts';
import { nodeSchema } from '../../model/kubernetes.ts';
import { nodeCoverageSchema, verdicts } from '../../model/report.ts';
import { networkNameSchema } from '../../model/vpc-networks.ts';

export const fleetPlanInputSchema = z.object({
  /** When the run is due; with the schedule it names the run, so a second delivery is the same run. */
  scheduledTime: z.iso.datetime(),
  schedule: z.string(),
  /** ARN of the execution that asks: a retried state is of the same, and its account is the stack's. */
  execution: z.string(),
  /** The listed clusters. */
  clusters: z.array(clusterSchema),
  /** Where to discover more clusters; the store has the result. */
  discover: discoverSchema.optional(),
  /** Which of the stack's networks reach which discovered clusters. */
  networks: z.array(networkNameSchema).default([]),
  settings: settingsSchema,
  /** The input of the execution; missing fields have defaults. */
  start: z.object({ checks: checkSetSchema }).prefault({}),
  /** The store keeps them for each cluster's conclusion: within each task they would be too large for a state. */
  exceptions: exceptionsSchema.default([]),
  /** The run ends with a message about all clusters. */
  digest: z.boolean().default(false),
});
export type FleetPlanInput = z.input<typeof fleetPlanInputSchema>;

/** The audit of one cluster in one run. */
export const taskSchema = z.object({
  runId: z.string(),
  checks: checkSetSchema,
  cluster: clusterSchema,
  settings: settingsSchema,
  /** It was found before but not now: its open findings are resolved. */
  removed: z.literal(true).optional(),
});
export type Task = z.infer<typeof taskSchema>;

export const fleetPlanSchema = z.object({
  runId: z.string(),
  /** False when another execution does this run. */
  claimed: z.boolean(),
  tasks: z.string().describe('Key of a JSON array of {@link itemSchema}, below the prefix of the store.'),
  count: z.int(),
  digest: z.boolean(),
});
export type FleetPlan = z.infer<typeof fleetPlanSchema>;

/** A task of a run, as the states read it. */
export const itemSchema = z.object({ task: taskSchema });

/** Where to look for a run's clusters; the run is named as for its plan. */
export const discoveryInputSchema = fleetPlanInputSchema
  .pick({ scheduledTime: true, schedule: true })
  .extend({
    discover: discoverSchema,
  });
export const discoveryOutputSchema = z.object({ clusters: z.int(), gaps: z.int() });

/** Where a cluster's batches are: a JSON array of {@link batchSchema}. */
export const clusterPlanOutputSchema = z.object({
  batches: z.string().describe('Key below the prefix of the store.'),
  count: z.int(),
  nodes: z.int(),
  leftoverPods: z.int().describe('Pods of earlier runs that were still there after their time.'),
});
export type ClusterPlanOutput = z.infer<typeof clusterPlanOutputSchema>;

export const batchSchema = z.object({
  task: taskSchema,
  batch: z.int(),
  nodes: z.array(
    z.object({
      node: nodeSchema,
      coverage: nodeCoverageSchema.nullable(),
      next: nextNodeSchema.nullable().optional(),
    }),
  ),
});
export type Batch = z.infer<typeof batchSchema>;

export const batchOutputSchema = z.object({ audited: z.int(), failed: z.int() });
export type BatchOutput = z.infer<typeof batchOutputSchema>;

export const conclusionSchema = clusterSummarySchema.extend({
  /** Key of the report. */
  report: z.string(),
  /** Share of nodes that were fully audited: 0 to 1. */
  coverage: z.number(),
  orphans: z.int().nullish().describe('Leaked namespaces of all its nodes; null if no node reported them.'),
  /** The cluster itself was reached. */
  reached: z.boolean(),
  reason: z.string().nullish().describe('Why it was not reached, and what to do; null where it was.'),
  removed: z.literal(true).optional().describe('It is not there any more, and this is its last report.'),
  /** A message was sent. */
  told: z.boolean(),
});
export type Conclusion = z.infer<typeof conclusionSchema>;

/**
 * Whether a run read nodes of the cluster. Where there is none to read (scaled to zero, Fargate alone),
 * nothing is missing.
 */
export function isRead({ nodes, reached }: Pick<Conclusion, 'nodes' | 'reached'>): boolean {
  return nodes.audited + nodes.partial > 0 || (reached && nodes.failed === 0);
}

/** A cluster whose conclusion failed: it has no report. */
const lostSchema = z.object({ cluster: z.string(), reason: z.string().describe('Why it has none.') });

/**
 * The error that ended a cluster's plan, all its batches or its conclusion: the code of an AuditError, or the
 * service's own name.
 */
export type StepFailure = { readonly code: string; readonly message: string };

/** A failure as reports say it: no more of its message than a mail has room for. */
export function failureText({ code, message }: StepFailure): string {
  return (message === '' ? code : `${code}: ${message}`).slice(0, 500);
}

export const fleetConclusionInputSchema = z.object({
  runId: z.string(),
  digest: z.boolean().default(false),
  /**
   * The outcome of each cluster: small, as its conclusion is in the store. A cluster whose states had no end
   * is missing.
   */
  clusters: z.array(z.union([conclusionSchema, lostSchema, z.object({ cluster: z.string() })])),
});
export type FleetConclusionInput = z.input<typeof fleetConclusionInputSchema>;

export const fleetReportSchema = fleetConclusionInputSchema.extend({
  schemaVersion: z.literal(1),
  kind: z.literal('FleetReport'),
  checks: checkSetSchema,
  clusters: z.array(z.union([conclusionSchema, lostSchema])),
  gaps: z.array(gapSchema).default([]).describe('Where clusters could not be looked for, why, and its fix.'),
  verdict: z.enum(verdicts),
  lost: z.int().describe('Clusters without a report, or whose message or findings could not be delivered.'),
});
export type FleetReport = z.infer<typeof fleetReportSchema>;
