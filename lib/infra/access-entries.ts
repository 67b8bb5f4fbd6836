/** EKS access entries: CloudFormation creates them only for clusters of the stack's own account and region. */
import { CfnCondition, CfnOutput, Fn, Stack, Token } from 'aws-cdk-lib';
import { CfnAccessEntry } from 'aws-cdk-lib/aws-eks';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { ClusterConfig } from '../model/clusters.ts';
import { KUBERNETES_GROUP } from './account-template.ts';
import { hashOf, idOf } from './ids.ts';

/**
 * Puts roles into the group that deploy/rbac.yaml gives its rights. Clusters with their own role are in
 * another account; an output names those of other regions, as somebody has to admit the roles there.
 *
 * A stack that does not know its region (a synth without credentials) lets CloudFormation decide which applies.
 *
 * @param roles - by the name of their function
 */
export function admit(
  scope: Construct,
  roles: Readonly<Record<string, IRole>>,
  clusters: readonly ClusterConfig[],
): void {
  const wanted = clusters.flatMap((cluster) =>
    'eks' in cluster && cluster.eks.roleArn === undefined && cluster.eks.accessEntry ? [cluster] : [],
  );
  for (const [region, ofRegion] of Map.groupBy(wanted, ({ eks }) => eks.region)) {
    const { here, elsewhere } = placeOf(scope, region);
    if (here !== false)
      for (const [name, { roleArn }] of Object.entries(roles))
        for (const cluster of ofRegion) {
          const entry = new CfnAccessEntry(scope, `${name}Access${idOf(cluster.name)}`, {
            clusterName: cluster.eks.name,
            principalArn: roleArn,
            type: 'STANDARD',
            kubernetesGroups: [KUBERNETES_GROUP],
          });
          if (here !== true) entry.cfnOptions.condition = here;
        }
    if (elsewhere !== false)
      new CfnOutput(scope, `NoAccessEntries${regionId(scope, region)}`, {
        description:
          'Clusters of another region, whose access entries are yours to make: docs/operations-clusters.md',
        value: ofRegion.map(({ name, eks }) => `${name} (${eks.name}, ${eks.region})`).join(', '),
        ...(elsewhere === true ? {} : { condition: elsewhere }),
      });
  }
}

type Place = Readonly<Record<'here' | 'elsewhere', boolean | CfnCondition>>;

/** Whether the stack is in this region, as far as is known before it is deployed. */
function placeOf(scope: Construct, region: string): Place {
  const own = Stack.of(scope).region;
  if (own === region) return { here: true, elsewhere: false };
  if (!Token.isUnresolved(own) && !Token.isUnresolved(region)) return { here: false, elsewhere: true };
  const id = regionId(scope, region);
  const here = new CfnCondition(scope, `Is${id}`, { expression: Fn.conditionEquals(own, region) });
  const expression = Fn.conditionNot(here);
  return { here, elsewhere: new CfnCondition(scope, `IsNot${id}`, { expression }) };
}

function regionId(scope: Construct, region: string): string {
  return Token.isUnresolved(region) ? hashOf(scope, region) : region;
}
