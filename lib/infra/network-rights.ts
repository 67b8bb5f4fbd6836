/** Rights that Lambda needs to place a function into subnets, and that the code of the function must not have. */
import { Effect, Policy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { acknowledgeWildcards } from './acknowledge.ts';

/** What Lambda does with a function's role to place it into subnets. */
export const NETWORK_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
] as const;

/**
 * Denies these rights to the code, which reads the output of hostile nodes, but not to Lambda: only the
 * code's calls carry the ARN of a function. A separate policy, as functions depend on their role's
 * policy, and this one names the functions.
 *
 * @param functions - all that have the role
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html "Example VPC configuration with deny"
 */
export function denyNetwork(
  scope: Construct,
  id: string,
  role: Role,
  functions: readonly LambdaFunction[],
): void {
  const policy = new Policy(scope, id, {
    roles: [role],
    statements: [
      new PolicyStatement({
        effect: Effect.DENY,
        actions: [...NETWORK_ACTIONS, 'ec2:DetachNetworkInterface'],
        resources: ['*'],
        conditions: {
          ArnEquals: {
            'lambda:SourceFunctionArn': functions.flatMap(({ functionArn }) => [
              functionArn,
              `${functionArn}:*`,
            ]),
          },
        },
      }),
    ],
  });
  acknowledgeWildcards(policy, { 'Resource::*': 'It denies.' });
}
