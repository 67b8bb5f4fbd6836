/** Where the functions that connect to clusters are placed, from the props of the construct. */
import { Stack, Token } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import * as z from 'zod';
import { MOST_NETWORKS, type NetworkName, networkNameSchema } from '../model/vpc-networks.ts';
import { invalidProp, objectSchema, validProps } from './validate.ts';

/** Where functions that connect to clusters are placed. */
export type Placement = {
  readonly vpc: IVpc;
  readonly vpcSubnets?: SubnetSelection;
  readonly securityGroups?: ISecurityGroup[];
};

type Optional<T> = { readonly [Key in keyof T]?: T[Key] | undefined };
type Given = Pick<Placement, 'vpc'> & Optional<Omit<Placement, 'vpc'>>;
/** As the construct gets them. */
type PlacementProps = Optional<Placement> & {
  readonly networks?: readonly (Given & { readonly name: string; readonly discovered?: readonly string[] })[];
};

/** @throws AuditError CONFIG_INVALID that names the property, and the mistake */
export function placementsOf(
  scope: Construct,
  props: PlacementProps,
): { readonly network: Placement | undefined; readonly networks: readonly (Placement & NetworkName)[] } {
  const { vpc, vpcSubnets, securityGroups, networks = [] } = props;
  if (vpc === undefined && (vpcSubnets !== undefined || securityGroups !== undefined))
    throw invalidProp(
      'vpcSubnets and securityGroups are in a VPC, and there is no vpc: no function would be in them',
      'Give vpc, or leave out both.',
    );
  if (vpc !== undefined) refuseUnusableVpc(scope, vpc, 'vpc');
  const entries = validProps(entriesSchema, networks, 'networks');
  return {
    network: vpc === undefined ? undefined : placementOf({ vpc, vpcSubnets, securityGroups }),
    networks: networks.map((each, index) => {
      refuseUnusableVpc(scope, each.vpc, `networks[${index}].vpc`);
      const { name, discovered } = entries[index] as NetworkName;
      return { ...placementOf(each), name, discovered };
    }),
  };
}

/** As programs without types may pass anything. */
export const vpcSchema = objectSchema('It is a VPC: Vpc.fromLookup of aws-cdk-lib/aws-ec2, for example.');

const entriesSchema = z
  .array(
    z.strictObject({
      ...networkNameSchema.shape,
      vpc: vpcSchema,
      vpcSubnets: z.unknown().optional(),
      securityGroups: z.unknown().optional(),
    }),
  )
  .max(MOST_NETWORKS);

/** Without what else is in it: the name of a network is none of a function. */
export function placementOf({ vpc, vpcSubnets, securityGroups }: Given): Placement {
  return {
    vpc,
    ...(vpcSubnets === undefined ? {} : { vpcSubnets }),
    ...(securityGroups === undefined ? {} : { securityGroups }),
  };
}

/** Lambda places functions only into the region of their stack; it would say so at deployment. */
function refuseUnusableVpc(scope: Construct, vpc: IVpc, property: string): void {
  const { region } = Stack.of(scope);
  const own = vpc.env.region;
  const zones = vpc.availabilityZones;
  if (Token.isUnresolved(region)) return;
  const elsewhere = [
    ...(Token.isUnresolved(own) || own === region ? [] : [own]),
    ...(Token.isUnresolved(zones) ? [] : zones).filter((zone) => isElsewhere(zone, region)),
  ];
  if (elsewhere.length === 0) return;
  throw invalidProp(
    `${property} is in ${elsewhere.join(', ')}, and functions can only be in the stack's region, ${region}`,
    `Give a VPC of ${region} that reaches the clusters (by peering or a transit gateway), or make a stack there.`,
  );
}

/** Names of zones begin with their region; ids of zones (euw1-az1) and the placeholders of a lookup do not. */
function isElsewhere(zone: string, region: string): boolean {
  return !Token.isUnresolved(zone) && /^[a-z]+(?:-[a-z]+)+-\d/.test(zone) && !zone.startsWith(region);
}
