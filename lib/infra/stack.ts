/** The stack that one netns-audit.yaml describes. */
import { Annotations, Stack, type StackProps } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { Config } from '../model/config.ts';
import type { NetworkConfig } from '../model/vpc-networks.ts';
import { NetnsAuditor, type NetworkProps } from './netns-auditor.ts';

/** The app's stack: the construct, built from a configuration. */
export class NetnsAuditorStack extends Stack {
  readonly auditor: NetnsAuditor;

  constructor(scope: Construct, id: string, config: Config, props: StackProps = {}) {
    super(scope, id, props);
    const { network, networks, discover, encryptionKey, imageCache, destinations, ...rest } = config;
    this.auditor = new NetnsAuditor(this, 'Auditor', {
      ...rest,
      ...(discover === undefined ? {} : { discover }),
      ...(encryptionKey === undefined
        ? {}
        : { encryptionKey: Key.fromKeyArn(this, 'EncryptionKey', encryptionKey) }),
      ...(imageCache === undefined ? {} : { imageCache }),
      ...(network === undefined ? {} : this.#placeIn('', network)),
      networks: networks.map(({ name, discovered, ...each }) => ({
        name,
        discovered,
        ...this.#placeIn(`-${name}`, each),
      })),
    });
    const names = destinations.map(({ name }) => name).join(', ');
    if (names !== '')
      Annotations.of(this.auditor).addWarningV2(
        'netns-auditor:destinationsUnused',
        `The stack sends nothing to the destinations in the configuration (${names}): these are for the ` +
          'command line (netns-audit fleet, netns-audit audit --alerts). On AWS, messages go to ' +
          'subscriptions.',
      );
    this.auditor.addOutputs();
  }

  /** @param suffix - of the ids, which are unique in the stack */
  #placeIn(
    suffix: string,
    { vpcId, availabilityZones, subnetIds, securityGroupIds }: NetworkConfig,
  ): Pick<NetworkProps, 'vpc' | 'securityGroups'> {
    const groups = securityGroupIds.map((id) =>
      SecurityGroup.fromSecurityGroupId(this, `Group${suffix}-${id}`, id),
    );
    const vpc = Vpc.fromVpcAttributes(this, `Network${suffix}`, {
      vpcId,
      availabilityZones,
      privateSubnetIds: subnetIds,
    });
    Annotations.of(vpc).acknowledgeWarning(
      '@aws-cdk/aws-ec2:noSubnetRouteTableId',
      'Functions are placed into the subnets; nothing asks for their route tables.',
    );
    return { vpc, ...(groups.length === 0 ? {} : { securityGroups: groups }) };
  }
}
