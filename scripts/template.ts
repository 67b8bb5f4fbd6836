/**
 * Writes the stack for deploying without CDK: a template, and the code archives that it refers to
 * (docs/without-cdk.md). `npm run template -- --config FILE [--out FOLDER] [--region R --account A]`
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '../bin/exit.ts';
import { readStackConfig } from '../lib/config/read.ts';
import { plainTemplate } from '../lib/infra/plain-template.ts';
import { refuse, scriptOptions } from './options.ts';
import { zip } from './zip.ts';

const HELP = `npm run template -- --config FILE [--out FOLDER] [--region REGION --account ACCOUNT]

Writes the stack as a CloudFormation template, and the archives with the code of its functions, to deploy them
without CDK: docs/without-cdk.md.

  --config FILE   the clusters and settings of the audit (default: netns-audit.yaml)
  --out FOLDER    where to write FOLDER/netns-auditor.template.json and FOLDER/code (default: template)
  --region REGION --account ACCOUNT
                  where the stack will be deployed. Without them, CloudFormation decides at deployment which
                  clusters are in the region of the stack and get access entries
`;

const {
  config = 'netns-audit.yaml',
  out = 'template',
  region,
  account,
} = scriptOptions(HELP, ['config', 'out', 'region', 'account']);
if ((region === undefined) !== (account === undefined))
  refuse(`--region and --account belong together\n${HELP}`);

try {
  const { template, code, warnings } = plainTemplate(
    readStackConfig(config),
    region === undefined || account === undefined ? {} : { region, account },
  );
  rmSync(join(out, 'code'), { recursive: true, force: true });
  mkdirSync(join(out, 'code'), { recursive: true });
  writeFileSync(join(out, 'netns-auditor.template.json'), template);
  for (const [name, folder] of code) writeFileSync(join(out, 'code', name), zip(folder));
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  process.stdout.write(
    `${out}/netns-auditor.template.json, ${Math.round(template.length / 1024)} KiB, and ${code.size} archives in ${out}/code\n`,
  );
} catch (error) {
  refuse(explain(error));
}
