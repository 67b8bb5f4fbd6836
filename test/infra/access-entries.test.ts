/** Who gets access to which clusters: granted by the stack if it can, otherwise named for others to grant. */
import { createHash } from 'node:crypto';
import { App, Aws, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { CfnCluster } from 'aws-cdk-lib/aws-eks';
import { describe, expect, it, vi } from 'vitest';
import { NetnsAuditor } from '../../lib/infra/netns-auditor.ts';
import type { ClusterConfig } from '../../lib/model/clusters.ts';
import { configSchema } from '../../lib/model/config.ts';
import { hasCfnLint, lint } from './cfn-lint.ts';
import { SECRET, synthesize } from './synthesized.ts';

// This test does not look at code: bundling the functions takes longer than everything else.
vi.mock('../../lib/infra/bundle.ts', async (original) => ({
  ...(await original<typeof import('../../lib/infra/bundle.ts')>()),
  bundle: () => new URL('../../lambda', import.meta.url).pathname,
}));

const config = configSchema.parse({
  clusters: [
    { name: 'here', eks: { name: 'here', region: 'eu-west-1' } },
    { name: 'west', eks: { name: 'prod', region: 'us-west-2' } },
    { name: 'west-too', eks: { name: 'stage', region: 'us-west-2' } },
    { name: 'by-hand', eks: { name: 'by-hand', region: 'eu-west-1', accessEntry: false } },
    {
      name: 'account',
      eks: { name: 'other', region: 'eu-west-1', roleArn: 'arn:aws:iam::444455556666:role/r' },
    },
    { name: 'lab', kubeconfigSecret: SECRET },
  ],
  subscriptions: [{ protocol: 'email', endpoint: 'on-call@example.com' }],
});

type Resource = { Condition?: string; Properties: { ClusterName: unknown; KubernetesGroups: string[] } };
type Output = { Condition?: string; Value: string };

const entriesOf = (template: Template) =>
  Object.values(template.findResources('AWS::EKS::AccessEntry')).map((each) => each as Resource);
const leftOut = (template: Template) =>
  Object.entries(template.findOutputs('*'))
    .filter(([id]) => id.includes('NoAccessEntries'))
    .map(([, output]) => output as Output);

describe('access entries', () => {
  it('are made for clusters of the account and region of the stack, and an output names those of other regions', () => {
    const template = Template.fromStack(synthesize(config).stack);
    expect(entriesOf(template)).toMatchObject([
      { Properties: { ClusterName: 'here', KubernetesGroups: ['netns-auditor'] } },
      { Properties: { ClusterName: 'here', KubernetesGroups: ['netns-auditor'] } },
    ]);
    expect(entriesOf(template).map(({ Condition }) => Condition)).toEqual([undefined, undefined]);
    expect(leftOut(template)).toMatchObject([
      { Value: 'west (prod, us-west-2), west-too (stage, us-west-2)' },
    ]);
    // The first one makes the bundles.
  }, 240_000);

  it('are made where they can be by a stack that does not know its region: only there is each one deployed', () => {
    const template = Template.fromStack(synthesize(config, {}).stack);
    const conditions = Object.entries(template.findConditions('*'));
    const idOf = (wanted: object): string =>
      conditions.find(([, each]) => JSON.stringify(each) === JSON.stringify(wanted))?.[0] ?? 'none';
    const isRegion = (region: string) => ({ 'Fn::Equals': [{ Ref: 'AWS::Region' }, region] });
    const here = idOf(isRegion('eu-west-1'));
    const west = idOf(isRegion('us-west-2'));
    const made = entriesOf(template).map(({ Condition, Properties }) => [Properties.ClusterName, Condition]);
    expect(made.toSorted()).toEqual(
      [
        ['here', here],
        ['prod', west],
        ['stage', west],
      ]
        .flatMap((each) => [each, each])
        .toSorted(),
    );
    expect(leftOut(template)).toMatchObject([
      { Value: 'here (here, eu-west-1)', Condition: idOf({ 'Fn::Not': [{ Condition: here }] }) },
      { Value: expect.stringContaining('west-too'), Condition: idOf({ 'Fn::Not': [{ Condition: west }] }) },
    ]);
  });

  it('keep their ids when the region gets known: CloudFormation replaces none of them', () => {
    const ids = (template: Template) => Object.keys(template.findResources('AWS::EKS::AccessEntry'));
    expect(ids(Template.fromStack(synthesize(config, {}).stack))).toEqual(
      expect.arrayContaining(ids(Template.fromStack(synthesize(config).stack))),
    );
  });

  it('are made for a cluster of the same stack, whose name and region are tokens', () => {
    const stack = new Stack(new App({ analyticsReporting: false }), 'Own');
    const cluster = new CfnCluster(stack, 'Cluster', { resourcesVpcConfig: { subnetIds: [] }, roleArn: 'r' });
    new NetnsAuditor(stack, 'Auditor', {
      clusters: [{ name: 'own', eks: { name: cluster.ref, region: stack.region } }],
    });
    const template = Template.fromStack(stack);
    expect(stack.region).toBe(Aws.REGION);
    const entries = entriesOf(template);
    expect(entries.map(({ Properties }) => Properties.ClusterName)).toEqual([
      { Ref: 'Cluster' },
      { Ref: 'Cluster' },
    ]);
    expect(entries.map(({ Condition }) => Condition)).toEqual([undefined, undefined]);
    expect(leftOut(template)).toEqual([]);
  });

  it.skipIf(!hasCfnLint)(
    'are clean for cfn-lint where the region is not known',
    () => {
      const template = Template.fromStack(synthesize(config, {}).stack).toJSON();
      expect(lint('NetnsAuditor.template.json', JSON.stringify(template))).toBe('');
    },
    240_000,
  );
});

describe('clusters of a construct', () => {
  const made = (clusters: ClusterConfig[]) => () =>
    new NetnsAuditor(new Stack(new App({ analyticsReporting: false }), 'Own'), 'Auditor', { clusters });
  const named = (name: string): ClusterConfig => ({
    name,
    eks: {
      name: `eks-${createHash('sha256').update(name).digest('hex')}`,
      region: 'eu-west-1',
      accessEntry: true,
    },
  });

  it('are held to what a file is held to', () => {
    expect(made([])).toThrow('there is no cluster to audit');
    expect(made([named('a'), named('a')])).toThrow('Another cluster has the same name, a.');
    expect(made([named('a,b')])).toThrow('Letters, digits and . _ : / @ - are possible.');
    expect(made([named(Aws.STACK_NAME)])).toThrow('cannot be a token');
  });

  it('may have any name that a file may give them, each its own, however much alike', () => {
    const names = [
      'a/b',
      'a--b',
      'a.b',
      'a-b',
      '@',
      '-',
      '/',
      '..',
      'arn:aws:eks:eu:1:cluster/a',
      'x'.repeat(100),
    ];
    const { stack } = synthesize(configSchema.parse({ ...config, clusters: names.map(named) }));
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::EKS::AccessEntry', 2 * names.length);
    // Alarms watch all clusters together.
    template.resourcePropertiesCountIs('AWS::CloudWatch::Alarm', { MetricName: 'Coverage' }, 0);
  });
});
