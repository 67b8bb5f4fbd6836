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

function options() {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({ options: { config: text, out: text, region: text, account: text } });
    if ((values.region === undefined) !== (values.account === undefined))
      throw new Error('--region and --account belong together');
    return values;
  } catch (error) {
    throw new AuditError('USAGE', messageOf(error), {
      cause: error,
      remedy: 'npm run template -- --config FILE [--out FOLDER] [--region REGION --account ACCOUNT]',
    });
  }
}

try {
  const { config = 'netns-audit.yaml', out = 'template', region, account } = options();
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
  process.stderr.write(explain(error));
  process.exitCode = 2;
}
