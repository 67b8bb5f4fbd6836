/** The template as CloudFormation and Step Functions read it, and every line of it for reviewers of a change. */
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { hasCfnLint, lint } from './cfn-lint.ts';
import { definitionOf, mistakesInStates, synthesize } from './synthesized.ts';

// This test does not look at code: bundling the functions takes longer than everything else.
vi.mock('../../lib/infra/bundle.ts', async (original) => ({
  ...(await original<typeof import('../../lib/infra/bundle.ts')>()),
  bundle: () => new URL('../../lambda', import.meta.url).pathname,
}));

type Resource = { Type: string; Properties?: Record<string, unknown>; [other: string]: unknown };
/** Readable, and the same for every version of the code and of the package. */
function normalised(template: Template): string {
  const json = structuredClone(template.toJSON());
  for (const resource of Object.values(json.Resources as Record<string, Resource>)) {
    if (resource.Type === 'AWS::StepFunctions::StateMachine' && resource.Properties !== undefined)
      resource.Properties.DefinitionString = definitionOf(template);
  }
  return stringify(json, { lineWidth: 0 })
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'HASH')
    .replaceAll(/(Version)[0-9a-f]{16}[0-9A-F]{8}/g, '$1HASH')
    .replaceAll(/AUDITOR_VERSION: .*/g, 'AUDITOR_VERSION: VERSION');
}

let template: Template;
beforeAll(() => {
  template = Template.fromStack(synthesize().stack);
}, 240_000);

describe('the template', () => {
  it('changes only on purpose: review the difference, then run this file again with --update', async () => {
    await expect(normalised(template)).toMatchFileSnapshot('template.snapshot.yaml');
  });

  it('keeps the logical ids of what holds data: another id is a new, empty resource', () => {
    const types = [
      'AWS::S3::Bucket',
      'AWS::KMS::Key',
      'AWS::SNS::Topic',
      'AWS::SQS::Queue',
      'AWS::Glue::Database',
      'AWS::Glue::Table',
      'AWS::Athena::WorkGroup',
      'AWS::Logs::LogGroup',
      'AWS::StepFunctions::StateMachine',
    ];
    const ids = types.map((type) => [type, Object.keys(template.findResources(type)).toSorted()]);
    expect(Object.fromEntries(ids)).toEqual({
      'AWS::S3::Bucket': ['AuditorStorageBucketB9EF31BD'],
      'AWS::KMS::Key': ['AuditorStorageKeyFC9E098A'],
      'AWS::SNS::Topic': ['AuditorStorageTopic0349B6E8'],
      'AWS::SQS::Queue': ['AuditorStorageDeadLetters505D858E', 'AuditorStorageUndelivered0FB5F061'],
      'AWS::Glue::Database': ['AuditorQueriesDatabaseA2EDC834'],
      'AWS::Glue::Table': ['AuditorQueriesFindingsCF1C84BF', 'AuditorQueriesNodes06C38CE6'],
      'AWS::Athena::WorkGroup': ['AuditorQueriesWorkgroupE2EBEF32'],
      'AWS::Logs::LogGroup': [
        'AuditorFunctionsAuditNodesLogs27EE092D',
        'AuditorFunctionsConcludeClusterLogsA3075A50',
        'AuditorFunctionsConcludeFleetLogs16B1E1DA',
        'AuditorFunctionsPlanClusterLogs6F537252',
        'AuditorFunctionsPlanFleetLogsBD0EF0EB',
        'AuditorStatesLogs45CFC638',
      ],
      'AWS::StepFunctions::StateMachine': ['AuditorStatesMachineB30D6394'],
    });
  });

  it('keeps bucket and key when the stack is deleted', () => {
    for (const type of ['AWS::S3::Bucket', 'AWS::KMS::Key'])
      template.hasResource(type, { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  it('names nothing that CloudFormation could name, but the workgroup: names stand in the way of replacements', () => {
    const named = Object.entries(template.toJSON().Resources as Record<string, Resource>).filter(
      ([, { Type, Properties = {} }]) =>
        // The function that it is a version of; and what CDK names itself, of which nothing is ever replaced.
        !['AWS::Lambda::Version', 'AWS::CloudWatch::CompositeAlarm'].includes(Type) &&
        Object.keys(Properties).some((key) =>
          /^(?:Bucket|Function|Role|Topic|Queue|StateMachine|Alarm|Dashboard|LogGroup)Name$/.test(key),
        ),
    );
    expect(named.map(([id]) => id)).toEqual([]);
  });

  it.skipIf(!hasCfnLint)(
    'is clean for cfn-lint',
    () => {
      expect(lint('NetnsAuditor.template.json', JSON.stringify(template.toJSON()))).toBe('');
    },
    240_000,
  );
});

describe('the state machine', () => {
  it('is Amazon States Language to asl-validator', () => {
    expect(mistakesInStates(definitionOf(template))).toBe('');
    expect(mistakesInStates({ StartAt: 'A', States: { A: { Type: 'Map' } } })).not.toBe('');
  });
});
