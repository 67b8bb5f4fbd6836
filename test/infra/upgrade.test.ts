/** A deployment while a run is under way: the run goes on with the code that it began with. */
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { config, definitionOf, synthesize } from './synthesized.ts';

// Nothing here looks into the code: making five bundles takes longer than everything else.
vi.mock('../../lib/infra/bundle.ts', async (original) => ({
  ...(await original<typeof import('../../lib/infra/bundle.ts')>()),
  bundle: () => new URL('../../lambda', import.meta.url).pathname,
}));

/** What the states of a machine invoke, by logical id. */
function invoked(template: Template): string[] {
  const text = JSON.stringify(definitionOf(template));
  return [...text.matchAll(/"Resource":"\$\{([^}]+)\}"/g)].map(([, id = '']) => id).toSorted();
}

let before: Template;
/** Its end of the run has other settings. */
let after: Template;
beforeAll(() => {
  before = Template.fromStack(synthesize().stack);
  after = Template.fromStack(synthesize({ ...config, digest: true }).stack);
}, 240_000);

describe('a deployment during a run', () => {
  it('leaves the versions that the run invokes, as its definition names them and not the functions', () => {
    const versions = before.findResources('AWS::Lambda::Version');
    expect(invoked(before)).toEqual(Object.keys(versions).toSorted());
    expect(invoked(before)).toHaveLength(5);
    // What a failed deployment published has to go, as nothing can be published twice.
    for (const [id, version] of Object.entries(versions))
      expect(version, id).toMatchObject({
        DeletionPolicy: 'RetainExceptOnCreate',
        UpdateReplacePolicy: 'Retain',
      });
  });

  it('publishes a version of what changed, and of nothing else', () => {
    const kept = invoked(before).filter((id) => invoked(after).includes(id));
    expect(kept).toHaveLength(4);
    const [changed = ''] = invoked(after).filter((id) => !kept.includes(id));
    expect(changed).toMatch(/ConcludeFleetVersion/);
  });

  it('leaves runs the right to invoke every version, earlier ones too', () => {
    const [machine] = Object.values(after.findResources('AWS::StepFunctions::StateMachine'));
    const [role = ''] = machine?.Properties.RoleArn['Fn::GetAtt'] ?? [];
    const resources = Object.values(after.findResources('AWS::IAM::Policy'))
      .filter(({ Properties }) => JSON.stringify(Properties.Roles).includes(role))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter(({ Action }) => Action === 'lambda:InvokeFunction')
      .flatMap(({ Resource }) => Resource);
    for (const { Properties } of Object.values(before.findResources('AWS::Lambda::Version')))
      expect(resources).toContainEqual({
        'Fn::Join': ['', [{ 'Fn::GetAtt': [Properties.FunctionName.Ref, 'Arn'] }, ':*']],
      });
  });
});
