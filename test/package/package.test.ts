/** The package as its users get it: packed, installed in a clean folder, run and imported. */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { project, root, run, scratch } from './folders.ts';

const packed = inject('packed');
const content = run('tar', ['tzf', packed], scratch).trim().split('\n');

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('the package', () => {
  it('is below 3 MB, and holds no test, no key, no picture and no Node.js', () => {
    expect(statSync(packed).size).toBeLessThan(3_000_000);
    expect(
      content.filter((file) => /^package\/test\/|\.pem$|\.key$|\.png$|node_modules|\/node$/.test(file)),
    ).toEqual([]);
    expect(content).toContain('package/THIRD-PARTY.txt');
  });

  it('is clean for publint and for attw: every importer finds its module and its types', () => {
    const folder = project('linters', ['publint@0.3.25', '@arethetypeswrong/cli@0.18.5']);
    expect(run('npx', ['publint', packed, '--strict'], folder)).toContain('All good!');
    expect(run('npx', ['attw', packed], folder)).toContain('No problems found');
  }, 240_000);
});

describe('who installs the command line', () => {
  let folder = '';
  beforeAll(() => {
    folder = project('command-line');
  }, 120_000);

  it('gets the names of one program, no second node and no client of AWS', () => {
    expect(readdirSync(join(folder, 'node_modules/.bin')).toSorted()).toEqual([
      'kubectl-netns_audit',
      'kubectl_complete-netns_audit',
      'netns-audit',
      'netns-auditor',
    ]);
    expect(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
      'netns-auditor',
      'zod',
    ]);
  });

  it('runs it by the name of the program and of the package', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(run('npx', ['netns-audit', '--version'], folder).trim()).toBe(version);
    expect(run('npx', ['netns-auditor', '--version'], folder).trim()).toBe(version);
    expect(run('npx', ['kubectl-netns_audit', '--version'], folder).trim()).toBe(version);
    expect(run('npx', ['kubectl_complete-netns_audit', 'ver'], folder)).toBe(':4\n');
    expect(run('npx', ['kubectl_complete-netns_audit', 'doc'], folder)).toMatch(/^doctor\t.*\n:4\n$/);
  });

  it('sees the demo, the page of a check and the manifests as in a clone', () => {
    for (const command of [['demo'], ['checks', 'pod-interface-missing'], ['manifests']])
      expect(run('npx', ['netns-audit', ...command], folder)).toBe(
        run(process.execPath, ['bin/netns-audit.js', ...command], root),
      );
  }, 60_000);
});

describe('who has the construct in an app of their own', () => {
  /** The template of a stack, with the construct from one place, and the hashes of its functions' code. */
  const templateFrom = (module: string): string =>
    run(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { App, Stack } from 'aws-cdk-lib';
         import { Template } from 'aws-cdk-lib/assertions';
         import { NetnsAuditor } from ${JSON.stringify(module)};
         const stack = new Stack(new App(), 'Own');
         new NetnsAuditor(stack, 'Auditor', { clusters: [{ name: 'prod', eks: { name: 'prod', region: 'eu-west-1' } }] });
         console.log(JSON.stringify(Template.fromStack(stack).toJSON()));`,
      ],
      root,
    );

  it('gets the template of a clone to the byte, without sources and esbuild', () => {
    const built = templateFrom('./dist/construct/index.js');
    expect(built).toContain('"AWS::StepFunctions::StateMachine"');
    expect(built).toBe(templateFrom('./index.ts'));
  }, 120_000);
});
