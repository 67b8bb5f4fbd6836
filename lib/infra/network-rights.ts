/** Rights that Lambda needs to place a function into subnets, and that the code of the function must not have. */
import { Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';

/** What Lambda does with a function's role to place it into subnets. */
const NETWORK_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
] as const;

/**
 * Allows these rights to Lambda, and denies them to the code, which reads the output of hostile nodes: only the code's
 * calls carry the ARN of a function. All functions of the account are meant, as the inline policies of a role have
 * 10,240 characters: two for each function and network would fill them.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html "Example VPC configuration with deny"
 */
export function allowNetwork(role: Role): void {
  const { partition, region, account } = Stack.of(role);
  role.addToPolicy(new PolicyStatement({ actions: [...NETWORK_ACTIONS], resources: ['*'] }));
  role.addToPolicy(
    new PolicyStatement({
      effect: Effect.DENY,
      actions: [...NETWORK_ACTIONS, 'ec2:DetachNetworkInterface'],
      resources: ['*'],
      conditions: {
        ArnLike: { 'lambda:SourceFunctionArn': `arn:${partition}:lambda:${region}:${account}:function:*` },
      },
    }),
  );
}
