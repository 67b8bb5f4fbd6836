/** The rules of Control Tower over every template, where cfn-guard is installed: each finding has its reason here. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import cdk from '../../cdk.json' with { type: 'json' };
import { NetnsAuditorStack } from '../../lib/infra/stack.ts';
import { type Config, configSchema } from '../../lib/model/config.ts';
import { config } from './synthesized.ts';

// Nothing here looks into the code.
vi.mock('../../lib/infra/bundle.ts', async (original) => ({
  ...(await original<typeof import('../../lib/infra/bundle.ts')>()),
  bundle: () => new URL('../../lambda', import.meta.url).pathname,
}));

/** The rules are in the package of the binary. */
const rules = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'cfn-guard'))
  .filter((binary) => existsSync(binary))
  .map((binary) => join(dirname(realpathSync(binary)), '../../../rules'))
  .find((folder) => existsSync(folder));
if (rules === undefined)
  console.warn('\n*** cfn-guard is not installed: it was NOT run (scripts/install-test-tools.sh) ***\n');

/** Why a rule does not apply; the resources that it names. */
type Reasons = Readonly<Record<string, { readonly on: RegExp; readonly why: string }>>;

const REASONS: Reasons = {
  cloudwatch_alarm_action_check: {
    on: /^AuditorMonitoring/,
    why: 'The composite alarm that goes by it tells the topic.',
  },
  lambda_inside_vpc_check: {
    on: /^AuditorFunctions(PlanFleet|ConcludeCluster|ConcludeFleet|DiscoverClusters)/,
    why: 'Those that connect to clusters are in the network that is given; the others call AWS alone.',
  },
  s3_bucket_logging_enabled_check: {
    on: /^AuditorStorageBucket/,
    why: 'Access is logged by data events of CloudTrail, where an organisation wants it: one trail for all buckets.',
  },
  s3_event_notifications_enabled_check: {
    on: /^AuditorStorageBucket/,
    why: 'What a run found goes to EventBridge (events), which says more than that an object was written.',
  },
  s3_bucket_object_lock_enabled_check: {
    on: /^AuditorStorageBucket/,
    why: 'Objects are written once and versioned. Evidence has to expire, and a lock can keep a mistake for years.',
  },
  sqs_dlq_check: { on: /^AuditorStorageUndelivered|DeadLetters/, why: 'It is a dead-letter queue itself.' },
};
/** Of a stack without a key of its owner's. */
const WITHOUT_KEY: Reasons = {
  athena_workgroup_results_encrypted_at_rest_kms_check: {
    on: /^AuditorQueriesWorkgroup/,
    why: 'S3 encrypts them with its own key; encryptionKey names another.',
  },
  cloudwatch_log_group_encrypted_check: {
    on: /Logs/,
    why: 'CloudWatch encrypts it with its own key; encryptionKey names another.',
  },
  cloudwatch_log_group_retention_period_check: {
    on: /Logs/,
    why: 'Logs of functions are kept for 90 days; retention.logDays keeps them longer.',
  },
  kms_create_grant_aws_service_check: {
    on: /^AuditorStorageKey/,
    why: 'It is the key of the topic, which no service needs a grant for; encryptionKey names another.',
  },
  s3_bucket_default_encryption_kms_check: {
    on: /^AuditorStorageBucket/,
    why: 'S3 encrypts it with its own key; encryptionKey names another.',
  },
};

/** Of the template for each account with discovered clusters: its function lists clusters. */
const OF_THE_ACCOUNT: Reasons = {
  cloudwatch_log_group_encrypted_check: { on: /Log/, why: 'It has names of clusters and roles alone.' },
  cloudwatch_log_group_retention_period_check: {
    on: /Log/,
    why: 'It says why an access entry was not made.',
  },
  lambda_inside_vpc_check: { on: /./, why: 'It calls AWS alone.' },
};

const KEY = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const withKey = configSchema.parse({
  ...config,
  encryptionKey: KEY,
  retention: { logDays: 365 },
  discover: { accounts: ['444455556666'], regions: ['eu-west-1'], externalId: 'f81d4fae-7dec-11d0' },
  securityHub: true,
  events: true,
  digest: true,
});

const outputSchema = z.array(
  z.object({
    not_compliant: z.array(z.looseObject({ Rule: z.looseObject({ name: z.string() }) })),
    compliant: z.array(z.string()),
  }),
);

/** Rules that the template breaks, each with the resources. */
function guard(file: string): Map<string, string[]> {
  const { stdout, stderr } = spawnSync(
    'cfn-guard',
    ['validate', '-r', rules ?? '', '-d', file, '--structured', '-o', 'json', '-S', 'none'],
    { encoding: 'utf8', maxBuffer: 64_000_000 },
  );
  const [result] = outputSchema.parse(JSON.parse(stdout === '' ? `"${stderr}"` : stdout));
  expect(result?.compliant.length).toBeGreaterThan(0);
  return new Map(
    result?.not_compliant.map((each) => {
      const places = JSON.stringify(each).matchAll(/"\/Resources\/(\w+)/g);
      return [each.Rule.name, [...new Set([...places].map(([, id = '']) => id))]];
    }),
  );
}

function template(of: Config): string {
  const app = new App({ context: cdk.context, analyticsReporting: false });
  const env = { account: '111122223333', region: 'eu-west-1' };
  const stack = new NetnsAuditorStack(app, 'NetnsAuditor', of, { env });
  const file = join(mkdtempSync(join(tmpdir(), 'netns-auditor-guard-')), 'template.json');
  writeFileSync(file, JSON.stringify(app.synth().getStackByName(stack.stackName).template));
  return file;
}

describe.skipIf(rules === undefined)("Control Tower's rules", { timeout: 240_000 }, () => {
  it.each([
    ['', config, { ...REASONS, ...WITHOUT_KEY }],
    [' with a key of its owner and logs for a year', withKey, REASONS],
  ])('find nothing in the stack%s but what has its reason', (_title, of, reasons: Reasons) => {
    expectOnly(guard(template(of)), reasons);
  });

  it.each<[string, Reasons]>([
    ['cross-account-role.yaml', {}],
    ['discovered-account.yaml', OF_THE_ACCOUNT],
  ])('find nothing in deploy/%s but what has its reason', (name, reasons) => {
    expectOnly(guard(new URL(`../../deploy/${name}`, import.meta.url).pathname), reasons);
  });
});

function expectOnly(found: ReadonlyMap<string, readonly string[]>, reasons: Reasons): void {
  expect([...found.keys()].toSorted()).toEqual(Object.keys(reasons).toSorted());
  for (const [rule, ids] of found)
    for (const id of ids) expect(id, `${rule}: ${reasons[rule]?.why}`).toMatch(reasons[rule]?.on ?? /^$/);
}
