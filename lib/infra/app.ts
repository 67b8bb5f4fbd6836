/** The app of one configuration: one stack, and the rules it must pass. */
import { type App, type StackProps, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Config } from '../model/config.ts';
import { NetnsAuditorStack } from './stack.ts';

/**
 * Adds the stack of a configuration to an app, and has cdk-nag check it.
 *
 * @throws AuditError where the configuration would fail at deploy or at night
 */
export function addStack(app: App, config: Config, props: StackProps): void {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  // CloudFormation takes no tags on dashboards.
  Tags.of(app).add('app', 'netns-auditor', { excludeResourceTypes: ['AWS::CloudWatch::Dashboard'] });
  new NetnsAuditorStack(app, 'NetnsAuditor', config, {
    description: 'Audits pod network namespaces of Kubernetes clusters',
    ...props,
  });
}
