/** The states of a run: every cluster gets a conclusion, whatever happens to its plan and batches. */
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction, Version } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket, IBucket } from 'aws-cdk-lib/aws-s3';
import {
  type Chain,
  Choice,
  Condition,
  DefinitionBody,
  DistributedMap,
  Errors,
  Fail,
  type IChainable,
  JitterType,
  JsonPath,
  LogLevel,
  Pass,
  type RetryProps,
  S3JsonItemReader,
  StateMachine,
  StateMachineType,
  Succeed,
  TaskInput,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke, type LambdaInvokeProps } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import type { Config } from '../model/config.ts';
import type { NetworkName } from '../model/vpc-networks.ts';
import { acknowledgeWildcards, logicalId, place } from './acknowledge.ts';
import type { State } from './states.ts';

/** States that connect to clusters. */
type InNetwork = 'plan-cluster' | 'audit-nodes';

export type AuditStatesProps = Pick<
  Config,
  'clusters' | 'discover' | 'probe' | 'thresholds' | 'concurrency' | 'retention' | 'exceptions' | 'digest'
> & {
  readonly functions: Readonly<Record<Exclude<State, 'discover-clusters'>, Version>> & {
    readonly 'discover-clusters'?: Version;
  };
  /** The functions for clusters that name a network. */
  readonly networks: readonly (NetworkName & Readonly<Record<InNetwork, Version>>)[];
  readonly bucket: Bucket;
  /** Of bucket and logs. */
  readonly encryptionKey: IKey | undefined;
};

/** Errors that a retry may solve: our own, and those of Lambda for functions that were killed or not started. */
const RETRYABLE = [
  'Retryable',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
  'Lambda.ClientExecutionTimeoutException',
  // The first call wakes a function in a VPC that was idle for weeks.
  'Lambda.ResourceNotReadyException',
  'Lambda.ENILimitReachedException',
  'Lambda.EC2ThrottledException',
  'Lambda.EC2UnexpectedException',
  'Lambda.SubnetIPAddressLimitReachedException',
  'Lambda.Unknown',
  'Sandbox.Timedout',
  'Runtime.ExitError',
];

/** The network that a cluster names, in a task and in a batch. */
const NETWORK = '$.task.cluster.network';

/** The states of a run, in order. */
export class AuditStates extends Construct {
  readonly machine: StateMachine;

  /** Long, as it is one list in which each state names the next. */
  // biome-ignore lint/complexity/noExcessiveLinesPerFunction: see the docstring.
  constructor(scope: Construct, id: string, props: AuditStatesProps) {
    super(scope, id);
    const { functions, networks, concurrency } = props;
    // A run keeps its definition to its end, redrives included, and with it the versions that it began with:
    // an alias would move below it.
    // Without a payload the function gets the whole input, and picks what it knows.
    const invoke = (
      name: string,
      version: Version,
      more: Pick<LambdaInvokeProps, 'payload' | 'inputPath' | 'resultPath'> = {},
    ) =>
      new LambdaInvoke(this, name, {
        // Its declaration predates exactOptionalPropertyTypes.
        lambdaFunction: version as IFunction,
        payloadResponseOnly: true,
        retryOnServiceExceptions: false,
        ...more,
      }).addRetry(retry(10));

    /** A state for the clusters of each network, behind a choice. */
    const byNetwork = (
      name: string,
      state: InNetwork,
      begin: (name: string, version: Version) => IChainable,
    ): IChainable => {
      const own = begin(name, functions[state]);
      if (networks.length === 0) return own;
      // A comparison of what is missing would end the run.
      const choice = new Choice(this, `${name}Where`).when(Condition.isNotPresent(NETWORK), own);
      for (const network of networks)
        choice.when(
          Condition.stringEquals(NETWORK, network.name),
          begin(`${name}-${network.name}`, network[state]),
        );
      return choice.otherwise(own);
    };

    const planFleet = invoke('PlanFleet', functions['plan-fleet'], {
      payload: TaskInput.fromObject({
        scheduledTime: JsonPath.stringAt('$.scheduledTime'),
        schedule: JsonPath.stringAt('$.schedule'),
        execution: JsonPath.stringAt('$$.Execution.Id'),
        start: JsonPath.objectAt('$'),
        clusters: props.clusters,
        ...(props.discover === undefined
          ? {}
          : { discover: props.discover, networks: networks.map(namesOf) }),
        settings: { probe: props.probe, thresholds: props.thresholds, concurrency },
        exceptions: props.exceptions,
        digest: props.digest,
      }),
    });

    const planCluster = (name: string, version: Version) =>
      invoke(name, version, { inputPath: '$.task', resultPath: '$.plan' });
    const batches = new DistributedMap(this, 'Batches', {
      itemReader: new S3JsonItemReader({
        // Its declaration predates exactOptionalPropertyTypes.
        bucket: props.bucket as IBucket,
        key: JsonPath.stringAt('$.plan.batches'),
      }),
      maxConcurrency: concurrency.batches,
      // The report counts nodes of a lost batch as failed.
      toleratedFailurePercentage: 100,
      resultPath: JsonPath.DISCARD,
    }).itemProcessor(byNetwork('AuditNodes', 'audit-nodes', invoke));
    // Finished batches do not run again.
    batches.addRetry(retry(2, ['States.ItemReaderFailed']));
    const conclude = invoke('ConcludeCluster', functions['conclude-cluster'], {
      resultPath: JsonPath.DISCARD,
    });
    const lost = new Pass(this, 'ClusterLost', {
      parameters: {
        cluster: JsonPath.stringAt('$.task.cluster.name'),
        error: JsonPath.objectAt('$.error'),
      },
    });
    const caught = { errors: [Errors.ALL], resultPath: '$.error' };
    batches.addCatch(conclude, caught);
    conclude.addCatch(lost, caught);

    // The result is in the store: hundreds of conclusions are too large for a state to pass on.
    const concluded = new Pass(this, 'Concluded', {
      parameters: { cluster: JsonPath.stringAt('$.task.cluster.name') },
    });
    conclude.next(concluded);
    const clusters = new DistributedMap(this, 'Clusters', {
      itemReader: new S3JsonItemReader({
        bucket: props.bucket as IBucket,
        key: JsonPath.stringAt('$.tasks'),
      }),
      maxConcurrency: concurrency.clusters,
      // A cluster that ends silently has no conclusion in the store: the end of the run names it.
      toleratedFailurePercentage: 100,
      resultPath: '$.ended',
    }).itemProcessor(
      byNetwork('PlanCluster', 'plan-cluster', (name, version) =>
        planCluster(name, version).addCatch(conclude, caught).next(batches),
      ),
    );
    batches.next(conclude);
    clusters.addRetry(retry(2, ['States.ItemReaderFailed']));
    const concludeFleet = invoke('ConcludeFleet', functions['conclude-fleet'], {
      payload: TaskInput.fromObject({
        runId: JsonPath.stringAt('$.runId'),
        digest: JsonPath.objectAt('$.digest'),
        clusters: JsonPath.objectAt('$.ended'),
      }),
    });
    const delivered = new Choice(this, 'AllDelivered')
      .when(
        Condition.numberGreaterThan('$.lost', 0),
        new Fail(this, 'SomeLost', {
          error: 'ClusterLost',
          cause: 'A cluster has no report, or its message was not sent: see ClusterLost in the history.',
        }),
      )
      .otherwise(new Succeed(this, 'Done'));
    const claimed = new Choice(this, 'Claimed')
      .when(Condition.booleanEquals('$.claimed', false), new Succeed(this, 'DoneByAnother'))
      .otherwise(clusters.next(concludeFleet).next(delivered));

    const discover = functions['discover-clusters'];
    const begin = (rest: Chain): IChainable => {
      if (discover === undefined || props.discover === undefined) return rest;
      const look = invoke('DiscoverClusters', discover, {
        payload: TaskInput.fromObject({
          scheduledTime: JsonPath.stringAt('$.scheduledTime'),
          schedule: JsonPath.stringAt('$.schedule'),
          discover: props.discover,
        }),
        resultPath: JsonPath.DISCARD,
      });
      // If discovery fails, the clusters found before are audited.
      look.addCatch(rest, { errors: [Errors.ALL], resultPath: JsonPath.DISCARD });
      return look.next(rest);
    };
    this.machine = new StateMachine(this, 'Machine', {
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromChainable(begin(planFleet.next(claimed))),
      timeout: Duration.hours(12),
      tracingEnabled: true,
      logs: {
        destination: new LogGroup(this, 'Logs', {
          ...(props.encryptionKey === undefined ? {} : { encryptionKey: props.encryptionKey }),
          retention: props.retention.logDays,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ERROR,
        // The functions' own logs have the names of nodes and clusters.
        includeExecutionData: false,
      },
    });
    // The lists of tasks and batches.
    props.encryptionKey?.grant(this.machine, 'kms:Decrypt');
    // All versions: runs that began before a deployment go on after it.
    const invoked = [
      ...Object.values(functions),
      ...networks.flatMap((each) => [each['plan-cluster'], each['audit-nodes']]),
    ];
    for (const each of invoked) each.lambda.grantInvoke(this.machine);
    Validations.of(this.machine).acknowledge({
      id: 'AwsSolutions-SF1',
      reason:
        'Errors are logged; every event is in the history of the execution, and each function logs its own.',
    });
    const { partition, region, account } = place(this);
    const executions =
      `arn:${partition}:states:${region}:${account}:execution:{"Fn::Select":[6,{"Fn::Split":[":",{"Ref":"` +
      `${logicalId(this.machine)}"}]}]}`;
    acknowledgeWildcards(this.machine, {
      'Resource::*': 'Log deliveries and X-Ray know no resources.',
      [`Resource::arn:<AWS::Partition>:s3:::<${logicalId(props.bucket)}>/*`]:
        'The key of the batches is known at run time only.',
      [`Resource::${executions}:*`]: 'Executions of its own map.',
      [`Resource::${executions}/*:*`]: 'Executions of its own map.',
      ...Object.fromEntries(
        invoked.map((each) => [
          `Resource::<${logicalId(each.lambda)}.Arn>:*`,
          'Versions of its own function.',
        ]),
      ),
    });
  }
}

const namesOf = ({ name, discovered }: NetworkName): NetworkName => ({ name, discovered });

function retry(maxAttempts: number, errors: string[] = RETRYABLE): RetryProps {
  return {
    errors,
    interval: Duration.seconds(15),
    backoffRate: 2,
    maxAttempts,
    // Without it, batches refused together would all retry together.
    jitterStrategy: JitterType.FULL,
    maxDelay: Duration.minutes(5),
  };
}
