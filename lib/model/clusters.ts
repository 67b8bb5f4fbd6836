/** The clusters of a fleet, as a configuration lists them. */
import * as z from 'zod';
import { partsOfArn } from './arn.ts';
import {
  eksNameSchema,
  notTheArn,
  partitionOf,
  regionSchema,
  roleArnSchema,
  secretArnSchema,
} from './aws-names.ts';

const clusterName = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[\w.:/@-]+$/, 'Letters, digits and . _ : / @ - are possible.')
  .describe('Its name in reports, emails and tables. A different name starts a new history.');

const network = z
  .string()
  .optional()
  .describe('Name in `networks`: where the functions on AWS reach it from. Default: from `network`.');

const eksClusterSchema = z
  .strictObject({
    name: clusterName,
    eks: z
      .strictObject(
        {
          name: eksNameSchema.describe('Name of the EKS cluster.'),
          region: regionSchema,
          roleArn: roleArnSchema.optional().describe('Role to assume, for a cluster in another account.'),
          externalId: z.string().min(2).optional().describe('External id that the role requires.'),
          accessEntry: z
            .boolean()
            .default(true)
            .describe('Create access entries, if the cluster is in the account and region of the stack.'),
        },
        {
          error: ({ input }) =>
            typeof input === 'string'
              ? (notTheArn(input) ??
                'Write the name and region of the EKS cluster: eks: { name: prod, region: eu-west-1 }.')
              : undefined,
        },
      )
      .superRefine(({ region, roleArn, externalId }, context) => {
        const wrong = (name: string, message: string): void =>
          context.addIssue({ code: 'custom', path: [name], message });
        if (externalId !== undefined && roleArn === undefined)
          wrong('externalId', 'An external id is asked for by a role: there is no roleArn.');
        const partition = partitionOf(region);
        // What is no ARN at all is said once, by its own rule.
        const isArn = roleArn !== undefined && roleArnSchema.safeParse(roleArn).success;
        if (isArn && partsOfArn(roleArn).partition !== partition)
          wrong('roleArn', `The role is of another partition than ${region}, which is of ${partition}.`);
      }),
    network,
  })
  .describe('An EKS cluster, reached with the role of the functions through an access entry.');

const secretClusterSchema = z
  .strictObject({
    name: clusterName,
    kubeconfigSecret: secretArnSchema.describe(
      'Secrets Manager secret whose text is a kubeconfig without exec plugins.',
    ),
    context: z.string().optional().describe('Context of that kubeconfig. Default: its current one.'),
    network,
  })
  .describe('Any other cluster, through a kubeconfig in a secret.');

const kubeconfigClusterSchema = z
  .strictObject({
    name: clusterName,
    kubeconfig: z.strictObject({
      context: z.string().min(1).describe('Context of the kubeconfig.'),
      file: z.string().min(1).optional().describe('Kubeconfig. Default: $KUBECONFIG, else ~/.kube/config.'),
    }),
  })
  .describe(
    'Any cluster, through your own kubeconfig: for the command line only; the stack on AWS rejects it.',
  );

export const clusterSchema = z.union([eksClusterSchema, secretClusterSchema, kubeconfigClusterSchema]);
export type ClusterConfig = z.infer<typeof clusterSchema>;
/** As written in a file: without defaults. */
export type ClusterInput = z.input<typeof clusterSchema>;

/** A cluster of a program, with the defaults that a file's gets. */
export function completeCluster(cluster: ClusterInput): ClusterConfig {
  if (!('eks' in cluster)) return cluster;
  const { accessEntry = true, ...eks } = cluster.eks;
  return { ...cluster, eks: { ...eks, accessEntry } };
}

/** Whatever the role in it: two would be two names of one cluster. Empty: the account of the stack, unknown here. */
function accountOf(roleArn: string | undefined): string {
  if (roleArn === undefined) return '';
  // What is no ARN at all is said by its own rule.
  return partsOfArn(roleArn).account || roleArn;
}

export const clustersSchema = z.array(clusterSchema).superRefine((clusters, context) => {
  const wrong = (index: number, name: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [index, name], message });
  const names = new Set<string>();
  const targets = new Map<string, string>();
  const partitions = new Map<string, string>();
  for (const [index, cluster] of clusters.entries()) {
    const { name } = cluster;
    if (names.has(name)) wrong(index, 'name', `Another cluster has the same name, ${name}.`);
    names.add(name);
    if ('kubeconfig' in cluster) {
      const { context: of, file } = cluster.kubeconfig;
      const target = ['kubeconfig', of, file].join(' ');
      const same = targets.get(target);
      if (same !== undefined)
        wrong(index, 'kubeconfig', `${same} has the same context: the cluster would be audited twice.`);
      targets.set(target, name);
      continue;
    }
    const [kind, target, partition] =
      'eks' in cluster
        ? ([
            'eks',
            [cluster.eks.name, cluster.eks.region, accountOf(cluster.eks.roleArn)].join(' '),
            partitionOf(cluster.eks.region),
          ] as const)
        : ([
            'kubeconfigSecret',
            [cluster.kubeconfigSecret, cluster.context].join(' '),
            partsOfArn(cluster.kubeconfigSecret).partition,
          ] as const);
    const same = targets.get(target);
    if (same !== undefined)
      wrong(
        index,
        kind,
        kind === 'eks'
          ? `${same} is the same EKS cluster: it would be audited twice, and has one access entry for each role.`
          : `${same} has the same secret and context: the cluster would be audited twice.`,
      );
    targets.set(target, name);
    const [other] = [...partitions].find(([each]) => each !== partition) ?? [];
    if (other !== undefined)
      wrong(
        index,
        kind,
        `It is of the partition ${partition}, and ${partitions.get(other)} of ${other}: no role reaches ` +
          'from one into the other. Make a stack in each.',
      );
    partitions.set(partition, partitions.get(partition) ?? name);
  }
});
