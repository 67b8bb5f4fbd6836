/** A stack that discovers its clusters, and the template with which accounts allow it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { accountTemplate } from '../../lib/infra/account-template.ts';
import { configSchema } from '../../lib/model/config.ts';
import { hasCfnLint, lint } from './cfn-lint.ts';
import { definitionOf, synthesize } from './synthesized.ts';

// This test does not look at code: bundling the functions takes longer than everything else.
vi.mock('../../lib/infra/bundle.ts', async (original) => ({
  ...(await original<typeof import('../../lib/infra/bundle.ts')>()),
  bundle: () => new URL('../../lambda', import.meta.url).pathname,
}));

const discover = {
  accounts: ['ou-aaaa-11111111'],
  regions: ['eu-west-1'],
  externalId: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
};
const subscriptions = [{ protocol: 'email', endpoint: 'on-call@example.com' }];

describe('a stack that finds its clusters', () => {
  let stack: Stack;
  let template: Template;
  beforeAll(() => {
    const made = synthesize(configSchema.parse({ discover, subscriptions }));
    expect(() => made.app.synth()).not.toThrow();
    stack = made.stack;
    template = Template.fromStack(stack);
  }, 240_000);

  it('needs no cluster in the list, and has a function that looks before the run is planned', () => {
    const { StartAt, States } = definitionOf(template) as {
      StartAt: string;
      States: Record<string, { Parameters?: object; Next?: string; Catch?: { Next: string }[] }>;
    };
    expect(StartAt).toBe('DiscoverClusters');
    expect(States.DiscoverClusters).toMatchObject({
      Parameters: { discover: { accounts: ['ou-aaaa-11111111'], role: 'netns-auditor' } },
      Next: 'PlanFleet',
      // Clusters that were found earlier are still audited.
      Catch: [{ Next: 'PlanFleet' }],
    });
    expect(States.PlanFleet?.Parameters).toMatchObject({
      clusters: [],
      discover: { regions: ['eu-west-1'] },
    });
  });

  it('may take on roles of that one name, and ask the organization, and nothing else of accounts', () => {
    const rights = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement as { Action: unknown; Resource: unknown }[],
    );
    const of = (action: RegExp) => rights.filter(({ Action }) => action.test(JSON.stringify(Action)));
    expect(of(/sts:/)).toHaveLength(3);
    for (const { Resource } of of(/sts:/))
      expect(JSON.stringify(Resource)).toContain(':iam::*:role/netns-auditor');
    expect(of(/organizations:/)).toHaveLength(1);
    expect(of(/eks:/)).toEqual([]);
  });

  it('has an alarm for what could not be looked through, and makes no access entry', () => {
    template.resourcePropertiesCountIs('AWS::CloudWatch::Alarm', { MetricName: 'DiscoveryGaps' }, 1);
    template.resourceCountIs('AWS::EKS::AccessEntry', 0);
  });

  it('names the roles that accounts must trust', () => {
    const { Value } = Object.values(template.findOutputs('AccountRoles'))[0] as { Value: unknown };
    expect(JSON.stringify(Value)).toMatch(/DiscoverClustersRole.*PlanClusterRole.*AuditNodesRole/);
  });

  it('does not grow with the accounts that are named', () => {
    const accounts = Array.from({ length: 300 }, (_, index) => String(100_000_000_000 + index));
    const { stack: large } = synthesize(
      configSchema.parse({ discover: { ...discover, accounts }, subscriptions }),
    );
    const count = (of: Stack) => Object.keys(Template.fromStack(of).toJSON().Resources).length;
    expect(count(large)).toBe(count(stack));
  });
});

describe('the template of the StackSet', () => {
  const text = readFileSync(new URL('../../deploy/discovered-account.yaml', import.meta.url), 'utf8');
  const { Resources } = parse(text);

  it('is what `npm run generate` makes', () => {
    expect(text).toBe(accountTemplate());
  });

  it('means the same to a reader of YAML 1.1, as CloudFormation is one', () => {
    expect(parse(text, { version: '1.1' })).toEqual(parse(text));
  });

  it('makes the function after its role in the region that makes the role', () => {
    expect(Resources.Admit.Properties.Role['Fn::If'][1]).toEqual({ 'Fn::GetAtt': ['AdmitRole', 'Arn'] });
  });

  it('gives a role that only finds clusters, to the auditor with the external id', () => {
    const { AssumeRolePolicyDocument, Policies } = Resources.Role.Properties;
    expect(AssumeRolePolicyDocument.Statement).toEqual([
      {
        Effect: 'Allow',
        Principal: { AWS: { Ref: 'AuditorRoleArns' } },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': { Ref: 'ExternalId' } } },
      },
    ]);
    const actions = Policies[0].PolicyDocument.Statement.map(({ Action }: { Action: string }) => Action);
    expect(actions).toEqual(['eks:ListClusters', 'eks:DescribeCluster']);
  });

  it('lets its function make the access entry of that role in that group, and no other', () => {
    const statements = Resources.AdmitRole.Properties.Policies[0].PolicyDocument.Statement;
    expect(
      statements.find(({ Action }: { Action: string }) => Action === 'eks:CreateAccessEntry').Condition,
    ).toEqual({
      ArnEquals: { 'eks:principalArn': Resources.Admit.Properties.Environment.Variables.ROLE_ARN },
      StringEquals: { 'eks:accessEntryType': 'STANDARD' },
      'ForAllValues:StringEquals': { 'eks:kubernetesGroups': ['netns-auditor'] },
    });
  });

  it('admits the auditor to each cluster that is active, has the tags and has no entry yet', () => {
    const result = execFileSync(
      'python3',
      ['-c', `${STAND_IN}\n${Resources.Admit.Properties.Code.ZipFile}\n${ASK}`],
      {
        encoding: 'utf8',
        env: {
          ...process.env,
          TAGS: '{"audit":"yes"}',
          ROLE_ARN: 'arn:aws:iam::111111111111:role/netns-auditor',
          GROUP: 'netns-auditor',
        },
      },
    );
    const [answer, made] = result.trim().split('\n').slice(-2);
    expect(JSON.parse(answer ?? '')).toEqual({ admitted: ['new'], failed: { refused: 'denied' } });
    expect(JSON.parse(made ?? '')).toEqual([
      {
        clusterName: 'new',
        principalArn: 'arn:aws:iam::111111111111:role/netns-auditor',
        type: 'STANDARD',
        kubernetesGroups: ['netns-auditor'],
      },
    ]);
  });

  it.skipIf(!hasCfnLint)(
    'is clean for cfn-lint',
    () => {
      expect(lint('discovered-account.yaml', text)).toBe('');
    },
    240_000,
  );
});

/** boto3, limited to what that function uses. */
const STAND_IN = `
import sys, types
class InUse(Exception): pass
class Eks:
    exceptions = types.SimpleNamespace(ResourceInUseException=InUse)
    made = []
    def get_paginator(self, name):
        return types.SimpleNamespace(paginate=lambda: [{'clusters': ['new', 'known', 'young']}, {'clusters': ['other', 'refused']}])
    def describe_cluster(self, name):
        return {'cluster': {'status': 'CREATING' if name == 'young' else 'ACTIVE', 'tags': {} if name == 'other' else {'audit': 'yes'}}}
    def create_access_entry(self, **entry):
        if entry['clusterName'] == 'known': raise InUse()
        if entry['clusterName'] == 'refused': raise Exception('denied')
        self.made.append(entry)
sys.modules['boto3'] = types.SimpleNamespace(client=lambda name: Eks())
`;
const ASK = 'handler({}, None)\nprint(json.dumps(Eks.made))';
