/** The CDK app: one stack from one file (netns-audit.yaml, or `-c config=FILE`). */
import { App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readStackConfig } from '../lib/config/read.ts';
import { NetnsAuditorStack } from '../lib/infra/stack.ts';
import { explain } from './exit.ts';

const app = new App();
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
// CloudFormation takes no tags on dashboards.
Tags.of(app).add('app', 'netns-auditor', { excludeResourceTypes: ['AWS::CloudWatch::Dashboard'] });
try {
  const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
  new NetnsAuditorStack(
    app,
    'NetnsAuditor',
    readStackConfig(String(app.node.tryGetContext('config') ?? 'netns-audit.yaml')),
    {
      description: 'Audits pod network namespaces of Kubernetes clusters',
      ...(account === undefined || region === undefined ? {} : { env: { account, region } }),
    },
  );
} catch (error) {
  process.stderr.write(explain(error));
  process.exit(2);
}
