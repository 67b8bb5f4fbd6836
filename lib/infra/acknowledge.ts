/** Policy wildcards, acknowledged one by one under their cdk-nag ids: a new wildcard is a new finding. */
import { type CfnElement, Stack, Token, Validations } from 'aws-cdk-lib';
import type { Construct, IConstruct } from 'constructs';

/**
 * States why wildcards in IAM policies are right, so that cdk-nag accepts them.
 *
 * @param reasons - by the bracketed part of cdk-nag's finding, such as `Resource::*`
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

/** Partition, region and account as cdk-nag writes them: pseudo parameters where the stack has none. */
export function place(of: Construct): Readonly<Record<'partition' | 'region' | 'account', string>> {
  const { partition, region, account } = Stack.of(of);
  return {
    partition: Token.isUnresolved(partition) ? '<AWS::Partition>' : partition,
    region: Token.isUnresolved(region) ? '<AWS::Region>' : region,
    account: Token.isUnresolved(account) ? '<AWS::AccountId>' : account,
  };
}
