/** deploy/cross-account-role.yaml: what another account grants, and nothing else. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { hasCfnLint, lint } from './cfn-lint.ts';

const text = (file: string): string => readFileSync(new URL(`../../deploy/${file}`, import.meta.url), 'utf8');
/** Short forms of functions, such as `!Sub`, replaced by their argument. */
const customTags = ['Ref', 'Sub', 'GetAtt'].map((name) => ({
  tag: `!${name}`,
  resolve: (value: string) => value,
}));
const template = parse(text('cross-account-role.yaml'), { customTags });
const { Role, AccessEntry } = template.Resources;

describe('the template for other accounts', () => {
  it('trusts the roles that it is given, with the external id, and nobody else', () => {
    expect(Role.Properties.AssumeRolePolicyDocument.Statement).toEqual([
      {
        Effect: 'Allow',
        Principal: { AWS: 'AuditorRoleArns' },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': 'ExternalId' } },
      },
    ]);
    expect(template.Parameters.ExternalId).toMatchObject({ MinLength: 16 });
    expect(template.Parameters.ExternalId.Default).toBeUndefined();
  });

  it('allows to look up the one cluster', () => {
    expect(Role.Properties.ManagedPolicyArns).toBeUndefined();
    expect(Role.Properties.Policies).toHaveLength(1);
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: as CloudFormation writes it
    expect(Role.Properties.Policies[0].PolicyDocument.Statement).toEqual([
      {
        Effect: 'Allow',
        Action: 'eks:DescribeCluster',
        Resource: 'arn:${AWS::Partition}:eks:${AWS::Region}:${AWS::AccountId}:cluster/${ClusterName}',
      },
    ]);
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: as CloudFormation writes it
  });

  it('puts the role into the group that deploy/rbac.yaml gives its rights', () => {
    const subjects = parseAllDocuments(text('rbac.yaml')).flatMap(
      (document) => document.toJS().subjects ?? [],
    );
    const groups = new Set(
      subjects.map(({ kind, name }: { kind: string; name: string }) => `${kind} ${name}`),
    );
    expect([...groups]).toEqual(
      AccessEntry.Properties.KubernetesGroups.map((name: string) => `Group ${name}`),
    );
    expect(AccessEntry.Properties).toMatchObject({ PrincipalArn: 'Role.Arn', Type: 'STANDARD' });
    expect(AccessEntry.Properties.AccessPolicies).toBeUndefined();
  });

  it.skipIf(!hasCfnLint)(
    'is clean for cfn-lint',
    () => {
      expect(lint('cross-account-role.yaml', text('cross-account-role.yaml'))).toBe('');
    },
    240_000,
  );
});
