/** netns-audit.yaml: the clusters of a fleet, when and how they are audited, and whom to tell. */
import * as z from 'zod';
import { destinationsSchema } from './destination.ts';
import { exceptionsSchema } from './exception.ts';
import { severities } from './finding.ts';

const arn = z.string().regex(/^arn:aws[a-z-]*:/, 'It is an ARN.');

const clusterName = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[\w.:/@-]+$/, 'Letters, digits and . _ : / @ - are possible.')
  .describe('Its name in reports, mails and tables. Another name starts a new history.');

const eksClusterSchema = z
  .strictObject({
    name: clusterName,
    eks: z.strictObject({
      name: z.string().min(1).describe('Name of the EKS cluster.'),
      region: z.string().min(1),
      roleArn: arn.optional().describe('Role to take on, for a cluster of another account.'),
      externalId: z.string().min(2).optional().describe('External id that the role asks for.'),
      accessEntry: z
        .boolean()
        .default(true)
        .describe('Make access entries, where the cluster is of the account and region of the stack.'),
    }),
  })
  .describe('An EKS cluster: reached as the role of the functions, through an access entry.');

const secretClusterSchema = z
  .strictObject({
    name: clusterName,
    kubeconfigSecret: arn.describe('Secrets Manager secret whose text is a kubeconfig without exec plugins.'),
    context: z.string().optional().describe('Context of that kubeconfig. Default: its current one.'),
  })
  .describe('Any other cluster.');

export const clusterSchema = z.union([eksClusterSchema, secretClusterSchema]);
export type ClusterConfig = z.infer<typeof clusterSchema>;

const probeSchema = z.strictObject({
  image: z.string().min(1).default('docker.io/nicolaka/netshoot:v0.16').describe('Image of the probe pods.'),
  pullSecret: z.string().optional().describe('Image pull secret in the namespace of the probe pods.'),
  namespace: z.string().min(1).default('netns-audit').describe('Namespace of the probe pods. It must exist.'),
  privileged: z.boolean().default(false).describe('Only where the least rights are refused.'),
  deadlineSeconds: z.int().min(20).max(600).default(120).describe('Time for one node.'),
  active: z
    .array(z.enum(['ping', 'dns', 'cni']))
    .default([])
    .describe('Probes that send packets or start a pod.'),
});

/** Numbers of `nodes[]` of a report that a threshold may go by. */
export const nodeMetrics = ['pods', 'namespaces', 'orphans', 'limit', 'probeMs'] as const;

const metricThresholdSchema = z
  .strictObject({
    metric: z.enum(nodeMetrics),
    per: z.enum(['node', 'cluster']).describe('Of each node, or the sum over the nodes of a cluster.'),
    above: z.number().min(0),
  })
  .refine(
    ({ metric, per }) => per === 'node' || !['limit', 'probeMs'].includes(metric),
    'limit and probeMs have no sum: use per: node.',
  );

export const thresholdsSchema = z.strictObject({
  minSeverity: z.enum(severities).default('high').describe('New findings at or above it are told.'),
  orphansPerNode: z.int().min(0).default(10).describe('More orphaned namespaces on a node are told.'),
  namespaceShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe('A node with a larger share of user.max_net_namespaces is told.'),
  coverage: z
    .number()
    .min(0)
    .max(1)
    .default(0.95)
    .describe('A smaller share of nodes that were audited is told (skipped nodes do not count).'),
  metrics: z
    .array(metricThresholdSchema)
    .max(20)
    .default([])
    .describe('More thresholds, on any number of the nodes.'),
  reminderDays: z.int().min(1).default(7).describe('What stays open is told again after so many days.'),
});
export type Thresholds = z.infer<typeof thresholdsSchema>;

const concurrencySchema = z.strictObject({
  clusters: z.int().min(1).max(40).default(5).describe('Clusters at once.'),
  batches: z.int().min(1).max(100).default(20).describe('Batches of nodes at once, of each cluster.'),
  nodesPerBatch: z.int().min(1).max(40).default(20).describe('Nodes of one batch.'),
  nodes: z.int().min(1).max(40).default(10).describe('Nodes of a batch that are probed at once.'),
});

/** What travels with each cluster through the states. */
export const settingsSchema = z.strictObject({
  probe: probeSchema.prefault({}),
  thresholds: thresholdsSchema.prefault({}),
  concurrency: concurrencySchema.prefault({}),
});

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

export const scheduleSchema = z.strictObject({
  expression: z
    .string()
    .regex(
      /^(cron\(\S+( \S+){5}\)|rate\([1-9]\d* (minute|hour|day)s?\))$/,
      'It is cron(MINUTE HOUR DAY MONTH WEEKDAY YEAR), six fields with ? for one of the days, or rate(12 hours).',
    )
    .default('cron(0 2 * * ? *)'),
  timeZone: z
    .string()
    .default('UTC')
    .refine(isTimeZone, 'No such time zone: it is an IANA name, such as Europe/Berlin.')
    .describe('IANA name, such as Europe/Berlin.'),
  flexibleMinutes: z.int().min(0).max(240).default(15).describe('It starts within so many minutes.'),
  maximumAgeHours: z
    .int()
    .min(1)
    .max(24)
    .default(4)
    .describe('A start that cannot be delivered in this time goes to the dead-letter queue.'),
  expectedWithinHours: z
    .int()
    .min(2)
    .max(168)
    .default(26)
    .describe('An alarm is raised when a cluster was not audited for so long.'),
  enabled: z.boolean().default(true),
});

export const monitorSchema = z
  .strictObject({
    enabled: z.boolean().default(false),
    expression: scheduleSchema.shape.expression.unwrap().default('cron(30 * * * ? *)'),
  })
  .describe('A second, cheaper schedule in the same time zone: kernels and counts of namespaces only.');

export const subscriptionSchema = z.strictObject({
  protocol: z.enum(['email', 'https', 'sqs', 'lambda']),
  endpoint: z.string().min(1).describe('Mail address, URL or ARN.'),
  minSeverity: z
    .enum(severities)
    .optional()
    .describe('Only messages whose worst news is at or above it. Default: all.'),
  format: z
    .enum(['json', 'chat'])
    .optional()
    .describe(
      'Of https: the JSON for programs (default), or the chat notification of AWS, for Slack and Teams. SNS has one body for all https subscriptions.',
    ),
});

/** Of a file, what says whom the command line tells, and of what. */
export const alertsSchema = z.looseObject({
  destinations: destinationsSchema.min(1),
  thresholds: thresholdsSchema.prefault({}),
});

/** What CloudWatch Logs takes. */
const logDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

export const retentionSchema = z.strictObject({
  reportDays: z.int().min(30).default(1096).describe('Reports, findings, nodes, fleet and alerts.'),
  evidenceDays: z.int().min(1).default(90).describe('The raw evidence of each node.'),
  logDays: z
    .literal(logDays, `CloudWatch keeps logs for one of ${logDays.join(', ')} days.`)
    .default(90)
    .describe('Logs of the functions and the state machine.'),
});

export const networkSchema = z.strictObject({
  vpcId: z.string(),
  availabilityZones: z.array(z.string()).min(1),
  subnetIds: z
    .array(z.string())
    .min(1)
    .describe('Private subnets with a way to the clusters and to S3, EKS, STS and Secrets Manager.'),
  securityGroupIds: z.array(z.string()).default([]).describe('Default: one is made that only lets out.'),
});

/** What https subscriptions get; SNS has one body for all of them. */
export function httpsFormat({ subscriptions }: Pick<Config, 'subscriptions'>): 'json' | 'chat' {
  return httpsFormats(subscriptions)[0] ?? 'json';
}

/** The formats that https subscriptions ask for. */
function httpsFormats(subscriptions: readonly z.infer<typeof subscriptionSchema>[]): ('json' | 'chat')[] {
  return subscriptions.filter(({ protocol }) => protocol === 'https').map(({ format }) => format ?? 'json');
}

export const clustersSchema = z
  .array(clusterSchema)
  .min(1)
  .superRefine((clusters, context) => {
    const names = new Set<string>();
    const targets = new Map<string, string>();
    for (const [index, cluster] of clusters.entries()) {
      const { name } = cluster;
      if (names.has(name))
        context.addIssue({
          code: 'custom',
          path: [index, 'name'],
          message: `Another cluster has the same name, ${name}.`,
        });
      names.add(name);
      if (!('eks' in cluster)) continue;
      const { region, roleArn } = cluster.eks;
      const target = [cluster.eks.name, region, roleArn].join(' ');
      const same = targets.get(target);
      if (same !== undefined)
        context.addIssue({
          code: 'custom',
          path: [index, 'eks'],
          message: `${same} is the same EKS cluster: it would be audited twice, and has one access entry for each role.`,
        });
      targets.set(target, name);
    }
  });

export const configSchema = z.strictObject({
  clusters: clustersSchema,
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
    .describe('Whom the command line tells; the stack on AWS tells its subscriptions.'),
  dashboard: z.boolean().default(true).describe('A dashboard in CloudWatch.'),
  digest: z.boolean().default(false).describe('Also one message a run about all clusters, whatever changed.'),
  securityHub: z
    .boolean()
    .default(false)
    .describe(
      'Findings also go to AWS Security Hub of the account and region of the stack, where it is enabled.',
    ),
  exceptions: exceptionsSchema.default([]),
  network: networkSchema
    .optional()
    .describe('Subnets of the functions, for private clusters. Default: none.'),
});
export type Config = z.infer<typeof configSchema>;
