/** checkov over every template, where it is installed: what it would complain of has its reason in the template. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import cdk from '../../cdk.json' with { type: 'json' };
import { NetnsAuditorStack } from '../../lib/infra/stack.ts';
import { configSchema } from '../../lib/model/config.ts';
import { config } from './synthesized.ts';

// Nothing here looks into the code.
vi.mock('../../lib/infra/bundle.ts', async (original) => ({
  ...(await original<typeof import('../../lib/infra/bundle.ts')>()),
  bundle: () => new URL('../../lambda', import.meta.url).pathname,
}));

const hasCheckov = spawnSync('checkov', ['--version']).status === 0;
if (!hasCheckov)
  console.warn('\n*** checkov is not installed: it was NOT run (scripts/install-test-tools.sh) ***\n');

const resultSchema = z.object({
  results: z.object({
    failed_checks: z.array(z.object({ check_id: z.string(), resource: z.string() })),
    skipped_checks: z.array(
      z.object({ check_id: z.string(), check_result: z.object({ suppress_comment: z.string() }) }),
    ),
  }),
  summary: z.object({ passed: z.int(), parsing_errors: z.int() }),
});

function checkov(file: string) {
  const { stdout } = spawnSync(
    'checkov',
    ['-f', file, '--framework', 'cloudformation', '--skip-download', '--compact', '-o', 'json'],
    { encoding: 'utf8', maxBuffer: 64_000_000 },
  );
  const { results, summary } = resultSchema.parse(JSON.parse(stdout));
  expect(summary).toMatchObject({ parsing_errors: 0, passed: expect.any(Number) });
  expect(summary.passed).toBeGreaterThan(5);
  const reasons = results.skipped_checks.map(({ check_result }) => check_result.suppress_comment);
  expect(reasons.filter((reason) => reason.length < 20)).toEqual([]);
  return {
    failed: results.failed_checks.map(({ check_id, resource }) => `${check_id} ${resource}`),
    skipped: [...new Set(results.skipped_checks.map(({ check_id }) => check_id))].toSorted(),
  };
}

const KEY = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';

describe.skipIf(!hasCheckov)('checkov', { timeout: 240_000 }, () => {
  it.each([
    ['', config, ['CKV_AWS_158']],
    [' with a key of its owner', configSchema.parse({ ...config, encryptionKey: KEY }), []],
  ])('finds nothing in the stack%s but what has its reason', (_title, of, more) => {
    const app = new App({ context: cdk.context, analyticsReporting: false });
    const stack = new NetnsAuditorStack(app, 'NetnsAuditor', of, {
      env: { account: '111122223333', region: 'eu-west-1' },
    });
    const file = join(mkdtempSync(join(tmpdir(), 'netns-auditor-checkov-')), 'template.json');
    writeFileSync(file, JSON.stringify(app.synth().getStackByName(stack.stackName).template));
    expect(checkov(file)).toEqual({
      failed: [],
      skipped: [
        'CKV_AWS_111',
        'CKV_AWS_115',
        'CKV_AWS_116',
        'CKV_AWS_117',
        ...more,
        'CKV_AWS_173',
        'CKV_AWS_18',
        'CKV_AWS_27',
      ].toSorted(),
    });
  });

  it.each(['cross-account-role.yaml', 'discovered-account.yaml'])('finds nothing in deploy/%s', (name) => {
    const file = new URL(`../../deploy/${name}`, import.meta.url).pathname;
    expect(checkov(file).failed).toEqual([]);
  });
});
