/** The construct in a new CDK app of each kind: installed, type-checked and synthesized, each in a clean folder. */
import { globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { install, project, root, run, scratch, write } from './folders.ts';

const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  devDependencies: Record<string, string>;
};
const CDK = ['aws-cdk-lib', 'constructs', '@types/node'].map((name) => `${name}@${devDependencies[name]}`);
// ts-node works inside the compiler, which is no longer JavaScript from TypeScript 7 on.
const OLDER = ['typescript@5.9.3', 'ts-node@10.9.2'];

const body = `const app = new App();
const stack = new Stack(app, 'Own');
const auditor = new NetnsAuditor(stack, 'Auditor', {
  clusters: [{ name: 'prod', eks: { name: 'prod', region: 'eu-west-1' } }],
});
new CfnOutput(stack, 'Reports', { value: auditor.bucket.bucketName });
app.synth();
`;
const imports = `import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { NetnsAuditor } from 'netns-auditor';
`;
/** Names a prop that does not exist: the types must report it. */
const wrong = `import { NetnsAuditor, type NetnsAuditorProps } from 'netns-auditor';
export const props: NetnsAuditorProps = { clusters: [], shedule: {} };
export const construct: typeof NetnsAuditor = NetnsAuditor;
`;
const nodeNext = { target: 'ES2022', module: 'NodeNext', strict: true, types: ['node'], noEmit: true };
// As `cdk init` generated them until 2026.
const commonJs = { ...nodeNext, module: 'commonjs', lib: ['es2022'] };
const json = (value: object): string => JSON.stringify(value, null, 2);

/** What each app wrote: its template, and the code files of its functions. */
function synthesized(folder: string): { template: string; code: readonly string[] } {
  const out = join(folder, 'cdk.out');
  const [template = ''] = globSync('*.template.json', { cwd: out });
  return {
    template: readFileSync(join(out, template), 'utf8'),
    code: globSync('asset.*/index.mjs', { cwd: out }),
  };
}

function synth(folder: string): void {
  run(process.execPath, [join(root, 'node_modules/aws-cdk/bin/cdk'), 'synth', '--quiet'], folder);
}

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('an app that is new', () => {
  let apps = '';
  const tsc = (folder: string): string => run(join(apps, 'node_modules/.bin/tsc'), ['-p', folder], folder);
  const app = (name: string, type: string, command: string, files: Record<string, string>): string => {
    const folder = join(apps, name);
    write(folder, {
      'package.json': json({ private: true, type }),
      'cdk.json': json({ app: command }),
      ...files,
    });
    return folder;
  };
  beforeAll(() => {
    apps = project('apps', [...CDK, ...OLDER]);
  }, 300_000);

  let first = '';
  it('of ES modules in JavaScript has the auditor', () => {
    const folder = app('esm', 'module', 'node app.js', { 'app.js': imports + body });
    synth(folder);
    const { template, code } = synthesized(folder);
    expect(template).toContain('"AWS::StepFunctions::StateMachine"');
    expect(code).toHaveLength(5);
    first = template;
  }, 300_000);

  it('of CommonJS in JavaScript has the same template', () => {
    const required = imports.replaceAll(/import (.*) from ('.*');/g, 'const $1 = require($2);');
    const folder = app('cjs', 'commonjs', 'node app.js', { 'app.js': required + body });
    synth(folder);
    expect(synthesized(folder).template).toBe(first);
  }, 300_000);

  it('of TypeScript with NodeNext is type-checked, and has the same template', () => {
    const folder = app('nodenext', 'module', 'node app.ts', {
      'app.ts': imports + body,
      'tsconfig.json': json({ compilerOptions: nodeNext, files: ['app.ts'] }),
      'wrong/wrong.ts': wrong,
      'wrong/tsconfig.json': json({ compilerOptions: { ...nodeNext, skipLibCheck: true } }),
    });
    expect(tsc(folder)).toBe('');
    expect(() => tsc(join(folder, 'wrong'))).toThrow(/wrong\.ts\(2,.*'shedule' does not exist/);
    synth(folder);
    expect(synthesized(folder).template).toBe(first);
  }, 300_000);

  it('of `cdk init` with ts-node, which is CommonJS, is type-checked, and has the same template', () => {
    const folder = app('ts-node', 'commonjs', '../node_modules/.bin/ts-node --prefer-ts-exts app.ts', {
      'app.ts': imports + body,
      'tsconfig.json': json({ compilerOptions: commonJs, files: ['app.ts'] }),
      'wrong/wrong.ts': wrong,
      'wrong/tsconfig.json': json({ compilerOptions: { ...commonJs, skipLibCheck: true } }),
    });
    expect(() => tsc(join(folder, 'wrong'))).toThrow(/wrong\.ts\(2,.*'shedule' does not exist/);
    synth(folder);
    expect(synthesized(folder).template).toBe(first);
  }, 300_000);
});

describe('an app that `cdk init` makes', () => {
  it('is type-checked and run by tsx with the construct in its stack', () => {
    const folder = join(scratch, 'own-app');
    mkdirSync(folder);
    const cdk = [join(root, 'node_modules/aws-cdk/bin/cdk'), 'init', 'app', '--language', 'typescript'];
    run(process.execPath, [...cdk, '--generate-only'], folder);
    const made = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    // Without its own tests' dependencies.
    const wanted = ['tsx', 'typescript'].map((name) => `${name}@${made.devDependencies[name]}`);
    const compiler = JSON.parse(readFileSync(join(folder, 'tsconfig.json'), 'utf8')) as {
      compilerOptions: object;
    };
    write(folder, {
      'package.json': json({ private: true }),
      'tsconfig.json': json({
        ...compiler,
        compilerOptions: { ...compiler.compilerOptions, types: ['node'] },
        include: ['bin', 'lib'],
      }),
    });
    install(folder, [...CDK, ...wanted]);
    const [stack = ''] = globSync('lib/*-stack.ts', { cwd: folder });
    const text = readFileSync(join(folder, stack), 'utf8');
    const placed = text.replace(
      '// The code that defines',
      `new NetnsAuditor(this, 'Auditor', {
      clusters: [{ name: 'prod', eks: { name: 'prod', region: 'eu-west-1' } }],
    });
    // The code that defines`,
    );
    expect(placed).not.toBe(text);
    write(folder, { [stack]: `import { NetnsAuditor } from 'netns-auditor';\n${placed}` });
    synth(folder);
    const { template, code } = synthesized(folder);
    expect(template).toContain('"AWS::StepFunctions::StateMachine"');
    expect(code).toHaveLength(5);
  }, 400_000);
});
