/** What the role of each function may do: no more than its code calls. */
import { Stack, Token } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { keys } from '../history/keys.ts';
import { EVENT_SOURCE } from '../model/aws-names.ts';
import type { ClusterConfig } from '../model/clusters.ts';
import type { Discover } from '../model/discovery.ts';
import { acknowledgeWildcards, logicalId, place } from './acknowledge.ts';
import type { State } from './states.ts';
import { clusterArn, type Storage } from './storage.ts';

/** Keys that a state reads and writes. */
const keysOf: Readonly<
  Record<State, { readonly read: readonly string[]; readonly write: readonly string[] }>
> = {
  'discover-clusters': { read: [], write: ['work/*'] },
  'plan-fleet': { read: ['work/*'], write: ['work/*'] },
  'plan-cluster': { read: ['work/*', 'latest/*', 'reports/*'], write: ['work/*'] },
  'audit-nodes': { read: ['work/*'], write: ['work/*', 'evidence/*'] },
  'conclude-cluster': {
    // Its page draws the nodes of the last month.
    read: ['work/*', 'latest/*', 'reports/*', 'nodes/*', 'alerts/*'],
    write: ['reports/*', 'findings/*', 'nodes/*', 'latest/*', 'alerts/*', 'work/*'],
  },
  // Its own report says whether the digest was sent.
  'conclude-fleet': { read: ['fleet/*', 'work/*'], write: ['fleet/*'] },
};

/** Only to the default bus, and under no other name. */
export function allowEvents(scope: Construct, role: Role): void {
  role.addToPolicy(
    new PolicyStatement({
      actions: ['events:PutEvents'],
      resources: [
        Stack.of(scope).formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' }),
      ],
      conditions: { StringEquals: { 'events:source': EVENT_SOURCE } },
    }),
  );
}

/** The product that an account's own findings belong to. */
export function securityHubProductArn(scope: Construct): string {
  const { account } = Stack.of(scope);
  return Stack.of(scope).formatArn({
    service: 'securityhub',
    resource: 'product',
    resourceName: `${account}/default`,
  });
}

/** What is known of discovered clusters outlives a run. */
export function keysFor(state: State, isFound: boolean): (typeof keysOf)[State] {
  const { read, write } = keysOf[state];
  const known = isFound ? [keys.register()] : [];
  return {
    read: ['plan-fleet', 'conclude-fleet'].includes(state) ? [...read, ...known] : read,
    write: state === 'conclude-fleet' ? [...write, ...known] : write,
  };
}

export function allowStore(
  role: Role,
  { read, write }: (typeof keysOf)[State],
  { bucket, encryptionKey }: Storage,
): void {
  const arns = (objects: readonly string[]): string[] => objects.map((key) => bucket.arnForObjects(key));
  if (read.length > 0)
    role.addToPolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: arns(read) }));
  role.addToPolicy(new PolicyStatement({ actions: ['s3:PutObject'], resources: arns(write) }));
  encryptionKey?.grant(role, 'kms:GenerateDataKey', ...(read.length > 0 ? ['kms:Decrypt'] : []));
  // Without it S3 answers 403 instead of 404 for a missing key.
  role.addToPolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
}

export function allowClusters(scope: Construct, role: Role, clusters: readonly ClusterConfig[]): void {
  for (const cluster of clusters) {
    if ('kubeconfigSecret' in cluster) {
      role.addToPolicy(
        new PolicyStatement({
          actions: ['secretsmanager:GetSecretValue'],
          resources: [wholeArn(cluster.kubeconfigSecret)],
        }),
      );
      continue;
    }
    if (!('eks' in cluster)) continue;
    const { eks } = cluster;
    role.addToPolicy(
      eks.roleArn === undefined
        ? new PolicyStatement({
            actions: ['eks:DescribeCluster'],
            resources: [clusterArn(scope, eks.name, eks.region)],
          })
        : new PolicyStatement({ actions: ['sts:AssumeRole'], resources: [eks.roleArn] }),
    );
  }
}

/** ARNs of so many roles take 3 of the 10 kB that the policies of a role may have. */
const MOST_NAMED = 50;

/** One statement, however many accounts and clusters there are. */
export function allowAccounts(
  scope: Construct,
  role: Role,
  { discover, lists }: { readonly discover: Discover; readonly lists: boolean },
): void {
  const { accounts } = discover;
  const asks = accounts === 'organization' || accounts.some((each) => !/^\d/.test(each));
  const arnIn = (account: string): string =>
    `arn:${Stack.of(scope).partition}:iam::${account}:role/${discover.role}`;
  const named = accounts !== 'organization' && !asks && accounts.length <= MOST_NAMED;
  role.addToPolicy(
    new PolicyStatement({
      actions: ['sts:AssumeRole'],
      resources: named ? accounts.map(arnIn) : [arnIn('*')],
    }),
  );
  if (lists && asks)
    role.addToPolicy(
      new PolicyStatement({
        actions: [
          'organizations:ListAccounts',
          'organizations:ListAccountsForParent',
          'organizations:ListOrganizationalUnitsForParent',
        ],
        resources: ['*'],
      }),
    );
  if (!named)
    acknowledgeWildcards(role, {
      [`Resource::arn:${place(scope).partition}:iam::*:role/${discover.role}`]:
        'Roles of this one name, in accounts that are not known before or too many for a policy.',
    });
}

/** For a secret looked up by name, CDK knows the ARN without the six characters that AWS appends. */
function wholeArn(secret: string): string {
  return Token.isUnresolved(secret) || /-[A-Za-z0-9]{6}$/.test(secret) ? secret : `${secret}-??????`;
}

export function acknowledgeRights(
  role: Role,
  { read, write }: (typeof keysOf)[State],
  { bucket }: Storage,
): void {
  acknowledgeWildcards(role, {
    'Resource::*': 'X-Ray and the network interfaces of functions know no resources.',
    'Action::kms:GenerateDataKey*': 'Of its own key: what publishing to an encrypted topic takes.',
    ...Object.fromEntries(
      [...new Set([...read, ...write])].map((objects) => [
        `Resource::<${logicalId(bucket)}.Arn>/${objects}`,
        'Objects below a fixed prefix of its own bucket.',
      ]),
    ),
  });
}
