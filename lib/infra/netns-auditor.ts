/** The auditor as one construct, for the stack of this repository or of anybody's own. */
import { readFileSync } from 'node:fs';
import { Duration, Validations } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import {
  ContextAttribute,
  Schedule,
  ScheduleExpression,
  ScheduleTargetInput,
  TimeWindow,
} from 'aws-cdk-lib/aws-scheduler';
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { TimeZone } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import * as z from 'zod';
import type { ClusterConfig, ClusterInput } from '../model/clusters.ts';
import { type Config, configSchema, httpsFormat } from '../model/config.ts';
import { discoverSchema } from '../model/discovery.ts';
import { Functions } from './functions.ts';
import { Monitoring } from './monitoring.ts';
import { Queries } from './queries.ts';
import { AuditStates } from './state-machine.ts';
import { Storage } from './storage.ts';
import { validate } from './validate.ts';

export type NetnsAuditorProps = {
  /**
   * The clusters to audit. Names of EKS clusters and ARNs of secrets may be tokens; `name` may not.
   * @default - none but those that `discover` finds
   */
  readonly clusters?: readonly ClusterInput[];
  /**
   * Where to look for clusters each night: accounts, regions, tags.
   * @default - nowhere
   */
  readonly discover?: z.input<typeof discoverSchema>;
  /**
   * When to audit.
   * @default - every night at 02:00 UTC, within 15 minutes
   */
  readonly schedule?: Partial<Config['schedule']>;
  /**
   * A second, cheaper schedule in the same time zone: kernels and counts of namespaces only. Its reports are of a part.
   * @default - none; once enabled, at half past every hour
   */
  readonly monitor?: Partial<Config['monitor']>;
  /**
   * The probe pods.
   * @default - docker.io/nicolaka/netshoot:v0.16 in namespace netns-audit, 120 seconds for a node
   */
  readonly probe?: Partial<Config['probe']>;
  /**
   * What is told.
   * @default - findings from high on, more than 10 orphans on a node, 80 % of the namespaces used, coverage below 95 %
   */
  readonly thresholds?: Partial<Config['thresholds']>;
  /**
   * How much at once.
   * @default - 5 clusters; 20 batches of 20 nodes in each, 10 nodes of a batch
   */
  readonly concurrency?: Partial<Config['concurrency']>;
  /**
   * How long things are kept.
   * @default - reports three years, evidence and logs 90 days
   */
  readonly retention?: Partial<Config['retention']>;
  /**
   * Whom to tell. Others may subscribe to `topic`.
   * @default - nobody
   */
  readonly subscriptions?: Config['subscriptions'];
  /**
   * Known faults that somebody answers for until a day.
   * @default - none
   */
  readonly exceptions?: Config['exceptions'];
  /**
   * Also one message a run about all clusters.
   * @default false
   */
  readonly digest?: boolean;
  /**
   * Findings also go to AWS Security Hub of the stack's account and region. It must be enabled there.
   * @default false
   */
  readonly securityHub?: boolean;
  /**
   * Send each finding that changes, and each audited cluster, to the default event bus of EventBridge (`schema/event.v1.json`).
   *
   * @default false
   */
  readonly events?: boolean;
  /**
   * A dashboard in CloudWatch. The alarms do not need it.
   * @default true
   */
  readonly dashboard?: boolean;
  /**
   * Network of the functions that speak to clusters: for private endpoints.
   * @default - none: endpoints are reached over the internet
   */
  readonly vpc?: IVpc;
  /** @default - the private subnets of `vpc` */
  readonly vpcSubnets?: SubnetSelection;
  /** @default - one that only lets out; clusters must admit it on 443 */
  readonly securityGroups?: ISecurityGroup[];
};

type Start = {
  readonly description: string;
  readonly expression: string;
  readonly enabled: boolean;
  readonly flexible: Duration;
  readonly maxEventAge: Duration;
  /** Which checks the run makes. */
  readonly checks: 'all' | 'counts';
};

/** The props that the configuration has as well, with its defaults. The rest may hold tokens: validate() looks at it. */
/** By their fields, as nothing can be picked of a schema that is also held as a whole. */
const { shape } = configSchema;
const withDefaults = z.object({
  schedule: shape.schedule,
  monitor: shape.monitor,
  probe: shape.probe,
  thresholds: shape.thresholds,
  concurrency: shape.concurrency,
  retention: shape.retention,
  exceptions: shape.exceptions,
  dashboard: shape.dashboard,
  digest: shape.digest,
  securityHub: shape.securityHub,
  events: shape.events,
});

/** Audits the pod network namespaces of EKS and other clusters on a schedule, with nothing resident in any of them. */
export class NetnsAuditor extends Construct {
  /** Reports, findings and evidence. Kept when the stack is deleted. */
  readonly bucket: Bucket;
  /** Changes of clusters, and alarms. */
  readonly topic: Topic;
  /** One execution is one run. */
  readonly stateMachine: StateMachine;
  /** Who speaks to clusters: clusters of other accounts and regions must admit these. */
  readonly clusterRoles: readonly IRole[];
  /** Whom the roles of accounts where clusters are found must trust; none without `discover`. */
  readonly accountRoles: readonly IRole[];

  /** Long, as it hands each part to those that need it, and does nothing else. */
  constructor(scope: Construct, id: string, props: NetnsAuditorProps) {
    super(scope, id);
    const { schedule, monitor, retention, digest, securityHub, events, dashboard, exceptions, ...settings } =
      withDefaults.parse(props);
    const { subscriptions = [] } = props;
    const clusters = (props.clusters ?? []).map(complete);
    const discover = props.discover === undefined ? undefined : discoverSchema.parse(props.discover);
    validate(this, { clusters, discover, ...settings, subscriptions });

    const storage = new Storage(this, 'Storage', { retention, subscriptions });
    const functions = new Functions(this, 'Functions', {
      clusters,
      discover,
      retention,
      digest,
      securityHub,
      events,
      https: httpsFormat({ subscriptions }),
      storage,
      version: packageVersion(),
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets,
      securityGroups: props.securityGroups,
    });
    const { machine } = new AuditStates(this, 'States', {
      ...settings,
      clusters,
      discover,
      retention,
      exceptions,
      digest,
      functions: functions.of,
      bucket: storage.bucket,
    });
    const { timeZone } = schedule;
    const start = (name: string, { checks, ...how }: Start): void => {
      new Schedule(this, name, {
        description: how.description,
        schedule: ScheduleExpression.expression(how.expression, TimeZone.of(timeZone)),
        enabled: how.enabled,
        timeWindow: how.flexible.toSeconds() === 0 ? TimeWindow.off() : TimeWindow.flexible(how.flexible),
        target: new StepFunctionsStartExecution(machine, {
          // The time that was planned: a second delivery is the same run.
          input: ScheduleTargetInput.fromObject({
            schedule: name.toLowerCase(),
            scheduledTime: ContextAttribute.scheduledTime,
            checks,
          }),
          deadLetterQueue: storage.deadLetters,
          maxEventAge: how.maxEventAge,
          retryAttempts: 20,
        }),
      });
    };
    start('Nightly', {
      ...schedule,
      description: 'netns-auditor: audits all clusters',
      flexible: Duration.minutes(schedule.flexibleMinutes),
      maxEventAge: Duration.hours(schedule.maximumAgeHours),
      checks: 'all',
    });
    if (monitor.enabled) {
      start('Hourly', {
        ...monitor,
        description: 'netns-auditor: counts namespaces and reads the kernels of all clusters',
        flexible: Duration.minutes(5),
        // The next one says more than a late one.
        maxEventAge: Duration.minutes(30),
        checks: 'counts',
      });
    }
    new Queries(this, 'Queries', { retention, bucket: storage.bucket });
    new Monitoring(this, 'Monitoring', {
      ...settings,
      clusters,
      discover,
      schedule,
      machine,
      storage,
      dashboard,
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-L1',
      reason: 'nodejs24.x is the newest runtime of Lambda; the rule may know it later than CDK does.',
    });
    this.bucket = storage.bucket;
    this.topic = storage.topic;
    this.stateMachine = machine;
    this.clusterRoles = functions.clusterRoles;
    this.accountRoles = functions.accountRoles;
  }
}

/** As a file is read: with what is taken for granted. */
function complete(cluster: ClusterInput): ClusterConfig {
  if (!('eks' in cluster)) return cluster;
  const { accessEntry = true, ...eks } = cluster.eks;
  return { ...cluster, eks: { ...eks, accessEntry } };
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
