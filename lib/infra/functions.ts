/** The functions of the states, each with its own role that allows only what it calls. */
import { Duration, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { type IRole, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  Runtime,
  Tracing,
  type Version,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { keys } from '../history/keys.ts';
import { EVENT_SOURCE } from '../model/aws-names.ts';
import type { ClusterConfig } from '../model/clusters.ts';
import type { Config } from '../model/config.ts';
import type { Discover } from '../model/discovery.ts';
import { admit } from './access-entries.ts';
import { acknowledgeWildcards, logicalId, place } from './acknowledge.ts';
import { bundle } from './bundle.ts';
import { denyNetwork, NETWORK_ACTIONS } from './network-rights.ts';
import { acknowledgeUnconstrained } from './rule-packs.ts';
import type { AuditStatesProps } from './state-machine.ts';
import { STATES, type State } from './states.ts';
import { clusterArn, type Storage } from './storage.ts';
import { versionOf } from './version.ts';

export type FunctionsProps = Pick<
  Config,
  'clusters' | 'discover' | 'retention' | 'digest' | 'securityHub' | 'events'
> & {
  /** What https subscriptions get: SNS has one body for all of them. */
  readonly https: 'json' | 'chat';
  readonly storage: Storage;
  readonly version: string;
  readonly vpc: IVpc | undefined;
  readonly vpcSubnets: SubnetSelection | undefined;
  readonly securityGroups: ISecurityGroup[] | undefined;
};

type Shape = { readonly memory: number; readonly minutes: number; readonly clusters: boolean };

const shapes: Readonly<Record<State, Shape>> = {
  // It asks thirty accounts in half a minute; in its own network it might not reach STS.
  'discover-clusters': { memory: 512, minutes: 10, clusters: false },
  'plan-fleet': { memory: 256, minutes: 2, clusters: false },
  // It reads the latest report, which is large after a night when every pod had a finding.
  'plan-cluster': { memory: 2048, minutes: 5, clusters: true },
  // A batch that pulls the image on every node takes minutes.
  'audit-nodes': { memory: 1024, minutes: 15, clusters: true },
  // It usually needs a tenth of it: two such reports at once are the reason, and every account may use as much.
  'conclude-cluster': { memory: 3008, minutes: 10, clusters: false },
  'conclude-fleet': { memory: 512, minutes: 5, clusters: false },
};

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

/** The Lambda functions of a run, one for each state that does something, each with its own rights. */
export class Functions extends Construct {
  readonly of: AuditStatesProps['functions'];
  /** Roles of the functions that connect to clusters. */
  readonly clusterRoles: readonly IRole[];
  /** Roles that accounts with discovered clusters must trust. */
  readonly accountRoles: readonly IRole[];

  constructor(scope: Construct, id: string, props: FunctionsProps) {
    super(scope, id);
    const wanted = STATES.filter((state) => state !== 'discover-clusters' || props.discover !== undefined);
    const made = new Map(wanted.map((state) => [state, make(this, state, props)]));
    this.of = Object.fromEntries(made) as AuditStatesProps['functions'];
    const roleOf = (state: State): IRole => made.get(state)?.role as IRole;
    const speaking = STATES.filter((state) => shapes[state].clusters);
    const roles = speaking.map((state) => [nameOf(state), roleOf(state)] as const);
    this.clusterRoles = roles.map(([, role]) => role);
    this.accountRoles =
      props.discover === undefined ? [] : [roleOf('discover-clusters'), ...this.clusterRoles];
    admit(this, Object.fromEntries(roles), props.clusters);
  }
}

function make(scope: Construct, state: State, props: FunctionsProps): Version {
  const { storage, clusters } = props;
  const shape = shapes[state];
  const name = nameOf(state);
  const tells = state === 'conclude-cluster' || (state === 'conclude-fleet' && props.digest);
  const productArn = state === 'conclude-cluster' && props.securityHub ? securityHubProductArn(scope) : null;
  const putsEvents = state === 'conclude-cluster' && props.events;
  const inVpc = shape.clusters && props.vpc !== undefined;
  const logGroup = new LogGroup(scope, `${name}Logs`, {
    ...(storage.encryptionKey === undefined ? {} : { encryptionKey: storage.encryptionKey }),
    retention: props.retention.logDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const folder = bundle(state, { securityHub: productArn !== null });
  const role = new Role(scope, `${name}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  const lambda = new LambdaFunction(scope, name, {
    description: `netns-auditor: ${state}`,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    handler: 'index.handler',
    code: Code.fromAsset(folder),
    role,
    logGroup,
    memorySize: shape.memory,
    timeout: Duration.minutes(shape.minutes),
    tracing: Tracing.ACTIVE,
    environment: {
      STORE: `s3://${storage.bucket.bucketName}`,
      AUDITOR_VERSION: props.version,
      ...(tells ? { TOPIC_ARN: storage.topic.topicArn } : {}),
      ...(productArn === null ? {} : { PRODUCT_ARN: productArn }),
      ...(putsEvents ? { EVENTS: 'on' } : {}),
      ...(tells && props.https === 'chat' ? { HTTPS_FORMAT: props.https } : {}),
    },
    ...(inVpc && props.vpc !== undefined
      ? {
          vpc: props.vpc,
          ...(props.vpcSubnets === undefined ? {} : { vpcSubnets: props.vpcSubnets }),
          ...(props.securityGroups === undefined ? {} : { securityGroups: props.securityGroups }),
        }
      : {}),
  });
  const ownKeys = keysFor(state, props.discover !== undefined);
  allowStore(role, ownKeys, storage);
  if (tells) storage.topic.grantPublish(role);
  if (productArn !== null)
    role.addToPolicy(
      new PolicyStatement({ actions: ['securityhub:BatchImportFindings'], resources: [productArn] }),
    );
  if (putsEvents) allowEvents(scope, role);
  if (shape.clusters) allowClusters(scope, role, clusters);
  if (props.discover !== undefined && (shape.clusters || state === 'discover-clusters'))
    allowAccounts(scope, role, { discover: props.discover, lists: state === 'discover-clusters' });
  if (inVpc) {
    role.addToPolicy(new PolicyStatement({ actions: [...NETWORK_ACTIONS], resources: ['*'] }));
    denyNetwork(scope, `${name}NetworkDeny`, role, lambda);
    acknowledgeUnconstrained(
      role,
      'Lambda places the function into subnets with it; its code is denied it by a policy of its own.',
    );
  }
  acknowledge(role, ownKeys, storage);
  return versionOf(lambda, folder);
}

/** Only to the default bus, and under no other name. */
function allowEvents(scope: Construct, role: Role): void {
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
function securityHubProductArn(scope: Construct): string {
  const { account } = Stack.of(scope);
  return Stack.of(scope).formatArn({
    service: 'securityhub',
    resource: 'product',
    resourceName: `${account}/default`,
  });
}

function nameOf(state: State): string {
  return state.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** What is known of discovered clusters outlives a run. */
function keysFor(state: State, isFound: boolean): (typeof keysOf)[State] {
  const { read, write } = keysOf[state];
  const known = isFound ? [keys.register()] : [];
  return {
    read: ['plan-fleet', 'conclude-fleet'].includes(state) ? [...read, ...known] : read,
    write: state === 'conclude-fleet' ? [...write, ...known] : write,
  };
}

function allowStore(
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

function allowClusters(scope: Construct, role: Role, clusters: readonly ClusterConfig[]): void {
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
function allowAccounts(
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

function acknowledge(role: Role, { read, write }: (typeof keysOf)[State], { bucket }: Storage): void {
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
