/** What the states of a fleet's audit hand to each other. Small: everything large goes through the store. */
import * as z from 'zod';
import { clusterSummarySchema } from '../../model/cluster-summary.ts';
import { clusterSchema } from '../../model/clusters.ts';
import { settingsSchema } from '../../model/config.ts';
import { discoverSchema, gapSchema } from '../../model/discovery.ts';
import { exceptionsSchema } from '../../model/exception.ts';
import { nodeSchema } from '../../model/kubernetes.ts';
import { nodeCoverageSchema, verdicts } from '../../model/report.ts';

const checkSetSchema = z
  .enum(['all', 'counts'])
  .default('all')
  .describe(
    'All checks; or only those of kernels and of how many namespaces there are, for more frequent runs.',
  );

export const fleetPlanInputSchema = z.object({
  /** When the run was due; with the schedule it names the run, so that a second delivery is the same run. */
  scheduledTime: z.iso.datetime(),
  schedule: z.string(),
  /** Who asks: a state that is tried again is the same, another execution is not. */
  execution: z.string(),
  /** Those that are listed. */
  clusters: z.array(clusterSchema),
  /** Where clusters are found as well; what was found is in the store. */
  discover: discoverSchema.optional(),
  settings: settingsSchema,
  /** The input of the execution: what it does not say has a default. */
  start: z.object({ checks: checkSetSchema }).prefault({}),
  /** Kept in the store for the conclusion of each cluster: with each task they would be too large for a state. */
  exceptions: exceptionsSchema.default([]),
  /** A message about all clusters ends the run. */
  digest: z.boolean().default(false),
});
export type FleetPlanInput = z.input<typeof fleetPlanInputSchema>;

/** The audit of one cluster in one run. */
export const taskSchema = z.object({
  runId: z.string(),
  checks: checkSetSchema,
  cluster: clusterSchema,
  settings: settingsSchema,
  /** It was found before and is not any more: what was open of it is resolved. */
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

/** One of the tasks of a run as the states take it. */
export const itemSchema = z.object({ task: taskSchema });

/** Where the clusters of a run are looked for; the same names the run as for its plan. */
export const discoveryInputSchema = fleetPlanInputSchema
  .pick({ scheduledTime: true, schedule: true })
  .extend({
    discover: discoverSchema,
  });
export const discoveryOutputSchema = z.object({ clusters: z.int(), gaps: z.int() });

/** Where the batches of a cluster stand: a JSON array of {@link batchSchema}. */
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
  nodes: z.array(z.object({ node: nodeSchema, coverage: nodeCoverageSchema.nullable() })),
});
export type Batch = z.infer<typeof batchSchema>;

export const batchOutputSchema = z.object({ audited: z.int(), failed: z.int() });
export type BatchOutput = z.infer<typeof batchOutputSchema>;

export const conclusionSchema = clusterSummarySchema.extend({
  /** Key of the report. */
  report: z.string(),
  /** Of the nodes, those that were audited in whole: 0 to 1. */
  coverage: z.number(),
  orphans: z.int().nullish().describe('Leaked namespaces of all its nodes; null where none told it.'),
  /** The cluster itself was reached. */
  reached: z.boolean(),
  reason: z.string().nullish().describe('Why it was not reached, and what to do; null where it was.'),
  removed: z.literal(true).optional().describe('It is not there any more, and this is its last report.'),
  /** A message was sent. */
  told: z.boolean(),
});
export type Conclusion = z.infer<typeof conclusionSchema>;

const errorSchema = z.object({ Error: z.string(), Cause: z.string().optional() });
/** A cluster whose conclusion failed: it has no report. */
const lostSchema = z.object({ cluster: z.string(), error: errorSchema });

export const fleetConclusionInputSchema = z.object({
  runId: z.string(),
  digest: z.boolean().default(false),
  /** What became of each cluster: small, its conclusion is in the store. One whose states had no end is missing. */
  clusters: z.array(z.union([conclusionSchema, lostSchema, z.object({ cluster: z.string() })])),
});
export type FleetConclusionInput = z.input<typeof fleetConclusionInputSchema>;

export const fleetReportSchema = fleetConclusionInputSchema.extend({
  schemaVersion: z.literal(1),
  kind: z.literal('FleetReport'),
  clusters: z.array(z.union([conclusionSchema, lostSchema])),
  gaps: z.array(gapSchema).default([]).describe('Where clusters could not be looked for, why, and its fix.'),
  verdict: z.enum(verdicts),
  lost: z.int().describe('Clusters without a report, or whose message or findings could not be delivered.'),
});
export type FleetReport = z.infer<typeof fleetReportSchema>;
