/**
 * The stack as CloudFormation would get it: its machine, and its functions with their bundles, environments
 * and rights.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import cdk from '../../cdk.json' with { type: 'json' };
import { NetnsAuditorStack } from '../../lib/infra/stack.ts';
import type { Config } from '../../lib/model/config.ts';
import type { Alarm } from './alarms.ts';

export const REGION = 'eu-west-1';
/** moto's. */
export const ACCOUNT = '123456789012';
export const BUCKET = 'audits';
export const TOPIC = `arn:aws:sns:${REGION}:${ACCOUNT}:changes`;

export type Statement = { readonly actions: readonly string[]; readonly resources: readonly string[] };

export type DeployedFunction = {
  readonly state: string;
  /** The network that it is for, of those with a name. */
  readonly network: string | undefined;
  readonly arn: string;
  readonly folder: string;
  readonly handler: string;
  readonly memory: number;
  readonly timeoutSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly allowed: readonly Statement[];
};

export type Deployed = {
  /** In Amazon States Language. */
  readonly definition: Record<string, unknown>;
  readonly machineArn: string;
  readonly functions: readonly DeployedFunction[];
  /** Those of metrics, with the name that the stack gives to them, or to the one that tells of them. */
  readonly alarms: readonly Alarm[];
  /** How many resources there are of a type. */
  readonly count: (type: string) => number;
};

type Resource = { readonly Type: string; readonly Properties: Record<string, never> };
type Template = { readonly Resources: Readonly<Record<string, Resource>> };

export function deployed(config: Config): Deployed {
  const outdir = mkdtempSync(join(tmpdir(), 'netns-auditor-cdk-'));
  const app = new App({ context: cdk.context, analyticsReporting: false, outdir });
  new NetnsAuditorStack(app, 'NetnsAuditor', config, { env: { account: ACCOUNT, region: REGION } });
  const template = app.synth().getStackByName('NetnsAuditor').template as Template;
  const all = Object.entries(template.Resources);
  const resolve = resolver(template);
  const ofType = (type: string) => all.filter(([, resource]) => resource.Type === type);
  const [machine] = ofType('AWS::StepFunctions::StateMachine');
  return {
    machineArn: String(resolve({ Ref: machine?.[0] })),
    count: (type) => ofType(type).length,
    alarms: ofType('AWS::CloudWatch::Alarm').map(([id, { Properties }]) => {
      const [telling = id] =
        ofType('AWS::CloudWatch::CompositeAlarm').find(([, composite]) =>
          JSON.stringify(composite.Properties.AlarmRule).includes(`"${id}"`),
        ) ?? [];
      return alarmOf(telling, resolve(Properties) as AlarmProperties);
    }),
    definition: JSON.parse(String(resolve(machine?.[1].Properties.DefinitionString))),
    functions: ofType('AWS::Lambda::Function')
      .filter(([, { Properties }]) => String(Properties.Description).startsWith('netns-auditor: '))
      .map(([id, { Properties }]) => {
        const { Code, Environment, Role } = resolve(Properties) as {
          Code: { S3Key: string };
          Environment: { Variables: Record<string, string> };
          Role: string;
        };
        const [state = '', network] = String(Properties.Description)
          .replace('netns-auditor: ', '')
          .split(', network ');
        return {
          state,
          network,
          // The first version: only one deployment is made here.
          arn: `${arnOf(id, 'AWS::Lambda::Function')}:1`,
          folder: join(outdir, `asset.${Code.S3Key.replace('.zip', '')}`),
          handler: String(Properties.Handler),
          memory: Number(Properties.MemorySize),
          timeoutSeconds: Number(Properties.Timeout),
          environment: Environment.Variables,
          allowed: ofType('AWS::IAM::Policy')
            .map(([, policy]) => resolve(policy.Properties) as Policy)
            .filter((policy) => policy.Roles.some((role) => Role.endsWith(`/${role}`)))
            .flatMap((policy) => policy.PolicyDocument.Statement)
            .map(({ Action, Resource }) => ({ actions: [Action].flat(), resources: [Resource].flat() })),
        };
      }),
  };
}

type AlarmProperties = {
  readonly MetricName: string;
  readonly Namespace: string;
  readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[];
  readonly Statistic: Alarm['statistic'];
  readonly ComparisonOperator: Alarm['comparison'];
  readonly Threshold: number;
  readonly TreatMissingData: Alarm['missing'];
};

function alarmOf(id: string, properties: AlarmProperties): Alarm {
  return {
    name: id.replace(/^AuditorMonitoring(.*)[0-9A-F]{8}$/, '$1'),
    metric: properties.MetricName,
    namespace: properties.Namespace,
    dimensions: Object.fromEntries(properties.Dimensions.map(({ Name, Value }) => [Name, Value])),
    statistic: properties.Statistic,
    comparison: properties.ComparisonOperator,
    threshold: properties.Threshold,
    missing: properties.TreatMissingData,
  };
}

type Policy = {
  readonly Roles: readonly string[];
  readonly PolicyDocument: {
    readonly Statement: readonly { Action: string | string[]; Resource: string | string[] }[];
  };
};

/** Gives each resource the name or ARN that it has here. */
function resolver({ Resources }: Template): (value: unknown) => unknown {
  const typeOf = (id: string): string => Resources[id]?.Type ?? id;
  const functionOf = (version: string): string =>
    (Resources[version]?.Properties as { FunctionName: { Ref: string } } | undefined)?.FunctionName.Ref ?? '';
  const refOf = (id: string): string => {
    if (id === 'AWS::Partition') return 'aws';
    switch (typeOf(id)) {
      case 'AWS::S3::Bucket':
        return BUCKET;
      case 'AWS::SNS::Topic':
        return TOPIC;
      case 'AWS::Lambda::Version':
        return `${String(resolve({ 'Fn::GetAtt': [functionOf(id), 'Arn'] }))}:1`;
      default:
        return id;
    }
  };
  function resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const [[intrinsic, argument] = []] = Object.entries(value) as [string, unknown][];
    switch (intrinsic) {
      case 'Ref':
        return refOf(String(argument));
      case 'Fn::GetAtt': {
        const [id = ''] = argument as string[];
        return arnOf(id, typeOf(id));
      }
      case 'Fn::Join': {
        const [separator, parts] = argument as [string, unknown[]];
        return parts.map(resolve).join(separator);
      }
      case 'Fn::Split': {
        const [separator, text] = argument as [string, unknown];
        return String(resolve(text)).split(separator);
      }
      case 'Fn::Select': {
        const [index, items] = argument as [number, unknown];
        return (resolve(items) as unknown[])[Number(index)];
      }
      default:
        return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, resolve(each)]));
    }
  }
  return resolve;
}

function arnOf(id: string, type: string): string {
  if (type === 'AWS::S3::Bucket') return `arn:aws:s3:::${BUCKET}`;
  if (type === 'AWS::IAM::Role') return `arn:aws:iam::${ACCOUNT}:role/${id}`;
  const [, service = '', kind = ''] = type.split('::');
  return `arn:aws:${service.toLowerCase()}:${REGION}:${ACCOUNT}:${kind.toLowerCase()}:${id}`;
}
