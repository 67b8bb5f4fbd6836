/** The functions of the states, each with its own role that allows only what it calls. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
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
import type { Config } from '../model/config.ts';
import type { NetworkName } from '../model/vpc-networks.ts';
import { admit } from './access-entries.ts';
import { bundle } from './bundle.ts';
import {
  acknowledgeRights,
  allowAccounts,
  allowClusters,
  allowEvents,
  allowStore,
  keysFor,
  securityHubProductArn,
} from './function-rights.ts';
import { allowNetwork } from './network-rights.ts';
import { type Placement, placementOf } from './placements.ts';
import { acknowledgeUnconstrained } from './rule-packs.ts';
import type { AuditStatesProps } from './state-machine.ts';
import { STATES, type State } from './states.ts';
import type { Storage } from './storage.ts';
import { versionOf } from './version.ts';

export type FunctionsProps = Pick<
  Config,
  'clusters' | 'discover' | 'retention' | 'digest' | 'securityHub' | 'events'
> & {
  /** What https subscriptions get: SNS has one body for all of them. */
  readonly https: 'json' | 'chat';
  readonly storage: Storage;
  readonly version: string;
  /** For clusters that name no network. */
  readonly network: Placement | undefined;
  readonly networks: readonly (Placement & NetworkName)[];
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

/** The Lambda functions of a run, one for each state that does something, each with its own rights. */
export class Functions extends Construct {
  readonly of: AuditStatesProps['functions'];
  /** Those that connect to clusters, once more in each network: with the same roles, which clusters know. */
  readonly inNetworks: AuditStatesProps['networks'];
  /** Roles of the functions that connect to clusters. */
  readonly clusterRoles: readonly IRole[];
  /** Roles that accounts with discovered clusters must trust. */
  readonly accountRoles: readonly IRole[];

  constructor(scope: Construct, id: string, props: FunctionsProps) {
    super(scope, id);
    const wanted = STATES.filter((state) => state !== 'discover-clusters' || props.discover !== undefined);
    const made = new Map(wanted.map((state) => [state, make(this, state, props)]));
    const of = Object.fromEntries([...made].map(([state, { version }]) => [state, version]));
    this.of = of as AuditStatesProps['functions'];
    const inNetwork = (state: State, name: string): Version =>
      made.get(state)?.inNetwork.get(name) as Version;
    this.inNetworks = props.networks.map(({ name, discovered }) => ({
      name,
      discovered,
      'plan-cluster': inNetwork('plan-cluster', name),
      'audit-nodes': inNetwork('audit-nodes', name),
    }));
    const roleOf = (state: State): IRole => made.get(state)?.role as IRole;
    const speaking = STATES.filter((state) => shapes[state].clusters);
    const roles = speaking.map((state) => [nameOf(state), roleOf(state)] as const);
    this.clusterRoles = roles.map(([, role]) => role);
    this.accountRoles =
      props.discover === undefined ? [] : [roleOf('discover-clusters'), ...this.clusterRoles];
    admit(this, Object.fromEntries(roles), props.clusters);
  }
}

type Made = {
  readonly role: Role;
  readonly version: Version;
  /** By the name of the network. */
  readonly inNetwork: ReadonlyMap<string, Version>;
};

function make(scope: Construct, state: State, props: FunctionsProps): Made {
  const { storage } = props;
  const shape = shapes[state];
  const name = nameOf(state);
  const tells = state === 'conclude-cluster' || (state === 'conclude-fleet' && props.digest);
  const productArn = state === 'conclude-cluster' && props.securityHub ? securityHubProductArn(scope) : null;
  const putsEvents = state === 'conclude-cluster' && props.events;
  const logGroup = new LogGroup(scope, `${name}Logs`, {
    ...(storage.encryptionKey === undefined ? {} : { encryptionKey: storage.encryptionKey }),
    retention: props.retention.logDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const folder = bundle(state, { securityHub: productArn !== null });
  const role = new Role(scope, `${name}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  const makeIn = (id: string, where: string, placement: Placement | undefined): LambdaFunction =>
    new LambdaFunction(scope, id, {
      description: `netns-auditor: ${state}${where}`,
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
      ...(placement === undefined ? {} : placementOf(placement)),
    });
  const network = shape.clusters ? props.network : undefined;
  const lambda = makeIn(name, '', network);
  const elsewhere = (shape.clusters ? props.networks : []).map(
    (each) => [each.name, makeIn(`${name}-${each.name}`, `, network ${each.name}`, each)] as const,
  );
  const ownKeys = keysFor(state, props.discover !== undefined);
  allowStore(role, ownKeys, storage);
  if (tells) storage.topic.grantPublish(role);
  if (productArn !== null)
    role.addToPolicy(
      new PolicyStatement({ actions: ['securityhub:BatchImportFindings'], resources: [productArn] }),
    );
  if (putsEvents) allowEvents(scope, role);
  if (shape.clusters) allowClusters(scope, role, props.clusters);
  if (props.discover !== undefined && (shape.clusters || state === 'discover-clusters'))
    allowAccounts(scope, role, { discover: props.discover, lists: state === 'discover-clusters' });
  if (network !== undefined || elsewhere.length > 0) {
    allowNetwork(role);
    acknowledgeUnconstrained(role, 'Lambda places the function into subnets with it; its code is denied it.');
  }
  acknowledgeRights(role, ownKeys, storage);
  return {
    role,
    version: versionOf(lambda, folder),
    inNetwork: new Map(elsewhere.map(([of, each]) => [of, versionOf(each, folder)])),
  };
}

function nameOf(state: State): string {
  return state.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
