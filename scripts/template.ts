/**
 * Writes the stack for deploying without CDK: a template, and the code archives that it refers to
 * (docs/without-cdk.md). `npm run template -- --config FILE [--out FOLDER] [--region R --account A]`
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { explain } from '../bin/exit.ts';
import { readStackConfig } from '../lib/config/read.ts';
import { plainTemplate } from '../lib/infra/plain-template.ts';
import { AuditError, messageOf } from '../lib/model/errors.ts';
import { zip } from './zip.ts';

const USAGE = 'npm run template -- --config FILE [--out FOLDER] [--region REGION --account ACCOUNT]';
const HELP = `${USAGE}

Writes the stack as a CloudFormation template, and the archives with the code of its functions, to deploy them
without CDK: docs/without-cdk.md.

  --config FILE   the clusters and settings of the audit (default: netns-audit.yaml)
  --out FOLDER    where to write FOLDER/netns-auditor.template.json and FOLDER/code (default: template)
  --region REGION --account ACCOUNT
                  where the stack will be deployed. Without them, CloudFormation decides at deployment which
                  clusters are in the region of the stack and get access entries
`;

function options() {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      options: {
        config: text,
        out: text,
        region: text,
        account: text,
        help: { type: 'boolean', short: 'h' },
      },
    });
    if ((values.region === undefined) !== (values.account === undefined))
      throw new Error('--region and --account belong together');
    return values;
  } catch (error) {
    throw new AuditError('USAGE', messageOf(error), {
      cause: error,
      remedy: USAGE,
    });
  }
}

function write({
  config = 'netns-audit.yaml',
  out = 'template',
  region,
  account,
}: ReturnType<typeof options>) {
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
}

try {
  const given = options();
  if (given.help === true) process.stdout.write(HELP);
  else write(given);
} catch (error) {
  process.stderr.write(explain(error));
  process.exitCode = 2;
}
