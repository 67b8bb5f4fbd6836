/** The auditor as one construct, for this repository's stack or your own. */
import { readFileSync } from 'node:fs';
import { CfnOutput, Validations } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import * as z from 'zod';
import { type ClusterInput, completeCluster } from '../model/clusters.ts';
import { type Config, configSchema, httpsFormat, type imageCacheSchema } from '../model/config.ts';
import { type DiscoverInput, discoverSchema } from '../model/discovery.ts';
import { Functions } from './functions.ts';
import { ImageCache } from './image-cache.ts';
import { Monitoring } from './monitoring.ts';
import { placementsOf, vpcSchema } from './placements.ts';
import { Queries } from './queries.ts';
import { acknowledgeRules } from './rule-packs.ts';
import { startRuns } from './schedules.ts';
import { AuditStates } from './state-machine.ts';
import { Storage } from './storage.ts';
import {
  clusterShape,
  keySchema,
  refuseOldNode,
  refuseUnusableKey,
  validate,
  validProps,
} from './validate.ts';

export type NetnsAuditorProps = {
  /**
   * The clusters to audit. Names of EKS clusters and ARNs of secrets may be tokens; `name` may not.
   * @default - only those that `discover` finds
   */
  readonly clusters?: readonly ClusterInput[];
  /**
   * Where to look for clusters each night: accounts, regions, tags.
   * @default - nowhere
   */
  readonly discover?: DiscoverInput;
  /**
   * When to audit.
   * @default - every night at 02:00 UTC, starting within 15 minutes
   */
  readonly schedule?: Partial<Config['schedule']>;
  /**
   * A second, cheaper schedule in the same time zone: it checks kernels and counts namespaces. Its reports are partial.
   * @default - none; once enabled, at half past every hour
   */
  readonly monitor?: Partial<Config['monitor']>;
  /**
   * The probe pods.
   * @default - docker.io/nicolaka/netshoot:v0.16 in namespace netns-audit, 120 seconds per node
   */
  readonly probe?: Partial<Config['probe']>;
  /**
   * Nodes pull the probe image through a cache of Docker Hub in the stack's ECR. `probeImage` then names the image in
   * the cache.
   * @default - none: nodes pull `probe.image` itself
   */
  readonly imageCache?: z.input<typeof imageCacheSchema>;
  /**
   * What is reported.
   * @default - findings of severity high or above, more than 10 orphans on a node, 80 % of namespaces used, coverage below 95 %
   */
  readonly thresholds?: Partial<Config['thresholds']>;
  /**
   * How many clusters, batches and nodes are audited at once.
   * @default - 5 clusters; 20 batches of 20 nodes in each, 10 nodes per batch
   */
  readonly concurrency?: Partial<Config['concurrency']>;
  /**
   * How long reports, evidence and logs are kept.
   * @default - reports for three years, evidence and logs for 90 days
   */
  readonly retention?: Partial<Config['retention']>;
  /**
   * Who is notified. Others may subscribe to `topic`.
   * @default - nobody
   */
  readonly subscriptions?: readonly Config['subscriptions'][number][];
  /**
   * Accepted findings, with an owner and an expiry date.
   * @default - none
   */
  readonly exceptions?: Config['exceptions'];
  /**
   * Also send one message per run about all clusters.
   * @default false
   */
  readonly digest?: boolean;
  /**
   * Also send findings to AWS Security Hub in the stack's account and region. It must be enabled there.
   * @default false
   */
  readonly securityHub?: boolean;
  /**
   * Send each finding that changes, and each audited cluster, to the default event bus of EventBridge
   * (`schema/event.v1.json`).
   * @default false
   */
  readonly events?: boolean;
  /**
   * A CloudWatch dashboard. The alarms do not need it.
   * @default true
   */
  readonly dashboard?: boolean;
  /**
   * KMS key for the bucket, the logs, the topic and Athena's results. The policy of an imported key must allow what
   * docs/operations.md lists.
   * @default - S3 and CloudWatch use their own keys, and the topic uses one that the stack creates
   */
  readonly encryptionKey?: IKey;
  /**
   * VPC for the functions that connect to clusters, to reach private endpoints of all clusters without `network`.
   * @default - none: the functions reach endpoints over the internet
   */
  readonly vpc?: IVpc;
  /** @default - the private subnets of `vpc` */
  readonly vpcSubnets?: SubnetSelection;
  /** @default - a new one that allows only outgoing traffic; clusters must admit it on port 443 */
  readonly securityGroups?: ISecurityGroup[];
  /**
   * More VPCs, for clusters that `vpc` cannot reach. A cluster names its own in `network`.
   * @default - none
   */
  readonly networks?: readonly NetworkProps[];
};

/** An entry of `networks`. */
export type NetworkProps = {
  /** What `network` of a cluster names. */
  readonly name: string;
  /**
   * Discovered clusters to reach from this VPC: `ACCOUNT/REGION/CLUSTER`, in which `*` stands for any characters. The
   * first network that matches is used.
   * @default - none
   */
  readonly discovered?: readonly string[];
  /** The VPC, in the region of the stack. */
  readonly vpc: IVpc;
  /**
   * Where in it.
   * @default - the private subnets of `vpc`
   */
  readonly vpcSubnets?: SubnetSelection;
  /** @default - a new one for each function, which allows only outgoing traffic */
  readonly securityGroups?: ISecurityGroup[];
};

/**
 * The props that the configuration also has, with its defaults. The rest may hold tokens: validate() checks it. Here
 * they only have names, as programs without types may misspell them.
 */
const { shape } = configSchema;
const anything = z.unknown().optional();
const propsSchema = z.strictObject({
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
  clusters: clusterShape.optional(),
  discover: discoverSchema.optional(),
  imageCache: anything,
  subscriptions: anything,
  encryptionKey: keySchema.optional(),
  vpc: vpcSchema.optional(),
  vpcSubnets: anything,
  securityGroups: anything,
  networks: anything,
} satisfies Record<keyof NetnsAuditorProps, z.ZodType>);

/** Audits the pod network namespaces of EKS and other clusters on a schedule, and leaves nothing running in them. */
export class NetnsAuditor extends Construct {
  /** Reports, findings and evidence. Kept when the stack is deleted. */
  readonly bucket: Bucket;
  /** Sends what changed in clusters, and alarms. */
  readonly topic: Topic;
  /** Each execution is one run. */
  readonly stateMachine: StateMachine;
  /** The image of the probe pods. The admission policy of each cluster must admit it. */
  readonly probeImage: string;
  /** Roles that connect to clusters. Clusters in other accounts and regions must admit them. */
  readonly clusterRoles: readonly IRole[];
  /** Roles that accounts with discovered clusters must trust; none without `discover`. */
  readonly accountRoles: readonly IRole[];

  /** @throws AuditError CONFIG_INVALID that names each wrong prop */
  constructor(scope: Construct, id: string, props: NetnsAuditorProps) {
    super(scope, id);
    // Long, as it only hands each part to those that need it.
    refuseOldNode();
    const { schedule, monitor, retention, digest, securityHub, events, dashboard, exceptions, ...valid } =
      validProps(propsSchema, defined(props));
    const { discover, probe, thresholds, concurrency } = valid;
    const settings = { probe, thresholds, concurrency };
    const { encryptionKey, imageCache } = props;
    const subscriptions = [...(props.subscriptions ?? [])];
    const clusters = (props.clusters ?? []).map(completeCluster);
    const { network, networks } = placementsOf(this, props);
    validate(this, { clusters, discover, networks, ...settings, subscriptions });
    if (encryptionKey !== undefined) refuseUnusableKey(this, encryptionKey);

    this.probeImage =
      imageCache === undefined
        ? settings.probe.image
        : new ImageCache(this, 'ImageCache', { ...imageCache, image: settings.probe.image }).image;
    const storage = new Storage(this, 'Storage', { retention, subscriptions, encryptionKey });
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
      network,
      networks,
    });
    const { machine } = new AuditStates(this, 'States', {
      ...settings,
      probe: { ...settings.probe, image: this.probeImage },
      clusters,
      discover,
      retention,
      exceptions,
      digest,
      functions: functions.of,
      networks: functions.inNetworks,
      bucket: storage.bucket,
      encryptionKey,
    });
    startRuns(this, { machine, storage, schedule, monitor });
    new Queries(this, 'Queries', { retention, bucket: storage.bucket, encryptionKey });
    new Monitoring(this, 'Monitoring', { ...settings, discover, schedule, machine, storage, dashboard });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-L1',
      reason: 'nodejs24.x is the newest runtime of Lambda; the rule may know it later than CDK does.',
    });
    acknowledgeRules(this, encryptionKey !== undefined);
    this.bucket = storage.bucket;
    this.topic = storage.topic;
    this.stateMachine = machine;
    this.clusterRoles = functions.clusterRoles;
    this.accountRoles = functions.accountRoles;
  }

  /** Gives the stack the outputs that the documents ask for: Bucket, Topic, StateMachine, ClusterRoles and others. */
  addOutputs(): void {
    const outputs = new Construct(this, 'Outputs');
    const add = (name: string, value: string, description: string): void =>
      new CfnOutput(outputs, name, { value, description }).overrideLogicalId(name);
    add('Bucket', this.bucket.bucketName, 'Reports, findings and evidence');
    add('Topic', this.topic.topicArn, 'Changes in clusters, and alarms');
    add('StateMachine', this.stateMachine.stateMachineArn, 'One execution is one run');
    if (this.node.tryFindChild('ImageCache') !== undefined)
      add(
        'ProbeImage',
        this.probeImage,
        'Image of the probe pods: print the manifests of the clusters with it (--image)',
      );
    if (this.accountRoles.length > 0)
      add(
        'AccountRoles',
        arnsOf(this.accountRoles),
        'Roles that deploy/discovered-account.yaml trusts: its AuditorRoleArns',
      );
    add(
      'ClusterRoles',
      arnsOf(this.clusterRoles),
      'Roles that clusters of other accounts and regions must admit',
    );
  }
}

/** A key with the value undefined is one that is left out. */
const defined = (props: object): object =>
  Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined));

const arnsOf = (roles: readonly IRole[]): string => roles.map(({ roleArn }) => roleArn).join(',');

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
