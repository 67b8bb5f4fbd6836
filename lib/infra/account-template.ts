/**
 * The StackSet template: in each account the role that finds and audits clusters, in each region their access
 * entries.
 */
import { stringify } from 'yaml';
import { skipped } from './rule-packs.ts';

/** The group that deploy/rbac.yaml gives its rights. */
export const KUBERNETES_GROUP = 'netns-auditor';

/**
 * Creates the access entry of each cluster that has none. It reads nothing from a cluster, and its role can
 * create only this entry, so the auditor's own roles change nothing anywhere.
 */
const ADMIT = `import json, os
import boto3

def handler(event, context):
    eks = boto3.client('eks')
    tags = json.loads(os.environ['TAGS'])
    admitted, failed = [], {}
    for page in eks.get_paginator('list_clusters').paginate():
        for name in page['clusters']:
            try:
                cluster = eks.describe_cluster(name=name)['cluster']
                has = cluster.get('tags', {})
                if cluster['status'] != 'ACTIVE' or any(has.get(key) != tags[key] for key in tags):
                    continue
                eks.create_access_entry(clusterName=name, principalArn=os.environ['ROLE_ARN'],
                                        type='STANDARD', kubernetesGroups=[os.environ['GROUP']])
                admitted.append(name)
            except eks.exceptions.ResourceInUseException:
                pass
            except Exception as error:
                failed[name] = str(error)
    result = {'admitted': admitted, 'failed': failed}
    print(json.dumps(result))
    return result
`;

// CloudFormation reads YAML 1.1, in which yes and no without quotes are true and false.
const YAML = { version: '1.1', aliasDuplicateObjects: false, lineWidth: 0 } as const;

const sub = (text: string) => ({ 'Fn::Sub': text });
const ref = (name: string) => ({ Ref: name });

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: as CloudFormation writes it
const CLUSTERS = sub('arn:${AWS::Partition}:eks:*:${AWS::AccountId}:cluster/*');
const ROLE = sub('arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${RoleName}');

const allow = (Action: string | string[], Resource: unknown, Condition?: object) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition === undefined ? {} : { Condition }),
});

const trust = (Principal: object, Condition?: object) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal,
      Action: 'sts:AssumeRole',
      ...(Condition === undefined ? {} : { Condition }),
    },
  ],
});

/** deploy/discovered-account.yaml, as text. Long, as the template is one value. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: see the docstring.
export function accountTemplate(): string {
  const template = {
    AWSTemplateFormatVersion: '2010-09-09',
    Description:
      'Lets netns-auditor, which runs in another account, find and audit the EKS clusters of this ' +
      'account. For a StackSet, or a stack in each region.',
    Parameters: {
      AuditorRoleArns: {
        Type: 'CommaDelimitedList',
        Description: 'Roles of the auditor: output AccountRoles of its stack.',
      },
      ExternalId: {
        Type: 'String',
        MinLength: 16,
        MaxLength: 1224,
        AllowedPattern: '[\\w+=,.@:/-]+',
        Description: 'The same as discover.externalId in netns-audit.yaml.',
      },
      RoleName: {
        Type: 'String',
        Default: 'netns-auditor',
        AllowedPattern: '[\\w+=,.@-]{1,58}',
        Description: 'The same as discover.role in netns-audit.yaml.',
      },
      HomeRegion: {
        Type: 'String',
        Description:
          'The one of the regions of the StackSet that makes the roles, as an account has roles once.',
      },
      AccessEntries: {
        Type: 'String',
        AllowedValues: ['yes', 'no'],
        Default: 'yes',
        Description:
          'Whether each cluster gets its access entry, within an hour. no: you make them yourself.',
      },
      Tags: {
        Type: 'String',
        Default: '{}',
        Description: 'Only clusters with these tags get one: JSON, such as {"audit":"yes"}.',
      },
    },
    Conditions: {
      IsHome: { 'Fn::Equals': [ref('AWS::Region'), ref('HomeRegion')] },
      Admits: { 'Fn::Equals': [ref('AccessEntries'), 'yes'] },
      AdmitsHere: { 'Fn::And': [{ Condition: 'IsHome' }, { Condition: 'Admits' }] },
    },
    Resources: {
      Role: {
        Type: 'AWS::IAM::Role',
        Condition: 'IsHome',
        Properties: {
          RoleName: ref('RoleName'),
          Description: 'netns-auditor lists EKS clusters, reads where their APIs are, and signs in to them',
          MaxSessionDuration: 3600,
          AssumeRolePolicyDocument: trust(
            { AWS: ref('AuditorRoleArns') },
            { StringEquals: { 'sts:ExternalId': ref('ExternalId') } },
          ),
          Policies: [
            {
              PolicyName: 'find-clusters',
              PolicyDocument: {
                Version: '2012-10-17',
                Statement: [allow('eks:ListClusters', '*'), allow('eks:DescribeCluster', CLUSTERS)],
              },
            },
          ],
          Tags: [{ Key: 'app', Value: 'netns-auditor' }],
        },
      },
      AdmitRole: {
        Type: 'AWS::IAM::Role',
        Condition: 'AdmitsHere',
        Properties: {
          RoleName: sub('${RoleName}-admit'),
          AssumeRolePolicyDocument: trust({ Service: 'lambda.amazonaws.com' }),
          Policies: [
            {
              PolicyName: 'admit-the-auditor',
              PolicyDocument: {
                Version: '2012-10-17',
                Statement: [
                  allow('eks:ListClusters', '*'),
                  allow('eks:DescribeCluster', CLUSTERS),
                  allow('eks:CreateAccessEntry', CLUSTERS, {
                    ArnEquals: { 'eks:principalArn': ROLE },
                    StringEquals: { 'eks:accessEntryType': 'STANDARD' },
                    'ForAllValues:StringEquals': { 'eks:kubernetesGroups': [KUBERNETES_GROUP] },
                  }),
                  allow(
                    ['logs:CreateLogStream', 'logs:PutLogEvents'],
                    sub('arn:${AWS::Partition}:logs:*:${AWS::AccountId}:log-group:/netns-auditor/admit:*'),
                  ),
                ],
              },
            },
          ],
          Tags: [{ Key: 'app', Value: 'netns-auditor' }],
        },
      },
      AdmitLogs: {
        Type: 'AWS::Logs::LogGroup',
        Condition: 'Admits',
        DeletionPolicy: 'Delete',
        UpdateReplacePolicy: 'Delete',
        Metadata: {
          checkov: skipped({
            CKV_AWS_158: 'CloudWatch encrypts it with its own key; it has names of clusters alone.',
          }),
        },
        Properties: { LogGroupName: '/netns-auditor/admit', RetentionInDays: 30 },
      },
      Admit: {
        Type: 'AWS::Lambda::Function',
        Condition: 'Admits',
        Metadata: {
          checkov: skipped({
            CKV_AWS_115: 'It is called once an hour.',
            CKV_AWS_116: 'What fails is tried again an hour later.',
            CKV_AWS_117: 'It calls AWS alone, and no cluster.',
            CKV_AWS_173: 'There are no secrets in the environment, and Lambda encrypts it with its own key.',
          }),
        },
        Properties: {
          Description: 'netns-auditor: gives each EKS cluster its access entry',
          Runtime: 'python3.13',
          Architectures: ['arm64'],
          Handler: 'index.handler',
          // Only the home region creates it, and waits for it; the others know its name.
          Role: {
            'Fn::If': [
              'IsHome',
              { 'Fn::GetAtt': ['AdmitRole', 'Arn'] },
              sub('arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${RoleName}-admit'),
            ],
          },
          Timeout: 300,
          MemorySize: 256,
          Environment: { Variables: { ROLE_ARN: ROLE, TAGS: ref('Tags'), GROUP: KUBERNETES_GROUP } },
          LoggingConfig: { LogGroup: ref('AdmitLogs') },
          Code: { ZipFile: ADMIT },
        },
      },
      AdmitHourly: {
        Type: 'AWS::Events::Rule',
        Condition: 'Admits',
        Properties: {
          Description: 'netns-auditor: looks for clusters without its access entry',
          ScheduleExpression: 'rate(1 hour)',
          Targets: [{ Id: 'admit', Arn: { 'Fn::GetAtt': ['Admit', 'Arn'] } }],
        },
      },
      AdmitPermission: {
        Type: 'AWS::Lambda::Permission',
        Condition: 'Admits',
        Properties: {
          FunctionName: ref('Admit'),
          Action: 'lambda:InvokeFunction',
          Principal: 'events.amazonaws.com',
          SourceArn: { 'Fn::GetAtt': ['AdmitHourly', 'Arn'] },
        },
      },
    },
  };
  return (
    '# Made by npm run generate: docs/operations-discover.md explains how to deploy ' +
    `it.\n${stringify(template, YAML)}`
  );
}
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as CloudFormation writes it
