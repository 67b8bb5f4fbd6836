/** VPCs that the functions on AWS are placed into, to reach clusters with private endpoints. */
import * as z from 'zod';
import type { ClusterConfig } from './clusters.ts';
import type { Discover } from './discovery.ts';
import { matchesPattern } from './pattern.ts';

const fields = {
  vpcId: z.string().regex(/^vpc-[0-9a-f]{8,17}$/, 'It is the id of a VPC, such as vpc-0123456789abcdef0.'),
  availabilityZones: z.array(z.string()).min(1).describe('One for each subnet, in the same order.'),
  subnetIds: z
    .array(
      z
        .string()
        .regex(/^subnet-[0-9a-f]{8,17}$/, 'It is the id of a subnet, such as subnet-0123456789abcdef0.'),
    )
    .min(1)
    .describe('Private subnets that can reach the clusters and S3, EKS, STS and Secrets Manager.'),
  securityGroupIds: z
    .array(
      z
        .string()
        .regex(/^sg-[0-9a-f]{8,17}$/, 'It is the id of a security group, such as sg-0123456789abcdef0.'),
    )
    .default([])
    .describe('Default: the stack creates some that only allow outgoing traffic.'),
};

type Zoned = { readonly subnetIds: readonly string[]; readonly availabilityZones: readonly string[] };

function zonesMatch({ subnetIds, availabilityZones }: Zoned, context: z.RefinementCtx): void {
  if (subnetIds.length % availabilityZones.length === 0) return;
  context.addIssue({
    code: 'custom',
    path: ['subnetIds'],
    message:
      `There are ${subnetIds.length} subnets for ${availabilityZones.length} availability zones: name ` +
      'the zone of each subnet, in the same order.',
  });
}

export const networkSchema = z.strictObject(fields).superRefine(zonesMatch);
export type NetworkConfig = z.infer<typeof networkSchema>;

/** The parts of an entry that a program gives as well; its VPC is an object there. */
export const networkNameSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,31}$/, 'It is a letter, then at most 31 letters, digits and -.')
    .describe('What `network` of a cluster names.'),
  discovered: z
    .array(
      z
        .string()
        .max(160)
        .regex(
          /^(?:\*|(?:\d{12}|\d{0,11}\*)\/(?:\*|[a-z0-9*-]+\/[\w*-]+))$/,
          'It is ACCOUNT/REGION/CLUSTER, in which * stands for any characters: 111122223333/eu-west-1/prod-*, or 111122223333/*.',
        ),
    )
    .max(50)
    .default([])
    .describe(
      'Discovered clusters to reach from this network: ACCOUNT/REGION/CLUSTER; `*` stands for any characters. ' +
        'The first network that matches is used.',
    ),
});
export type NetworkName = z.infer<typeof networkNameSchema>;

/** Each is two functions, which one state machine invokes. */
export const MOST_NETWORKS = 20;

export const networksSchema = z
  .array(z.strictObject({ ...networkNameSchema.shape, ...fields }).superRefine(zonesMatch))
  .max(MOST_NETWORKS);

/** Where clusters and networks do not fit together, by the place in the configuration. */
export function mistakesOfNetworks({
  clusters,
  discover,
  networks,
}: {
  readonly clusters: readonly ClusterConfig[];
  readonly discover?: Discover | undefined;
  readonly networks: readonly NetworkName[];
}): { readonly path: (string | number)[]; readonly message: string }[] {
  const names = networks.map(({ name }) => name);
  return [
    ...networks.flatMap(({ name, discovered }, index) => [
      ...(names.indexOf(name) === index
        ? []
        : [{ path: ['networks', index, 'name'], message: `Another network has the same name, ${name}.` }]),
      ...(discover === undefined && discovered.length > 0
        ? [
            {
              path: ['networks', index, 'discovered'],
              message:
                'No clusters are discovered, as there is no discover: write network in each entry of clusters instead.',
            },
          ]
        : []),
      ...discovered.flatMap((pattern, at) => {
        const [, account = ''] = /^(\d{12})\//.exec(pattern) ?? [];
        if (account === '' || mayBeIn(account, discover)) return [];
        const message = `No cluster of account ${account} is discovered: discover.accounts does not have it.`;
        return [{ path: ['networks', index, 'discovered', at], message }];
      }),
    ]),
    ...clusters.flatMap((cluster, index) => {
      const named = networkOf(cluster);
      if (named === null || names.includes(named)) return [];
      const known =
        names.length === 0
          ? 'there is no list networks: add one, with the name, VPC and subnets of each'
          : `networks has ${names.join(', ')}`;
      return [{ path: ['clusters', index, 'network'], message: `There is no network ${named}; ${known}.` }];
    }),
  ];
}

/** Whether clusters of the account may be discovered; which accounts a unit has is not known here. */
function mayBeIn(account: string, discover: Discover | undefined): boolean {
  if (discover === undefined || discover.accounts === 'organization') return true;
  return discover.accounts.some((each) => each === account || !/^\d/.test(each));
}

/** Networks that no cluster can be in. */
export function unusedNetworks(
  networks: readonly NetworkName[],
  clusters: readonly ClusterConfig[],
): string[] {
  const used = new Set(clusters.map(networkOf));
  return networks.flatMap(({ name, discovered }) => (discovered.length > 0 || used.has(name) ? [] : [name]));
}

function networkOf(cluster: ClusterConfig): string | null {
  return 'network' in cluster ? (cluster.network ?? null) : null;
}

/** A discovered cluster, in the first network that is for it; whatever network it was in before. */
export function placedIn(networks: readonly NetworkName[], cluster: ClusterConfig): ClusterConfig {
  if (!('eks' in cluster)) return cluster;
  const { network: _, ...rest } = cluster;
  const found = networks.find(({ discovered }) =>
    discovered.some((pattern) => matchesPattern(pattern, cluster.name)),
  );
  return found === undefined ? rest : { ...rest, network: found.name };
}
