/** What the app of one configuration holds: one stack, with the rules that it is held to. */
import { type App, type StackProps, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Config } from '../model/config.ts';
import { NetnsAuditorStack } from './stack.ts';

/**
 * Adds the stack of a configuration to an app, looked through by cdk-nag.
 *
 * @throws AuditError where the configuration is one that would fail at deploy or at night
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
