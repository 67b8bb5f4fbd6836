/** The stack of a config that uses every part of it. */
import { createRequire } from 'node:module';
import { App, type Environment, type Stack, Validations } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import cdk from '../../cdk.json' with { type: 'json' };
import { NetnsAuditorStack } from '../../lib/infra/stack.ts';
import { type Config, configSchema } from '../../lib/model/config.ts';

export const SECRET = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:lab-AbCdEf';
export const config = configSchema.parse({
  clusters: [
    { name: 'prod-eu', eks: { name: 'prod', region: 'eu-west-1' } },
    {
      name: 'prod-us',
      eks: {
        name: 'prod',
        region: 'us-east-1',
        roleArn: 'arn:aws:iam::444455556666:role/reader',
        externalId: 'abc',
      },
    },
    { name: 'lab', kubeconfigSecret: SECRET },
  ],
  schedule: { expression: 'cron(30 3 * * ? *)', timeZone: 'Europe/Berlin' },
  monitor: { enabled: true },
  subscriptions: [
    { protocol: 'email', endpoint: 'platform@example.com' },
    { protocol: 'email', endpoint: 'on-call@example.com', minSeverity: 'high' },
  ],
  network: {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['eu-west-1a'],
    subnetIds: ['subnet-0123456789abcdef0'],
    securityGroupIds: ['sg-0123456789abcdef0'],
  },
});

/** @param env - none is what a synth without credentials has */
export function synthesize(
  of: Config = config,
  env: Environment = { account: '111122223333', region: 'eu-west-1' },
): { app: App; stack: Stack } {
  const app = new App({ context: cdk.context, analyticsReporting: false });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const stack = new NetnsAuditorStack(app, 'NetnsAuditor', of, { env });
  return { app, stack };
}

/** The definition of the state machine, with `${ID}` or `${ID.Arn}` instead of references. */
export function definitionOf(template: Template): Record<string, unknown> {
  const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'));
  const parts: (string | Record<string, string | string[]>)[] =
    machine?.Properties.DefinitionString['Fn::Join'][1];
  return JSON.parse(
    parts
      .map((part) => (typeof part === 'string' ? part : `\${${[Object.values(part)[0]].flat().join('.')}}`))
      .join(''),
  );
}

type AslValidator = (definition: object) => { isValid: boolean; errorsText(): string };

/** What asl-validator has against a definition in Amazon States Language; empty: nothing. */
export function mistakesInStates(definition: object): string {
  // It is CommonJS without types.
  const validate = createRequire(import.meta.url)('asl-validator') as AslValidator;
  const text = JSON.stringify(definition).replaceAll(
    /\$\{(\w+)\}/g,
    'arn:aws:lambda:eu-west-1:111122223333:function:$1',
  );
  const { isValid, errorsText } = validate(JSON.parse(text));
  return isValid ? '' : errorsText();
}
