/** `npm run template`: the stack for deploying without CDK. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { hasCfnLint, lint } from '../infra/cfn-lint.ts';
import { config, synthesize } from '../infra/synthesized.ts';

type Resource = { Type: string; Properties: Record<string, unknown> };
type Code = { S3Bucket: { Ref: string }; S3Key: { 'Fn::Join': [string, [{ Ref: string }, string]] } };
type Json = { Parameters: object; Resources: Record<string, Resource>; Rules?: object };

const script = fileURLToPath(new URL('../../scripts/template.ts', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'netns-auditor-template-'));
const hasUnzip = spawnSync('unzip', ['-v'], { stdio: 'ignore' }).status === 0;
if (!hasUnzip)
  console.warn('\n*** unzip is not installed: the archives of the functions are NOT unpacked ***\n');

const file = join(scratch, 'netns-audit.yaml');
const make = (...args: string[]) =>
  spawnSync(process.execPath, [script, ...args], { cwd: scratch, encoding: 'utf8' });

let text = '';
let json: Json;
let archives: readonly string[] = [];
beforeAll(() => {
  writeFileSync(file, stringify(config));
  const { status, stderr } = make('--config', file, '--out', 'one');
  expect([status, stderr]).toEqual([0, '']);
  text = readFileSync(join(scratch, 'one/netns-auditor.template.json'), 'utf8');
  json = JSON.parse(text) as Json;
  archives = readdirSync(join(scratch, 'one/code')).toSorted();
}, 300_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const functions = (): Resource[] =>
  Object.values(json.Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');

describe('the template for those without CDK', () => {
  it('asks for nothing but where the code lies: no bootstrapped region', () => {
    expect(Object.keys(json.Parameters)).toEqual(['CodeBucket', 'CodePrefix']);
    expect(json.Rules).toBeUndefined();
    expect(text).not.toContain('cdk-hnb659fds');
  });

  it('has the resources of the CDK app, but for the place of the code', () => {
    const { Resources } = Template.fromStack(synthesize(config, {}).stack).toJSON() as Json;
    const bare = (resources: Json['Resources']) =>
      Object.entries(resources)
        .filter(([, { Type }]) => Type !== 'AWS::CDK::Metadata')
        .map(([id, { Properties: { Code: _, Tags: __, ...properties } = {}, ...rest }]) => [
          id,
          { ...rest, properties },
        ]);
    expect(bare(json.Resources)).toEqual(bare(Resources));
  }, 240_000);

  it('names one archive for each function, by its content, below the prefix', () => {
    const keys = functions().map(({ Properties }) => {
      const { S3Bucket, S3Key } = Properties.Code as Code;
      expect(S3Bucket).toEqual({ Ref: 'CodeBucket' });
      expect(S3Key['Fn::Join'][1][0]).toEqual({ Ref: 'CodePrefix' });
      return S3Key['Fn::Join'][1][1];
    });
    expect(keys.toSorted()).toEqual(archives);
    expect(archives).toHaveLength(5);
  });

  it('is below the 1 MB that CloudFormation reads from a bucket', () => {
    expect(text.length).toBeLessThan(1_000_000);
  });

  it.skipIf(!hasUnzip)(
    'has archives that any program unpacks, with code that starts',
    () => {
      for (const archive of archives) {
        const folder = join(scratch, 'unpacked', archive);
        mkdirSync(folder, { recursive: true });
        execFileSync('unzip', ['-q', join(scratch, 'one/code', archive), '-d', folder]);
        const loaded = execFileSync(
          process.execPath,
          [
            '--input-type=module',
            '-e',
            'const { handler } = await import(process.argv[1]); console.log(typeof handler);',
            join(folder, 'index.mjs'),
          ],
          { encoding: 'utf8', env: { STORE: 's3://bucket', AUDITOR_VERSION: '0', AWS_REGION: 'eu-west-1' } },
        );
        expect(loaded).toBe('function\n');
      }
    },
    120_000,
  );

  it('is the same to the byte each time, archives too', () => {
    expect(make('--config', file, '--out', 'two').status).toBe(0);
    const digests = (out: string) =>
      readdirSync(join(scratch, out), { recursive: true, encoding: 'utf8', withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => [
          name,
          createHash('sha256')
            .update(readFileSync(join(parentPath, name)))
            .digest('hex'),
        ]);
    expect(digests('two')).toEqual(digests('one'));
  }, 240_000);

  it.skipIf(!hasCfnLint)(
    'is clean for cfn-lint',
    () => {
      expect(lint('netns-auditor.template.json', text)).toBe('');
    },
    240_000,
  );

  it.each(['template.ts', 'archive.ts', 'krew.ts'])('explains the options of %s', (name) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(script, '..', name), '--help'], {
      cwd: scratch,
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    const source = readFileSync(join(script, '..', name), 'utf8');
    const [, names = ''] = /scriptOptions\(HELP, \[([^\]]+)\]/.exec(source) ?? [];
    const options = [...names.matchAll(/\w+/g)].map(([option]) => `--${option}`);
    expect(options.length).toBeGreaterThan(2);
    for (const option of options) expect(stdout).toContain(`${option} `);
  });

  it('is not made of a file that is wrong, or with a region alone', () => {
    writeFileSync(join(scratch, 'wrong.yaml'), 'clusters: []\n');
    const wrong = make('--config', 'wrong.yaml');
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('wrong.yaml')]);
    const half = make('--config', file, '--region', 'eu-west-1');
    expect([half.status, half.stderr]).toEqual([2, expect.stringContaining('belong together')]);
  }, 120_000);
});
