/** AWS names in a configuration: invalid ones are reported before a deployment meets them. Pure. */
import * as z from 'zod';
import { eksClusterOf } from './arn.ts';

/** The start of a region's name, and its partition. The longest match counts. */
const PARTITIONS = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['us-isof-', 'aws-iso-f'],
  ['us-isob-', 'aws-iso-b'],
  ['us-iso-', 'aws-iso'],
  ['eu-isoe-', 'aws-iso-e'],
  ['eusc-', 'aws-eusc'],
] as const;

/** The partition that a region is of. */
export function partitionOf(region: string): string {
  return PARTITIONS.find(([start]) => region.startsWith(start))?.[1] ?? 'aws';
}

/** Checks only the words of a region's name, to catch typing errors: the list of regions changes every year. */
const REGION =
  /^(?:af|ap|ca|cn|eu|eusc|il|me|mx|sa|us)(?:-gov|-iso[a-z]?)?-(?:north|south|east|west|central|northeast|northwest|southeast|southwest|de)(?:-(?:east|west|north|south))?-\d$/;

export const regionSchema = z
  .string()
  .regex(REGION, 'There is no such region: it is a name such as eu-west-1, without the letter of a zone.');

export const eksNameSchema = z.string().regex(/^[A-Za-z0-9][\w-]{0,99}$/, {
  error: ({ input }) =>
    notTheArn(input) ?? 'It is the name of the EKS cluster: letters, digits, - and _ are possible.',
});

/** What to write for the ARN of an EKS cluster; null for any other value. */
export function notTheArn(value: unknown): string | null {
  const cluster = typeof value === 'string' ? eksClusterOf(value) : null;
  return cluster && `It is not the ARN. Write eks: { name: ${cluster.name}, region: ${cluster.region} }.`;
}

export const roleArnSchema = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
    'It is the ARN of an IAM role, such as arn:aws:iam::111122223333:role/netns-auditor.',
  );

export const secretArnSchema = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+$/,
    'It is the ARN of a secret in Secrets Manager, such as arn:aws:secretsmanager:eu-west-1:111122223333:secret:lab-AbCdEf.',
  );

const ENDPOINTS = {
  email: [/^[^\s@]+@[^\s@]+\.[^\s@]+$/, 'a mail address'],
  https: [/^https:\/\/[^\s/]+/, 'a URL that begins with https://'],
  sqs: [/^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[\w-]+(?:\.fifo)?$/, 'the ARN of an SQS queue'],
  lambda: [/^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w:$-]+$/, 'the ARN of a Lambda function'],
} as const;

/** What is wrong with a subscription's endpoint; null if nothing is. */
export function whyNoEndpoint(protocol: keyof typeof ENDPOINTS, endpoint: string): string | null {
  const [form, words] = ENDPOINTS[protocol];
  return form.test(endpoint) ? null : `The endpoint of ${protocol} is ${words}.`;
}

/** The source of all events on the event bus: rules match it. */
export const EVENT_SOURCE = 'netns-auditor';
