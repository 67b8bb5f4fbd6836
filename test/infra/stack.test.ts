import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import cdk from '../../cdk.json' with { type: 'json' };
import { Judge } from '../../lib/audit/judge.ts';
import { bundle } from '../../lib/infra/bundle.ts';
import { NetnsAuditorStack } from '../../lib/infra/stack.ts';
import { STATES } from '../../lib/infra/states.ts';
import { type Config, configSchema } from '../../lib/model/config.ts';
import { findingRowSchema } from '../../lib/model/finding.ts';
import { nodeFactsSchema } from '../../lib/model/report.ts';
import { COLUMNS } from '../../lib/model/tables.ts';
import { config, definitionOf, SECRET, synthesize } from './synthesized.ts';

let app: App;
let template: Template;
beforeAll(() => {
  const made = synthesize();
  app = made.app;
  template = Template.fromStack(made.stack);
}, 240_000);

/** Actions that the policies of a function's role allow, with their resources. */
function allowed(role: string): Map<string, unknown> {
  const policies = Object.values(template.findResources('AWS::IAM::Policy')).filter((policy) =>
    JSON.stringify(policy.Properties.Roles).includes(`${role}Role`),
  );
  const statements: { Effect: string; Action: string | string[]; Resource: unknown; Condition?: object }[] =
    policies.flatMap((policy) => policy.Properties.PolicyDocument.Statement);
  const actions = (of: { Action: string | string[] }): string[] => [of.Action].flat();
  const code = 'arn:aws:lambda:eu-west-1:111122223333:function:*';
  // What the function's code is denied counts as not allowed, whatever else the role is used for.
  const denied = statements
    .filter(
      ({ Effect, Resource, Condition }) =>
        Effect === 'Deny' &&
        Resource === '*' &&
        JSON.stringify(Condition) === `{"ArnLike":{"lambda:SourceFunctionArn":"${code}"}}`,
    )
    .flatMap(actions);
  return new Map(
    statements
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap((each) => actions(each).map((action): [string, unknown] => [action, each.Resource]))
      .filter(([action]) => !denied.includes(action)),
  );
}

describe('the stack', () => {
  it('is clean for cdk-nag but for what is acknowledged with a reason', () => {
    expect(() => app.synth()).not.toThrow();
  });

  it('starts the run of a planned time in its time zone, and gives up after hours', () => {
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'cron(30 3 * * ? *)',
      ScheduleExpressionTimezone: 'Europe/Berlin',
      FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 15 },
      Target: {
        Input: Match.stringLikeRegexp('<aws.scheduler.scheduled-time>'),
        RetryPolicy: { MaximumEventAgeInSeconds: 4 * 3600 },
        DeadLetterConfig: Match.anyValue(),
      },
    });
  });

  it('counts every hour where that is asked for, and says so to the run', () => {
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'cron(30 * * * ? *)',
      ScheduleExpressionTimezone: 'Europe/Berlin',
      Target: {
        Input: Match.serializedJson({
          schedule: 'hourly',
          scheduledTime: '<aws.scheduler.scheduled-time>',
          checks: 'counts',
        }),
        RetryPolicy: { MaximumEventAgeInSeconds: 1800 },
      },
    });
    const plan = (definitionOf(template).States as Record<string, { Parameters?: object }>).PlanFleet;
    expect(plan?.Parameters).toMatchObject({ 'start.$': '$' });
    const quiet = synthesize({ ...config, monitor: { ...config.monitor, enabled: false } });
    Template.fromStack(quiet.stack).resourceCountIs('AWS::Scheduler::Schedule', 1);
  });

  it.each([
    ['PlanFleet', ['s3:GetObject', 's3:ListBucket', 's3:PutObject']],
    ['ConcludeFleet', ['s3:GetObject', 's3:ListBucket', 's3:PutObject']],
    [
      'ConcludeCluster',
      ['kms:Decrypt', 'kms:GenerateDataKey*', 's3:GetObject', 's3:ListBucket', 's3:PutObject', 'sns:Publish'],
    ],
  ])('lets %s do no more than its work', (role, actions) => {
    const own = [
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ];
    expect([...allowed(role).keys()].filter((action) => !own.includes(action)).toSorted()).toEqual(actions);
  });

  it('hands exceptions to the plan, and lets the end of the run speak, and to chats, only where that is asked for', () => {
    const exception = { check: '*', objects: ['lab/*'], reason: 'a lab', owner: 'me', expires: '2027-01-01' };
    const asked = configSchema.parse({
      clusters: [{ name: 'prod', eks: { name: 'prod', region: 'eu-west-1' } }],
      digest: true,
      exceptions: [exception],
      subscriptions: [{ protocol: 'https', endpoint: 'https://chat.example', format: 'chat' }],
    });
    const other = Template.fromStack(synthesize(asked).stack);
    other.hasResourceProperties('AWS::Lambda::Function', {
      Description: 'netns-auditor: conclude-fleet',
      Environment: { Variables: { TOPIC_ARN: Match.anyValue(), HTTPS_FORMAT: 'chat' } },
    });
    const { PlanFleet } = definitionOf(other).States as Record<string, { Parameters?: object }>;
    expect(PlanFleet?.Parameters).toMatchObject({
      digest: true,
      exceptions: [{ ...exception, clusters: ['*'] }],
    });
  }, 120_000);

  it('sends findings to Security Hub only where that is asked for, and may do that and no more', () => {
    const product = 'arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default';
    const found = JSON.stringify(template.toJSON());
    expect(found).not.toMatch(/securityhub|PRODUCT_ARN/);
    const asked = synthesize({ ...config, securityHub: true });
    const text = JSON.stringify(Template.fromStack(asked.stack).toJSON()).replaceAll(
      '{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":securityhub:eu-west-1:111122223333:product/111122223333/default"]]}',
      JSON.stringify(product),
    );
    const other = JSON.parse(text) as { Resources: Record<string, { Properties?: Record<string, never> }> };
    const rights = Object.values(other.Resources).flatMap(({ Properties }) => {
      const { Statement = [] } = (Properties?.PolicyDocument ?? {}) as { Statement?: { Action: unknown }[] };
      return Statement.filter(({ Action }) => JSON.stringify(Action).includes('securityhub'));
    });
    expect(rights).toEqual([
      { Effect: 'Allow', Action: 'securityhub:BatchImportFindings', Resource: product },
    ]);
    const told = Object.values(other.Resources).filter(({ Properties }) =>
      JSON.stringify(Properties?.Environment ?? '').includes(product),
    );
    expect(told.map(({ Properties }) => Properties?.Description)).toEqual([
      'netns-auditor: conclude-cluster',
    ]);
    expect(() => asked.app.synth()).not.toThrow();
  }, 120_000);

  it('sends events to the default bus only where that is asked for, from one function and under one name', () => {
    expect(JSON.stringify(template.toJSON())).not.toMatch(/events:PutEvents|"EVENTS"/);
    const asked = synthesize({ ...config, events: true });
    const found = Template.fromStack(asked.stack);
    const rights = Object.values(found.findResources('AWS::IAM::Policy')).flatMap(({ Properties }) =>
      Properties.PolicyDocument.Statement.filter(
        ({ Action }: { Action: unknown }) => Action === 'events:PutEvents',
      ),
    );
    expect(rights).toMatchObject([
      { Effect: 'Allow', Condition: { StringEquals: { 'events:source': 'netns-auditor' } } },
    ]);
    expect(JSON.stringify(rights)).toContain(':events:eu-west-1:111122223333:event-bus/default');
    const functions = found.findResources('AWS::Lambda::Function', {
      Properties: { Environment: { Variables: { EVENTS: 'on' } } },
    });
    expect(Object.values(functions).map(({ Properties }) => Properties.Description)).toEqual([
      'netns-auditor: conclude-cluster',
    ]);
    expect(() => asked.app.synth()).not.toThrow();
  }, 120_000);

  it.each(['PlanCluster', 'AuditNodes'])(
    'lets %s reach the clusters that are listed and no others',
    (role) => {
      const rights = allowed(role);
      expect(rights.get('secretsmanager:GetSecretValue')).toBe(SECRET);
      expect(rights.get('sts:AssumeRole')).toBe('arn:aws:iam::444455556666:role/reader');
      expect(JSON.stringify(rights.get('eks:DescribeCluster'))).toContain(
        ':eks:eu-west-1:111122223333:cluster/prod',
      );
      expect(rights.has('sns:Publish')).toBe(false);
    },
  );

  it('tries what was refused again ten times, each at a time of its own', () => {
    const retries = JSON.stringify(definitionOf(template));
    expect(retries.match(/"JitterStrategy":"FULL"/g)).toHaveLength(7);
    expect(retries.match(/"MaxAttempts":10/g)).toHaveLength(5);
    expect(retries).toContain('Lambda.EC2ThrottledException');
  });

  it('puts only the functions that speak to clusters into the network', () => {
    const inNetwork = Object.entries(template.findResources('AWS::Lambda::Function')).filter(
      ([, lambda]) => lambda.Properties.VpcConfig !== undefined,
    );
    expect(inNetwork.map(([id]) => id.replace(/[0-9A-F]{8}$/, ''))).toEqual([
      'AuditorFunctionsPlanCluster',
      'AuditorFunctionsAuditNodes',
    ]);
  });

  it('describes each column of the rows that reports write', () => {
    const wanted = (shape: object) =>
      Object.keys(shape).filter((key) => !['cluster', 'dt', 'runId'].includes(key));
    expect(Object.keys(COLUMNS.findings).slice(1)).toEqual(
      expect.arrayContaining(wanted(findingRowSchema.shape)),
    );
    expect(Object.keys(COLUMNS.nodes).slice(1)).toEqual([...wanted(nodeFactsSchema.shape), 'scope']);
  });
});

describe('what the threat model says of AWS', () => {
  const statementsOf = (type: string): { Effect: string; Action: unknown; Condition?: object }[] =>
    Object.values(template.findResources(type)).flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement,
    );

  it('is so of the bucket', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      VersioningConfiguration: { Status: 'Enabled' },
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({ Prefix: 'reports/', ExpirationInDays: config.retention.reportDays }),
          Match.objectLike({ Prefix: 'evidence/', ExpirationInDays: config.retention.evidenceDays }),
          Match.objectLike({ NoncurrentVersionExpiration: { NoncurrentDays: 7 } }),
        ]),
      },
    });
    expect(config.retention.evidenceDays).toBeLessThan(config.retention.reportDays);
    const statements = statementsOf('AWS::S3::BucketPolicy');
    expect(statements.map(({ Effect }) => Effect)).toEqual(statements.map(() => 'Deny'));
    const conditions = statements.map(({ Condition }) => Condition);
    expect(conditions).toContainEqual({ Bool: { 'aws:SecureTransport': 'false' } });
    expect(conditions).toContainEqual({ NumericLessThan: { 's3:TlsVersion': 1.2 } });
    expect(conditions).toContainEqual({
      Null: { 's3:if-none-match': 'true' },
      Bool: { 's3:ObjectCreationOperation': 'true' },
    });
  });

  it('is so of the topic and its key', () => {
    template.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() });
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
    template.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
    const publishers = statementsOf('AWS::SNS::TopicPolicy').filter(({ Effect }) => Effect === 'Allow');
    expect(publishers).toEqual([
      expect.objectContaining({
        Action: 'sns:Publish',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': '111122223333' } },
      }),
    ]);
  });

  it('is so of the roles: none deletes or changes anything, and who reaches clusters tells nobody', () => {
    const actions = (role: string) => [...allowed(role).keys()];
    for (const role of ['PlanFleet', 'PlanCluster', 'AuditNodes', 'ConcludeCluster', 'ConcludeFleet'])
      expect(
        actions(role).filter((action) =>
          /(?:Create(?!Log)|Delete|Update|Modify|Attach|Assign|PassRole|\*$)/.test(
            action.replace('GenerateDataKey*', ''),
          ),
        ),
        role,
      ).toEqual([]);
    for (const role of ['PlanCluster', 'AuditNodes']) {
      expect(actions(role)).not.toContain('sns:Publish');
      expect(JSON.stringify(allowed(role).get('s3:PutObject'))).not.toContain('reports/');
    }
    for (const role of ['PlanFleet', 'ConcludeCluster', 'ConcludeFleet'])
      expect(actions(role).join()).not.toMatch(/eks:|sts:|secretsmanager:/);
  });
});

describe('the construct', () => {
  it('keeps a subscription as it is when another is taken out of the list', () => {
    const ids = (...endpoints: string[]) => {
      const subscriptions = endpoints.map((endpoint) => ({ protocol: 'email' as const, endpoint }));
      const { stack } = synthesize({ ...config, subscriptions });
      const found = Template.fromStack(stack).findResources('AWS::SNS::Subscription');
      return new Map(Object.entries(found).map(([id, { Properties }]) => [String(Properties.Endpoint), id]));
    };
    const both = ids('first@example.com', 'second@example.com');
    expect(new Set(both.values()).size).toBe(2);
    expect(ids('second@example.com').get('second@example.com')).toBe(both.get('second@example.com'));
  });

  it('says of each property what it is, and its default', () => {
    const source = readFileSync(new URL('../../lib/infra/netns-auditor.ts', import.meta.url), 'utf8');
    const [, props = ''] = /export type NetnsAuditorProps = \{\n(.*?)\n\};/s.exec(source) ?? [];
    const described = [...props.matchAll(/(\/\*\*(?:(?!\*\/).)*\*\/)?\s*readonly (\w+)(\??):/gs)];
    expect(described.length).toBeGreaterThan(12);
    for (const [, comment, name, optional] of described) {
      expect(comment, name).toBeDefined();
      if (optional === '?') expect(comment, name).toContain('@default');
    }
  });

  it('may read a secret that was looked up by name, whose ARN lacks its end, and still no other', () => {
    const clusters = [{ name: 'lab', kubeconfigSecret: SECRET.slice(0, -7) }];
    const roles = Template.fromStack(synthesize({ ...config, clusters }).stack).findResources(
      'AWS::IAM::Policy',
    );
    const resources = Object.values(roles).flatMap(({ Properties }) =>
      (Properties.PolicyDocument.Statement as { Action: unknown; Resource: unknown }[])
        .filter(({ Action }) => Action === 'secretsmanager:GetSecretValue')
        .map(({ Resource }) => Resource),
    );
    const named = `${SECRET.slice(0, -7)}-??????`;
    expect(resources).toEqual([named, named]);
  });

  it('may be in an app once for each VPC: no stack has a name of another', () => {
    const both = new App({ context: cdk.context, analyticsReporting: false });
    const stacks = ['vpc-0123456789abcdef0', 'vpc-0fedcba9876543210'].map((vpcId, index) => {
      const network = { ...config.network, vpcId } as Config['network'];
      const clusters = config.clusters.slice(index, index + 1);
      const env = { account: '111122223333', region: 'eu-west-1' };
      return new NetnsAuditorStack(both, `Auditor${index}`, { ...config, clusters, network }, { env });
    });
    const assembly = both.synth();
    const names = stacks.map(({ stackName }) => {
      const { Resources } = assembly.getStackByName(stackName).template as {
        Resources: Record<string, { Type: string; Properties?: Record<string, unknown> }>;
      };
      // Saved queries are of their workgroup.
      return Object.values(Resources)
        .filter(({ Type }) => Type !== 'AWS::Athena::NamedQuery')
        .flatMap(({ Properties: { Name, AlarmName } = {} }) => [Name, AlarmName])
        .filter((name) => typeof name === 'string');
    });
    expect(names[0]?.length).toBeGreaterThan(1);
    expect(names[0]?.filter((name) => names[1]?.includes(name))).toEqual([]);
  });

  it('takes no dashboard where none is wanted', () => {
    const without = Template.fromStack(synthesize({ ...config, dashboard: false }).stack);
    without.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
    without.resourcePropertiesCountIs('AWS::CloudWatch::Alarm', { MetricName: 'LowestCoverage' }, 1);
  });
});

describe('the bundles of the functions', () => {
  it.each(STATES)('%s is small, and has the probe beside it', (state) => {
    const folder = bundle(state);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const parts = readdirSync(new URL('../../lib/probe/probe/', import.meta.url));
    expect(files).toEqual(expect.arrayContaining(parts.map((part) => `probe/${part}`)));
    // Functions are read-only: the code that repairs nodes is not in them.
    expect(files.filter((file) => file.startsWith('repair'))).toEqual([]);
    for (const file of files.filter((each) => each.endsWith('.mjs')))
      expect(readFileSync(join(folder, file), 'utf8')).not.toContain('./repair/');
    // A function that contacts no cluster has no client for it. The pages of reports contain those of checks;
    // the client of EventBridge is loaded only where events are sent.
    const more = state === 'conclude-cluster' ? 420_000 : 0;
    const most = ['discover-clusters', 'plan-cluster', 'audit-nodes'].includes(state)
      ? 2_700_000
      : 1_150_000 + more;
    expect(files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0)).toBeLessThan(most);
  });

  it('audit-nodes has the process that judges bundles beside it, without any client, and it runs', async () => {
    const file = join(bundle('audit-nodes'), 'judge-process.mjs');
    const judge = new Judge({ module: pathToFileURL(file) });
    const archive = readFileSync(new URL('../../demo/broken.tar.gz', import.meta.url));
    try {
      const { answer } = await judge.judge({ kind: 'archive', archive });
      expect(answer).toMatchObject({ kind: 'judged', result: { coverage: { result: 'audited' } } });
    } finally {
      judge.close();
    }
    const read = (name: string, seen = new Set<string>()): Set<string> => {
      if (seen.has(name)) return seen;
      seen.add(name);
      const text = readFileSync(join(dirname(file), name), 'utf8');
      for (const [, chunk = ''] of text.matchAll(/(?:from|import)"\.\/([^"]+)"/g)) read(chunk, seen);
      return seen;
    };
    const all = [...read('judge-process.mjs')].map((name) => readFileSync(join(dirname(file), name), 'utf8'));
    expect(all.length).toBeGreaterThan(1);
    expect(all.join('').length).toBeLessThan(700_000);
  });

  it('have the client of Security Hub only where findings go there, and stay small with it', () => {
    const files = (folder: string) =>
      readdirSync(folder)
        .filter((file) => file.endsWith('.mjs'))
        .map((file) => readFileSync(join(folder, file), 'utf8'));
    const has = (folder: string) => files(folder).some((text) => text.includes('AwsSecurityFinding'));
    for (const state of STATES) expect(has(bundle(state)), state).toBe(false);
    const withIt = bundle('conclude-cluster', { securityHub: true });
    expect(has(withIt)).toBe(true);
    expect(files(withIt).join('').length).toBeLessThan(1_450_000);
  });
});
