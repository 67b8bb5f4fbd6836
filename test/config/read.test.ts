import { globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readConfig, readStackConfig } from '../../lib/config/read.ts';
import { configSchema } from '../../lib/model/config.ts';

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'netns-auditor-')), 'netns-audit.yaml');
  writeFileSync(path, text);
  return path;
}

const aCluster = 'clusters: [{ name: a, eks: { name: a, region: eu-west-1 } }]';

it('needs no more than a cluster', () => {
  const config = readConfig(
    file('clusters:\n  - name: prod-eu\n    eks: { name: prod, region: eu-west-1 }\n'),
  );
  expect(config).toMatchObject({
    clusters: [{ name: 'prod-eu', eks: { name: 'prod', region: 'eu-west-1' } }],
    schedule: { expression: 'cron(0 2 * * ? *)', timeZone: 'UTC', maximumAgeHours: 4 },
    thresholds: { minSeverity: 'high', orphansPerNode: 10 },
    subscriptions: [],
  });
});

it.each([
  ['clusters: []', 'clusters'],
  [
    'clusters: [{ name: a, eks: { name: a, region: eu-west-1 } }, { name: a, eks: { name: b, region: eu-west-1 } }]',
    ':1:70: clusters[1].name: Another cluster has the same name, a.',
  ],
  [
    'clusters: [{ name: a, eks: { name: e, region: eu-west-1 } }, { name: b, eks: { name: e, region: eu-west-1 } }]',
    'a is the same EKS cluster',
  ],
  [
    'clusters: [{ name: a, eks: { name: a, regoin: r } }]',
    ':1:39: clusters[0].eks: Unknown key "regoin". Did you mean region?',
  ],
  [
    'clusters: [{ name: a, kubeconfigSecret: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:lab", contex: b }]',
    '"contex"',
  ],
  [`${aCluster}\nschedule: { expression: cron(0 2 * * *) }`, 'six fields'],
  [`${aCluster}\nschedule: { expression: rate(daily) }`, 'six fields'],
  [`${aCluster}\nretention: { logDays: 45 }`, 'one of 1, 3, 5'],
  [`${aCluster}\nschedule: { timeZone: Europe/Berln }`, 'No such time zone'],
  ['clusters: [{ name: a, kubeconfig: ~/.kube/config }]', 'clusters[0]'],
  ['clusters: [{ name: a, eks: { name: a, region: eu-west-1 } }]\nshedule: {}', 'shedule'],
  ['a: [', 'netns-audit.yaml'],
])('says what is wrong with: %s', (text, named) => {
  expect(() => readConfig(file(text))).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(named) }),
  );
});

const reachedBy = (a: string, b: string): string =>
  ['a', 'b']
    .map((name, n) => `  - { name: ${name}, eks: { name: e, region: eu-west-1, roleArn: "${[a, b][n]}" } }`)
    .join('\n');

it('lists no cluster twice under two roles of its account: they would replace the pods of each other', () => {
  const role = (account: string, name: string): string => `arn:aws:iam::${account}:role/${name}`;
  const listed = (a: string, b: string) => readConfig(file(`clusters:\n${reachedBy(a, b)}\n`));
  expect(() => listed(role('111122223333', 'one'), role('111122223333', 'other'))).toThrow(
    'a is the same EKS cluster',
  );
  expect(listed(role('111122223333', 'one'), role('444455556666', 'one')).clusters).toHaveLength(2);
});

const eks = (more: string): string => `clusters:\n  - name: a\n    eks:\n      name: a\n      ${more}`;
const secret = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:lab-AbCdEf';

const mistakes: [name: string, text: string, line: number | null, named: string][] = [
  ['a zone for a region', eks('region: eu-west-1a'), 5, 'no such region'],
  ['a region with a typing error', eks('region: eu-wset-1'), 5, 'no such region'],
  [
    'an ARN for a name',
    'clusters:\n  - name: a\n    eks: { name: "arn:aws:eks:eu-west-1:111122223333:cluster/a", region: eu-west-1 }',
    3,
    'It is not the ARN. Write eks: { name: a, region: eu-west-1 }.',
  ],
  [
    'every name',
    'clusters: [{ name: a, eks: { name: "*", region: eu-west-1 } }]',
    1,
    'the name of the EKS cluster',
  ],
  [
    'a cluster for a role',
    eks('region: eu-west-1\n      roleArn: arn:aws:eks:eu-west-1:111122223333:cluster/a'),
    6,
    'ARN of an IAM role',
  ],
  [
    'a role of a bad account',
    eks('region: eu-west-1\n      roleArn: arn:aws:iam::1:role/r'),
    6,
    'ARN of an IAM role',
  ],
  [
    'a role of another partition',
    eks('region: eu-west-1\n      roleArn: arn:aws-cn:iam::111122223333:role/r'),
    6,
    'another partition than eu-west-1',
  ],
  [
    'an external id without a role',
    eks('region: eu-west-1\n      externalId: abcd'),
    6,
    'there is no roleArn',
  ],
  [
    'a bucket for a secret',
    'clusters:\n  - { name: a, kubeconfigSecret: "arn:aws:s3:::b" }',
    2,
    'ARN of a secret',
  ],
  [
    'the same secret twice',
    `clusters:\n  - { name: a, kubeconfigSecret: "${secret}" }\n  - { name: b, kubeconfigSecret: "${secret}" }`,
    3,
    'a has the same secret and context',
  ],
  [
    'two partitions',
    `clusters:\n  - { name: a, kubeconfigSecret: "${secret}" }\n  - { name: b, eks: { name: b, region: cn-north-1 } }`,
    3,
    'no role reaches from one into the other',
  ],
  ...[
    ['email', 'not a mail', 'a mail address'],
    ['https', 'http://x', 'https://'],
    ['sqs', 'queue', 'the ARN of an SQS queue'],
    ['lambda', 'arn:aws:sqs:eu-west-1:111122223333:q', 'the ARN of a Lambda function'],
  ].map(([protocol, endpoint, why]): [string, string, number, string] => [
    `an endpoint of ${protocol} that is none`,
    `${aCluster}\nsubscriptions:\n  - protocol: ${protocol}\n    endpoint: ${endpoint}`,
    4,
    String(why),
  ]),
  ['a time that never comes', `${aCluster}\nschedule:\n  expression: cron(99 77 * * ? *)`, 3, 'is no minute'],
  [
    'a weekly schedule',
    `${aCluster}\nschedule:\n  expression: cron(0 2 ? * SUN *)`,
    2,
    'Set it to 170 or more',
  ],
  [
    'subnets that are no multiple of the zones',
    `${aCluster}\nnetwork:\n  vpcId: vpc-0123456789abcdef0\n  availabilityZones: [a, b]\n  subnetIds: [subnet-0123456789abcdef0]`,
    5,
    'There are 1 subnets for 2 availability zones',
  ],
  [
    'a network that is not there',
    'clusters:\n  - name: a\n    eks: { name: a, region: eu-west-1 }\n    network: east',
    4,
    'There is no network east; there is no list networks: add one, with the name, VPC and subnets of each',
  ],
  [
    'a pattern that is no discovered cluster',
    `${aCluster}\nnetworks:\n  - name: a\n    vpcId: vpc-01234567\n    availabilityZones: [a]\n    subnetIds: [subnet-01234567]\n    discovered: [prod]`,
    7,
    'It is ACCOUNT/REGION/CLUSTER',
  ],
  [
    'a batch that takes too long',
    `${aCluster}\nprobe: { deadlineSeconds: 600 }`,
    null,
    'A batch may take 1200 seconds',
  ],
  [
    'a batch of many, one at a time',
    `${aCluster}\nconcurrency:\n  nodesPerBatch: 40\n  nodes: 1`,
    2,
    'A batch may take 4800 seconds',
  ],
];

it.each(mistakes)('names file and line of %s', (_, text, line, named) => {
  const path = file(text);
  const start = `\n${path}:${line ?? 1}:`;
  expect(() => readStackConfig(path)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(named) }),
  );
  expect(() => readStackConfig(path)).toThrow(start);
});

it('leaves batches of any length to a process of its own', () => {
  expect(readConfig(file(`${aCluster}\nprobe: { deadlineSeconds: 600 }`)).probe.deadlineSeconds).toBe(600);
});

it('says that there is no such file, and how to write one', () => {
  expect(() => readConfig('/nowhere/fleet.yaml')).toThrow(
    expect.objectContaining({
      message: '/nowhere/fleet.yaml: there is no such file',
      remedy: expect.stringContaining('netns-audit init'),
    }),
  );
});

it('of many mistakes shows some, and how many there are', () => {
  const metrics = Array.from({ length: 19 }, (_, index) => `{ a${index}: 1, b: 2, c: 3 }`).join(', ');
  expect(() => readConfig(file(`${aCluster}\nthresholds: { metrics: [${metrics}] }`))).toThrow(
    /has 114 mistakes:\n.*… and 64 more$/s,
  );
});

it('takes clusters of a kubeconfig for the command line, and not for a stack on AWS', () => {
  const local = file('clusters:\n  - name: lab\n    kubeconfig: { context: lab }\n');
  expect(readConfig(local).clusters).toEqual([{ name: 'lab', kubeconfig: { context: 'lab' } }]);
  expect(() => readStackConfig(local)).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(/:3:17: clusters\[0\]\.kubeconfig: Functions on AWS do not have/),
    }),
  );
});

/** What pages show of a configuration: a part that lists no clusters gets one. The values of the chart are another file. */
const docs = join(import.meta.dirname, '../../docs');
const examples = globSync('*.md', { cwd: docs, exclude: ['in-cluster.md'] }).flatMap((page) =>
  [...readFileSync(join(docs, page), 'utf8').matchAll(/^( *)```yaml\n(.*?)^ *```$/gms)]
    .map(([, indent = '', text = '']) => text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''))
    .filter((text) => Object.keys(configSchema.shape).some((key) => RegExp(`^${key}:`, 'm').test(text)))
    .map((text) => [page, /^(?:clusters|discover):/m.test(text) ? text : `${aCluster}\n${text}`] as const),
);

it('finds the examples in pages', () => {
  expect(examples.length).toBeGreaterThanOrEqual(11);
});

it.each(examples)('takes the example in %s', (_, text) => {
  expect(() => readConfig(file(text))).not.toThrow();
});
