/** The packs of rules that security teams run over whole apps: NIST 800-53 R5, HIPAA, PCI DSS. */
import { App, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks } from 'cdk-nag';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import cdk from '../../cdk.json' with { type: 'json' };
import { NetnsAuditorStack } from '../../lib/infra/stack.ts';
import { type Config, configSchema } from '../../lib/model/config.ts';
import { config } from './synthesized.ts';

// Nothing here looks into the code: making five bundles takes longer than everything else.
vi.mock('../../lib/infra/bundle.ts', async (original) => ({
  ...(await original<typeof import('../../lib/infra/bundle.ts')>()),
  bundle: () => new URL('../../lambda', import.meta.url).pathname,
}));

const KEY = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const everything = configSchema.parse({
  ...config,
  encryptionKey: KEY,
  discover: { accounts: ['444455556666'], regions: ['eu-west-1'], externalId: 'f81d4fae-7dec-11d0' },
  securityHub: true,
  events: true,
  digest: true,
  imageCache: {
    credentialsSecret:
      'arn:aws:secretsmanager:eu-west-1:111122223333:secret:ecr-pullthroughcache/docker-hub-Ab12Cd',
  },
});

function withPacks(of: Config): { app: App; stack: NetnsAuditorStack } {
  const app = new App({ context: cdk.context, analyticsReporting: false });
  Validations.of(app).addPlugins(
    new NIST80053R5Checks(app),
    new HIPAASecurityChecks(app),
    new PCIDSS321Checks(app),
  );
  const env = { account: '111122223333', region: 'eu-west-1' };
  return { app, stack: new NetnsAuditorStack(app, 'NetnsAuditor', of, { env }) };
}

describe('the stack', () => {
  it.each([
    ['as in the examples', config],
    ['with a key and every option', everything],
  ])(
    'passes NIST, HIPAA and PCI %s, but for what is acknowledged with a reason',
    (_, of) => {
      expect(() => withPacks(of).app.synth()).not.toThrow();
    },
    240_000,
  );
});

describe('with a key of its owner', () => {
  let template: Template;
  beforeAll(() => {
    template = Template.fromStack(withPacks(everything).stack);
  }, 240_000);
  const properties = (type: string) =>
    Object.values(template.findResources(type)).map((resource) => resource.Properties);

  it('names the image that nodes pull in what runs are started with', () => {
    const [machine] = properties('AWS::StepFunctions::StateMachine');
    expect(JSON.stringify(machine?.DefinitionString)).toMatch(
      /111122223333\.dkr\.ecr\.eu-west-1\..*?\/docker-hub\/nicolaka\/netshoot:/,
    );
    template.hasOutput('ProbeImage', {});
  });

  it('everything that is kept is encrypted with it, and the stack makes no other', () => {
    template.resourceCountIs('AWS::KMS::Key', 0);
    const [bucket] = properties('AWS::S3::Bucket');
    expect(bucket?.BucketEncryption.ServerSideEncryptionConfiguration).toEqual([
      {
        BucketKeyEnabled: true,
        ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: KEY },
      },
    ]);
    const groups = properties('AWS::Logs::LogGroup');
    expect(groups.length).toBeGreaterThan(6);
    for (const { KmsKeyId } of groups) expect(KmsKeyId).toBe(KEY);
    for (const { KmsMasterKeyId } of properties('AWS::SNS::Topic')) expect(KmsMasterKeyId).toBe(KEY);
    const [workgroup] = properties('AWS::Athena::WorkGroup');
    expect(workgroup?.WorkGroupConfiguration.ResultConfiguration.EncryptionConfiguration).toEqual({
      EncryptionOption: 'SSE_KMS',
      KmsKey: KEY,
    });
  });

  it('every role may use it for what it reads and writes, and nothing else of KMS', () => {
    const used = new Map<string, string[]>();
    for (const { Roles, PolicyDocument } of properties('AWS::IAM::Policy'))
      for (const { Action, Resource } of PolicyDocument.Statement) {
        const actions = [Action].flat().filter((action: string) => action.startsWith('kms:'));
        if (actions.length === 0) continue;
        expect(Resource).toBe(KEY);
        const role = /Auditor(?:Functions)?(\w+?)Role/.exec(JSON.stringify(Roles))?.[1] ?? 'other';
        used.set(role, [...new Set([...(used.get(role) ?? []), ...actions])].toSorted());
      }
    const read = 'kms:Decrypt';
    const write = 'kms:GenerateDataKey';
    // The last two also publish to the topic.
    const publish = 'kms:GenerateDataKey*';
    expect(Object.fromEntries(used)).toEqual({
      DiscoverClusters: [write],
      PlanFleet: [read, write],
      PlanCluster: [read, write],
      AuditNodes: [read, write],
      ConcludeCluster: [read, write, publish],
      ConcludeFleet: [read, write, publish],
      StatesMachine: [read],
    });
  });
});

describe('messages that a subscriber did not take', () => {
  it('are kept for two weeks, for every subscription', () => {
    const template = Template.fromStack(withPacks(config).stack);
    const subscriptions = Object.values(template.findResources('AWS::SNS::Subscription'));
    expect(subscriptions).toHaveLength(2);
    const queues = Object.entries(template.findResources('AWS::SQS::Queue'));
    for (const { Properties } of subscriptions) {
      const [id = ''] = Properties.RedrivePolicy.deadLetterTargetArn['Fn::GetAtt'];
      const [, queue] = queues.find(([name]) => name === id) ?? [];
      expect(queue?.Properties).toMatchObject({
        MessageRetentionPeriod: 14 * 24 * 3600,
        SqsManagedSseEnabled: true,
      });
    }
  }, 240_000);
});
