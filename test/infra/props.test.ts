/** What a program may pass to the construct, and what it says of mistakes. */
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { describe, expect, it, vi } from 'vitest';
import { NetnsAuditor, type NetnsAuditorProps } from '../../lib/infra/netns-auditor.ts';
import { refuseOldNode } from '../../lib/infra/validate.ts';

// This test does not look at code: bundling the functions takes longer than everything else.
vi.mock('../../lib/infra/bundle.ts', async (original) => ({
  ...(await original<typeof import('../../lib/infra/bundle.ts')>()),
  bundle: () => new URL('../../lambda', import.meta.url).pathname,
}));

const ARN = 'arn:aws:eks:eu-west-1:111122223333:cluster/prod';
const prod = { name: 'prod', eks: { name: 'prod', region: 'eu-west-1' } };
const discover = {
  accounts: ['444455556666', '777788889999'],
  regions: ['eu-west-1'],
  externalId: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
} as const;

const stackIn = (region = 'eu-west-1'): Stack =>
  new Stack(new App({ analyticsReporting: false }), 'Own', { env: { region, account: '111122223333' } });

/** As a program without types passes them. */
const made = (props: unknown, stack = stackIn()): NetnsAuditor =>
  new NetnsAuditor(stack, 'Auditor', props as NetnsAuditorProps);

describe('a mistake in props', () => {
  it.each([
    [{ clusters: [ARN] }, 'NetnsAuditor: clusters[0]: It is text, not a map of keys and values.'],
    [{ clusters: ARN }, 'clusters: It is text, not a list.'],
    [{ clusters: [{ name: 'prod', eks: ARN }] }, 'clusters[0].eks: (prod) It is text, not a map'],
    [
      { clusters: [prod, { name: 'b', eks: { arn: ARN } }] },
      'clusters[1].eks: (b) Unknown key "arn". Allowed: name, region',
    ],
    [
      { clusters: [{ name: 'prod', eks: { name: 'prod', region: 'eu-west1' } }] },
      'clusters[0].eks.region: (prod) There is no such region',
    ],
    [
      { discover: { ...discover, accounts: [444455556666] } },
      'discover.accounts[0]: It is the number 444455556666, not text: write it in quotes.',
    ],
    [{ clusters: [prod], shedule: {} }, 'NetnsAuditor: Unknown key "shedule". Did you mean schedule?'],
    [{ clusters: [prod], encryptionKey: null }, 'encryptionKey: It is a key'],
    [{ clusters: [prod], vpc: 'vpc-1' }, 'vpc: It is a VPC'],
    [{ clusters: [prod], vpc: null }, 'vpc: It is a VPC'],
    [{ clusters: [] }, 'NetnsAuditor: there is no cluster to audit'],
    [
      { clusters: [{ eks: 4 }], digest: 'yes', discover: { ...discover, regions: [] } },
      /^NetnsAuditor: digest: .+\n.+\nclusters\[0\]\.eks: .+\ndiscover\.regions: .+$/,
    ],
    [{ discover: { ...discover, accounts: 'organisation' } }, 'Did you mean organization?'],
    [{ discover: { ...discover, accounts: '444455556666' } }, "Write a list, even of one: ['444455556666']."],
    [
      { clusters: [{ name: 'prod', eks: { ...prod.eks, roleArn: 'netns-auditor' } }] },
      /^NetnsAuditor: clusters\[0\]\.eks\.roleArn: \(prod\) [^\n]+$/,
    ],
    [{ clusters: [prod], encryptionKey: 'arn:aws:kms:…' }, 'encryptionKey: It is a key: Key.fromKeyArn'],
    [
      { clusters: [prod], schedule: { expression: 'cron(0 2 * * *)' } },
      /schedule\.expression: It is cron\(MINUTE HOUR[^\n]*$/,
    ],
  ])('%j is refused with its place, its cluster and the reason', (props, says) => {
    expect(() => made(props)).toThrow(says);
  });

  it('is named beside props that are constructs', () => {
    const stack = stackIn();
    const vpc = new Vpc(stack, 'Vpc');
    expect(() => made({ clusters: [prod], vpc, network: vpc, digest: 1 }, stack)).toThrow(
      /Unknown key "network"\./,
    );
  });

  it('is a key of another region, unless one of the regions is not known yet', () => {
    const keyIn = (stack: Stack, region: string) =>
      Key.fromKeyArn(stack, 'Key', `arn:aws:kms:${region}:111122223333:key/1234abcd`);
    const stack = stackIn();
    expect(() => made({ clusters: [prod], encryptionKey: keyIn(stack, 'eu-central-1') }, stack)).toThrow(
      'encryptionKey is in eu-central-1, and the stack in eu-west-1',
    );
    const right = stackIn();
    expect(() => made({ clusters: [prod], encryptionKey: keyIn(right, 'eu-west-1') }, right)).not.toThrow();
    const anywhere = new Stack(new App({ analyticsReporting: false }), 'Anywhere');
    expect(() =>
      made({ clusters: [prod], encryptionKey: keyIn(anywhere, 'eu-central-1') }, anywhere),
    ).not.toThrow();
  });

  it('is warned of if its key policy is out of reach: log groups refuse such a key', () => {
    const warned = (key: (stack: Stack) => IKey): boolean => {
      const stack = stackIn();
      const auditor = made({ clusters: [prod], encryptionKey: key(stack) }, stack);
      const warnings = auditor.node.findAll().flatMap(({ node }) => node.metadata);
      return JSON.stringify(warnings).includes('cannot change its key policy. The policy must allow');
    };
    const imported = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd';
    expect(warned((stack) => Key.fromKeyArn(stack, 'Key', imported))).toBe(true);
    expect(warned((stack) => new Key(stack, 'Key'))).toBe(false);
  });

  it('is a warning where a role is given without the external id that its template asks for', () => {
    const warned = (eks: object): string => {
      const auditor = made({ clusters: [{ name: 'prod', eks: { ...prod.eks, ...eks } }] });
      return JSON.stringify(auditor.node.metadata);
    };
    const roleArn = 'arn:aws:iam::444455556666:role/netns-auditor';
    expect(warned({ roleArn })).toContain('prod has a roleArn and no externalId');
    expect(warned({ roleArn, externalId: 'abc' })).not.toContain('externalId');
    expect(warned({})).not.toContain('externalId');
  });

  it('of a region to look in that no CDK knows is a warning, as of a cluster', () => {
    const auditor = made({ discover: { ...discover, regions: ['eu-west-9'] } });
    const warnings = auditor.node.metadata.filter(({ type }) => type === 'aws:cdk:warning');
    expect(JSON.stringify(warnings)).toContain('knows no region eu-west-9');
  });
});

it.each([
  ['20.20.2', true],
  ['22.18.0', true],
  ['22.19.0', false],
  ['24.1.0', false],
])('on Node.js %s, it says that it needs a newer one: %s', (version, refused) => {
  const call = (): void => refuseOldNode(version);
  if (refused) expect(call).toThrow(`it needs Node.js 22.19 or newer, and this is ${version}`);
  else expect(call).not.toThrow();
});

it('gives the stack the outputs that the documents ask for, beside constructs of the same names', () => {
  const stack = stackIn();
  new Key(stack, 'Bucket');
  made({ discover }, stack).addOutputs();
  expect(Object.keys(Template.fromStack(stack).findOutputs('*')).toSorted()).toEqual(
    expect.arrayContaining(['AccountRoles', 'Bucket', 'ClusterRoles', 'StateMachine', 'Topic']),
  );
}, 240_000);

it.each([
  [discover.accounts, ['444455556666', '777788889999']],
  [['444455556666', 'ou-aaaa-11111111'], ['*']],
  [Array.from({ length: 51 }, (_, index) => String(100_000_000_000 + index)), ['*']],
])(
  'may assume the role in the accounts of %j alone',
  (accounts, named) => {
    const stack = stackIn();
    made({ discover: { ...discover, accounts } }, stack);
    const policies = Object.values(Template.fromStack(stack).findResources('AWS::IAM::Policy'));
    const roles = JSON.stringify(policies).match(/:iam::[\d*]+:role\/netns-auditor/g) ?? [];
    expect(new Set(roles)).toEqual(new Set(named.map((account) => `:iam::${account}:role/netns-auditor`)));
  },
  240_000,
);
