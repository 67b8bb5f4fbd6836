/**
 * Why rules of cdk-nag's packs for NIST 800-53 R5, HIPAA and PCI DSS 3.2.1, and of checkov, do not apply: apps
 * whose teams run one of them can have the construct.
 */
import { CfnResource, Validations } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

const PACKS = ['NIST.800.53.R5', 'HIPAA.Security', 'PCI.DSS.321'] as const;

/** Why the bucket has no log of its own: said to cdk-nag's other packs too. */
export const NO_ACCESS_LOG =
  'Access is logged by data events of CloudTrail, where an organisation wants it: one trail for all buckets.';

const REASONS = {
  IAMNoInlinePolicy: 'Each policy is of one role, and is made and deleted with it.',
  LambdaConcurrency:
    'The state machine limits how many run at once (concurrency). A reservation would take them from other functions all day.',
  LambdaDLQ:
    'They are called by the state machine, which waits for the answer: a failed call is in its history.',
  LambdaInsideVPC:
    'Those that connect to clusters are placed into the network that is given; the others call AWS alone.',
  S3BucketLoggingEnabled: NO_ACCESS_LOG,
  S3BucketReplicationEnabled:
    'Objects are versioned. Who needs them in another region replicates the bucket there.',
} as const;

/** Of a stack without a key of its owner's. */
const WITHOUT_KEY = {
  CloudWatchLogGroupEncrypted: 'CloudWatch encrypts it with its own key; encryptionKey names another.',
  S3DefaultEncryptionKMS: 'S3 encrypts it with its own key; encryptionKey names another.',
} as const;

/** Rules of checkov, by type of resource. It reads the reasons in the template. */
const CHECKOV: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'AWS::S3::Bucket': { CKV_AWS_18: NO_ACCESS_LOG },
  'AWS::SQS::Queue': {
    CKV_AWS_27: 'SQS encrypts it with its own key (SqsManagedSseEnabled), which the rule does not know.',
  },
  'AWS::Lambda::Function': {
    CKV_AWS_115: REASONS.LambdaConcurrency,
    CKV_AWS_116: REASONS.LambdaDLQ,
    CKV_AWS_117: REASONS.LambdaInsideVPC,
    CKV_AWS_173: 'There are no secrets in the environment, and Lambda encrypts it with its own key.',
  },
};
const CHECKOV_WITHOUT_KEY: typeof CHECKOV = {
  'AWS::Logs::LogGroup': { CKV_AWS_158: WITHOUT_KEY.CloudWatchLogGroupEncrypted },
};

/** @param hasKey - everything is encrypted with a key of the owner's, so nothing has to be said about that */
export function acknowledgeRules(on: IConstruct, hasKey: boolean): void {
  acknowledge(on, hasKey ? REASONS : { ...REASONS, ...WITHOUT_KEY });
  const ofCheckov = hasKey ? CHECKOV : { ...CHECKOV, ...CHECKOV_WITHOUT_KEY };
  for (const each of on.node.findAll())
    if (CfnResource.isCfnResource(each)) skipInCheckov(each, ofCheckov[each.cfnResourceType]);
}

/** Of a role that may write, by rights that know no resource. */
export function acknowledgeUnconstrained(role: Role, reason: string): void {
  skipInCheckov(role.node.findChild('DefaultPolicy').node.defaultChild as CfnResource, {
    CKV_AWS_111: reason,
  });
}

/** `checkov` in the metadata of a resource: rules that do not apply to it, with the reasons. */
export function skipped(reasons: Readonly<Record<string, string>>) {
  return { skip: Object.entries(reasons).map(([id, comment]) => ({ id, comment })) };
}

function skipInCheckov(resource: CfnResource, reasons: Readonly<Record<string, string>> = {}): void {
  if (Object.keys(reasons).length > 0) resource.addMetadata('checkov', skipped(reasons));
}

/** Of an alarm that others go by. */
export function acknowledgeSilence(alarm: IConstruct): void {
  acknowledge(alarm, { CloudWatchAlarmAction: 'The composite alarm that goes by it tells the topic.' });
}

function acknowledge(on: IConstruct, reasons: Readonly<Record<string, string>>): void {
  for (const pack of PACKS)
    Validations.of(on).acknowledge(
      ...Object.entries(reasons).map(([rule, reason]) => ({ id: `${pack}-${rule}`, reason })),
    );
}
