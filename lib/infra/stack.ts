/** The stack that one netns-audit.yaml describes. */
import { Annotations, CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { Config } from '../model/config.ts';
import { NetnsAuditor, type NetnsAuditorProps } from './netns-auditor.ts';

/** The app's stack: the construct, built from a configuration. */
export class NetnsAuditorStack extends Stack {
  readonly auditor: NetnsAuditor;

  constructor(scope: Construct, id: string, config: Config, props: StackProps = {}) {
    super(scope, id, props);
    const { network, discover, encryptionKey, imageCache, ...rest } = config;
    this.auditor = new NetnsAuditor(this, 'Auditor', {
      ...rest,
      ...(discover === undefined ? {} : { discover }),
      ...(encryptionKey === undefined
        ? {}
        : { encryptionKey: Key.fromKeyArn(this, 'EncryptionKey', encryptionKey) }),
      ...(imageCache === undefined ? {} : { imageCache }),
      ...this.#placeIn(network),
    });
    const names = config.destinations.map(({ name }) => name).join(', ');
    if (names !== '')
      Annotations.of(this.auditor).addWarningV2(
        'netns-auditor:destinationsUnused',
        `The stack sends nothing to the destinations in the configuration (${names}): these are for the ` +
          'command line (netns-audit fleet, netns-audit audit --alerts). On AWS, messages go to ' +
          'subscriptions.',
      );
    new CfnOutput(this, 'Bucket', { value: this.auditor.bucket.bucketName });
    new CfnOutput(this, 'Topic', { value: this.auditor.topic.topicArn });
    new CfnOutput(this, 'StateMachine', { value: this.auditor.stateMachine.stateMachineArn });
    if (imageCache !== undefined)
      new CfnOutput(this, 'ProbeImage', {
        description: 'Image of the probe pods: print the manifests of the clusters with it (--image)',
        value: this.auditor.probeImage,
      });
    if (discover !== undefined)
      new CfnOutput(this, 'AccountRoles', {
        description: 'Roles that deploy/discovered-account.yaml trusts: its AuditorRoleArns',
        value: this.auditor.accountRoles.map((role) => role.roleArn).join(','),
      });
    new CfnOutput(this, 'ClusterRoles', {
      description: 'Roles that clusters of other accounts and regions must admit',
      value: this.auditor.clusterRoles.map((role) => role.roleArn).join(','),
    });
  }

  #placeIn(network: Config['network']): Pick<NetnsAuditorProps, 'vpc' | 'securityGroups'> {
    if (network === undefined) return {};
    const { vpcId, availabilityZones, subnetIds, securityGroupIds } = network;
    const groups = securityGroupIds.map((id) => SecurityGroup.fromSecurityGroupId(this, `Group-${id}`, id));
    const vpc = Vpc.fromVpcAttributes(this, 'Network', {
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
