/** Where reports are kept and messages go. */
import { Annotations, ArnFormat, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Subscription, SubscriptionFilter, SubscriptionProtocol, Topic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { PREFIXES } from '../history/keys.ts';
import type { Config } from '../model/config.ts';
import { severities } from '../model/finding.ts';
import { hashOf } from './ids.ts';
import { NO_ACCESS_LOG } from './rule-packs.ts';
import { warnOfUnheardAlarms } from './unheard-alarms.ts';

export type StorageProps = Pick<Config, 'retention' | 'subscriptions'> & {
  readonly encryptionKey: IKey | undefined;
};

/** What outlives a run: the report bucket, the message topic, the key, and a queue for failed starts. */
export class Storage extends Construct {
  readonly bucket: Bucket;
  readonly topic: Topic;
  /** Of the topic's messages. */
  readonly key: IKey;
  /** Of everything that is kept, too; without it S3 and CloudWatch have keys of their own. */
  readonly encryptionKey: IKey | undefined;
  /** Scheduled starts that could not be delivered. */
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { retention, subscriptions, encryptionKey }: StorageProps) {
    super(scope, id);
    this.encryptionKey = encryptionKey;
    this.bucket = makeBucket(this, retention, encryptionKey);
    this.key =
      encryptionKey ??
      new Key(this, 'Key', {
        description: 'Messages of netns-auditor',
        enableKeyRotation: true,
        removalPolicy: RemovalPolicy.RETAIN,
      });
    if (encryptionKey !== undefined) allowLogs(this, encryptionKey);
    // Alarms publish to the topic as well.
    this.key.grant(new ServicePrincipal('cloudwatch.amazonaws.com'), 'kms:Decrypt', 'kms:GenerateDataKey*');
    this.topic = new Topic(this, 'Topic', {
      displayName: 'netns-auditor',
      masterKey: this.key,
      enforceSSL: true,
    });
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        actions: ['sns:Publish'],
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    const undelivered = subscriptions.length === 0 ? undefined : this.#queue('Undelivered', 'subscriptions');
    for (const { protocol, endpoint, minSeverity } of subscriptions) {
      const wanted =
        minSeverity === undefined ? [] : severities.slice(0, severities.indexOf(minSeverity) + 1);
      // By its content, not its place in the list: removing the first would turn each into the next one, and
      // CloudFormation would delete a subscription that it had just reused for another.
      new Subscription(this, `Subscription-${protocol}-${hashOf(this, endpoint)}`, {
        topic: this.topic,
        protocol: SubscriptionProtocol[protocol.toUpperCase() as Uppercase<typeof protocol>],
        endpoint,
        ...(undelivered === undefined ? {} : { deadLetterQueue: undelivered }),
        ...(wanted.length === 0
          ? {}
          : { filterPolicy: { severity: SubscriptionFilter.stringFilter({ allowlist: [...wanted] }) } }),
      });
    }
    warnOfUnheardAlarms(this.topic);
    this.deadLetters = this.#queue('DeadLetters', 'the schedule');
  }

  #queue(id: string, of: string): Queue {
    const queue = new Queue(this, id, {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    Validations.of(queue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: `It is the dead-letter queue of ${of}.`,
    });
    return queue;
  }
}

/** What CloudWatch Logs needs of the key of its log groups: only those of this account. */
function allowLogs(scope: Construct, key: IKey): void {
  const { region } = Stack.of(scope);
  const logs = Stack.of(scope).formatArn({ service: 'logs', resource: '*' });
  const { statementAdded } = key.addToResourcePolicy(
    new PolicyStatement({
      actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
      principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
      resources: ['*'],
      conditions: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': logs } },
    }),
  );
  if (statementAdded) return;
  Annotations.of(scope).addWarningV2(
    'netns-auditor:importedKey',
    'encryptionKey was created elsewhere, so the stack cannot change its key policy. The policy must allow ' +
      'logs.REGION.amazonaws.com and cloudwatch.amazonaws.com to use the key ("A key of your own" in ' +
      'docs/operations.md has the statements). Otherwise the deployment fails at the log groups, or alarms do ' +
      'not reach the topic. If the policy has both, acknowledge this warning.',
  );
}

function makeBucket(
  scope: Construct,
  { reportDays, evidenceDays }: Config['retention'],
  encryptionKey: IKey | undefined,
): Bucket {
  const expire = (prefix: string, days: number) => ({
    id: prefix,
    prefix: `${prefix}/`,
    expiration: Duration.days(days),
  });
  const days = { reports: reportDays, evidence: evidenceDays, work: 7 };
  const bucket = new Bucket(scope, 'Bucket', {
    ...(encryptionKey === undefined
      ? { encryption: BucketEncryption.S3_MANAGED }
      : { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }),
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    versioned: true,
    removalPolicy: RemovalPolicy.RETAIN,
    lifecycleRules: [
      ...Object.entries(PREFIXES).flatMap(([prefix, kept]) =>
        kept === null ? [] : [expire(prefix, days[kept])],
      ),
      expire('athena', 7),
      {
        id: 'leftovers',
        noncurrentVersionExpiration: Duration.days(7),
        // An expired object leaves a marker, which every later listing would read.
        expiredObjectDeleteMarker: true,
        abortIncompleteMultipartUploadAfter: Duration.days(1),
      },
    ],
  });
  // Reports are written once, by anyone.
  bucket.addToResourcePolicy(
    new PolicyStatement({
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ['s3:PutObject'],
      resources: [bucket.arnForObjects('reports/*')],
      conditions: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
    }),
  );
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason: NO_ACCESS_LOG,
  });
  return bucket;
}

/** The ARN of an EKS cluster of the stack's account. */
export function clusterArn(scope: Construct, name: string, region: string): string {
  return Stack.of(scope).formatArn({
    service: 'eks',
    region,
    resource: 'cluster',
    resourceName: name,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}
