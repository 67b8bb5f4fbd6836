/** Wildcards of policies, acknowledged one by one under the ids that cdk-nag gives them: a new one is a new finding. */
import { type CfnElement, Stack, Token, Validations } from 'aws-cdk-lib';
import type { Construct, IConstruct } from 'constructs';

/**
 * Says of wildcards in IAM policies why they are right, so that cdk-nag takes them.
 *
 * @param reasons - by the part in brackets of cdk-nag's finding, such as `Resource::*`
 */
export function acknowledgeWildcards(on: IConstruct, reasons: Readonly<Record<string, string>>): void {
  Validations.of(on).acknowledge(
    ...Object.entries(reasons).map(([finding, reason]) => ({ id: `AwsSolutions-IAM5[${finding}]`, reason })),
  );
}

/** The logical id of a construct's own resource. */
export function logicalId(of: Construct): string {
  const stack = Stack.of(of);
  return String(stack.resolve(stack.getLogicalId(of.node.defaultChild as CfnElement)));
}

/** Partition, region and account as cdk-nag writes them: pseudo parameters where the stack is of none. */
export function place(of: Construct): Readonly<Record<'partition' | 'region' | 'account', string>> {
  const { partition, region, account } = Stack.of(of);
  return {
    partition: Token.isUnresolved(partition) ? '<AWS::Partition>' : partition,
    region: Token.isUnresolved(region) ? '<AWS::Region>' : region,
    account: Token.isUnresolved(account) ? '<AWS::AccountId>' : account,
  };
}
