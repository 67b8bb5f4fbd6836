/** The CDK app: one stack from one file (netns-audit.yaml, or `-c config=FILE`). */
import { App } from 'aws-cdk-lib';
import { readStackConfig } from '../lib/config/read.ts';
import { addStack } from '../lib/infra/app.ts';
import { explain } from './exit.ts';

const app = new App();
try {
  const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
  addStack(
    app,
    readStackConfig(String(app.node.tryGetContext('config') ?? 'netns-audit.yaml')),
    account === undefined || region === undefined ? {} : { env: { account, region } },
  );
} catch (error) {
  process.stderr.write(explain(error));
  process.exit(2);
}
