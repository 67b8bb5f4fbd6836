/** netns-audit.yaml: the clusters of a fleet, when and how they are audited, and who is notified. */

import * as z from 'zod';
import { activeProbes } from './active-probe.ts';
import { whyNoEndpoint } from './aws-names.ts';
import { clustersSchema } from './clusters.ts';
import { destinationsSchema } from './destination.ts';
import { discoverSchema } from './discovery.ts';
import { exceptionsSchema } from './exception.ts';
import { severities } from './finding.ts';
import { monitorSchema, scheduleSchema } from './schedule.ts';
import { mistakesOfNetworks, networkSchema, networksSchema } from './vpc-networks.ts';

const probeSchema = z.strictObject({
  image: z.string().min(1).default('docker.io/nicolaka/netshoot:v0.16').describe('Image of the probe pods.'),
  pullSecret: z.string().optional().describe('Image pull secret in the namespace of the probe pods.'),
  namespace: z.string().min(1).default('netns-audit').describe('Namespace of the probe pods. It must exist.'),
  privileged: z
    .boolean()
    .default(false)
    .describe('Run the probe privileged. Only if the cluster refuses it with fewer rights.'),
  deadlineSeconds: z.int().min(20).max(600).default(120).describe('Time limit for one node, in seconds.'),
  active: z.array(z.enum(activeProbes)).default([]).describe('Probes that send packets or start a pod.'),
});

/** Numbers in a report's `nodes[]` for which thresholds can be set. */
export const nodeMetrics = ['pods', 'namespaces', 'orphans', 'limit', 'probeMs'] as const;

const metricThresholdSchema = z
  .strictObject({
    metric: z.enum(nodeMetrics),
    per: z.enum(['node', 'cluster']).describe('For each node, or for the sum over the nodes of a cluster.'),
    above: z.number().min(0),
  })
  .refine(
    ({ metric, per }) => per === 'node' || !['limit', 'probeMs'].includes(metric),
    'limit and probeMs have no sum: use per: node.',
  );

export const thresholdsSchema = z.strictObject({
  minSeverity: z.enum(severities).default('high').describe('Report new findings of at least this severity.'),
  orphansPerNode: z.int().min(0).default(10).describe('Report nodes with more orphaned namespaces.'),
  namespaceShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe('Report nodes that use a larger share of user.max_net_namespaces.'),
  coverage: z
    .number()
    .min(0)
    .max(1)
    .default(0.95)
    .describe('Report when a smaller share of nodes was audited (skipped nodes do not count).'),
  metrics: z
    .array(metricThresholdSchema)
    .max(20)
    .default([])
    .describe('More thresholds, on any metric of the nodes.'),
  reminderDays: z.int().min(1).default(7).describe('Open findings are reported again after this many days.'),
});
export type Thresholds = z.infer<typeof thresholdsSchema>;

const concurrencySchema = z.strictObject({
  clusters: z.int().min(1).max(40).default(5).describe('Clusters that are audited at once.'),
  batches: z
    .int()
    .min(1)
    .max(100)
    .default(20)
    .describe('Batches of nodes that are audited at once, per cluster.'),
  nodesPerBatch: z.int().min(1).max(40).default(20).describe('Nodes in one batch.'),
  nodes: z.int().min(1).max(40).default(10).describe('Nodes in a batch that are probed at once.'),
});

/** What is passed with each cluster through the states. */
export const settingsSchema = z.strictObject({
  probe: probeSchema.prefault({}),
  thresholds: thresholdsSchema.prefault({}),
  concurrency: concurrencySchema.prefault({}),
});

export const subscriptionSchema = z
  .strictObject({
    protocol: z.enum(['email', 'https', 'sqs', 'lambda']),
    endpoint: z.string().min(1).describe('Email address, URL or ARN.'),
    minSeverity: z
      .enum(severities)
      .optional()
      .describe('Only messages whose worst severity is at least this. Default: all.'),
    format: z
      .enum(['json', 'chat'])
      .optional()
      .describe(
        'For https: JSON for programs (default), or the chat notification of AWS, for Slack and Teams. ' +
          'SNS sends the same body to all https subscriptions.',
      ),
  })
  .superRefine(({ protocol, endpoint }, context) => {
    const message = whyNoEndpoint(protocol, endpoint);
    if (message !== null) context.addIssue({ code: 'custom', path: ['endpoint'], message });
  });

/** The part of a file that says whom the command line notifies, and about what. */
export const alertsSchema = z.looseObject({
  destinations: destinationsSchema.min(1),
  thresholds: thresholdsSchema.prefault({}),
});

/** Retention times that CloudWatch Logs accepts. */
const logDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

const retentionSchema = z.strictObject({
  reportDays: z.int().min(30).default(1096).describe('Reports, findings, nodes, fleet and alerts.'),
  evidenceDays: z.int().min(1).default(90).describe('The raw evidence of each node.'),
  logDays: z
    .literal(logDays, `CloudWatch keeps logs for one of ${logDays.join(', ')} days.`)
    .default(90)
    .describe('Logs of the functions and the state machine.'),
});

export const imageCacheSchema = z.strictObject({
  credentialsSecret: z
    .string()
    .regex(
      /^arn:aws[\w-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:ecr-pullthroughcache\/[\w/+=.@-]+$/,
      'It is the ARN of a secret whose name begins with ecr-pullthroughcache/, as ECR demands.',
    )
    .describe('Secret with a user name and an access token for Docker Hub, which ECR requires.'),
  prefix: z
    .string()
    .max(30)
    .regex(/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/, 'It is the first part of a repository name, such as docker-hub.')
    .default('docker-hub')
    .describe('First part of the names of the repositories that ECR creates.'),
});

/** What https subscriptions receive; SNS sends the same body to all of them. */
export function httpsFormat({ subscriptions }: Pick<Config, 'subscriptions'>): 'json' | 'chat' {
  return httpsFormats(subscriptions)[0] ?? 'json';
}

/** The formats that https subscriptions ask for. */
function httpsFormats(subscriptions: readonly z.infer<typeof subscriptionSchema>[]): ('json' | 'chat')[] {
  return subscriptions.filter(({ protocol }) => protocol === 'https').map(({ format }) => format ?? 'json');
}

export const configSchema = z
  .strictObject({
    clusters: clustersSchema.default([]),
    discover: discoverSchema.optional(),
    schedule: scheduleSchema.prefault({}),
    monitor: monitorSchema.prefault({}),
    ...settingsSchema.shape,
    retention: retentionSchema.prefault({}),
    subscriptions: z
      .array(subscriptionSchema)
      .default([])
      .refine(
        (all) => new Set(all.map(({ protocol, endpoint }) => `${protocol} ${endpoint}`)).size === all.length,
        'Two subscriptions have the same protocol and endpoint: a topic has one of each.',
      )
      .refine(
        (all) => all.every(({ protocol, format }) => protocol === 'https' || format === undefined),
        'Only https subscriptions have a format.',
      )
      .refine(
        (all) => new Set(httpsFormats(all)).size <= 1,
        'All https subscriptions have the same format: SNS has one body for the protocol.',
      ),
    destinations: destinationsSchema
      .default([])
      .describe('Where the command line sends alerts; the stack on AWS uses subscriptions.'),
    encryptionKey: z
      .string()
      .regex(
        /^arn:aws[\w-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/,
        'It is the ARN of a KMS key, such as ' +
          'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab; an alias is none.',
      )
      .optional()
      .describe(
        "KMS key for the bucket, logs, topic and Athena's results. Its policy must allow what docs/operations.md lists.",
      ),
    imageCache: imageCacheSchema
      .optional()
      .describe("Nodes pull the probe image through a cache in the stack's ECR. Default: from Docker Hub."),
    dashboard: z.boolean().default(true).describe('A dashboard in CloudWatch.'),
    digest: z
      .boolean()
      .default(false)
      .describe('Also send one message per run about all clusters, even if nothing changed.'),
    securityHub: z
      .boolean()
      .default(false)
      .describe(
        "Also send findings to AWS Security Hub in the stack's account and region. It must be enabled there.",
      ),
    events: z
      .boolean()
      .default(false)
      .describe(
        'Each finding that changes and each audited cluster also becomes an event on the default event bus of EventBridge.',
      ),
    exceptions: exceptionsSchema.default([]),
    network: networkSchema
      .optional()
      .describe(
        'Subnets for the functions, to reach private clusters: all clusters without `network`. Default: none.',
      ),
    networks: networksSchema
      .default([])
      .describe(
        'More networks, for clusters that the first cannot reach. Clusters name theirs in `network`.',
      ),
  })
  .superRefine((config, context) => {
    for (const { path, message } of mistakesOfNetworks(config))
      context.addIssue({ code: 'custom', path, message });
  })
  .superRefine(({ clusters, discover }, context) => {
    if (clusters.length > 0 || discover !== undefined) return;
    const message = 'There is nothing to audit: list clusters, or say where to discover them.';
    context.addIssue({ code: 'custom', path: ['clusters'], message });
  });
export type Config = z.infer<typeof configSchema>;

/** What remains of a function's 15 minutes after its own cleanup. */
const BATCH_SECONDS = 15 * 60 - 45;

/**
 * What is wrong with a batch for a function to audit: all of its nodes may take their whole time.
 * @returns null if it fits
 */
export function whyBatchIsTooLong({
  probe,
  concurrency,
}: Pick<Config, 'probe' | 'concurrency'>): string | null {
  const rounds = Math.ceil(concurrency.nodesPerBatch / concurrency.nodes);
  const seconds = rounds * probe.deadlineSeconds;
  if (seconds <= BATCH_SECONDS) return null;
  return (
    `A batch may take ${seconds} seconds (${concurrency.nodesPerBatch} nodes, ${concurrency.nodes} at ` +
    `once, ${probe.deadlineSeconds} each), and its function has ${BATCH_SECONDS}: lower ` +
    'concurrency.nodesPerBatch or probe.deadlineSeconds, or raise concurrency.nodes.'
  );
}
