import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const project = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'netns-auditor-new-check-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a program in a copy of the project. */
function run(program: string, ...words: string[]) {
  const { status, stdout, stderr } = spawnSync(program, words, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${join(project, 'node_modules/.bin')}:${process.env.PATH}`, NO_COLOR: '1' },
  });
  return { status, text: stdout + stderr };
}
const read = (file: string) => readFileSync(join(folder, file), 'utf8');

beforeAll(() => {
  for (const each of [
    'bench',
    'bin',
    'docs',
    'lambda',
    'lib',
    'scripts',
    'test',
    'biome.json',
    'cdk.json',
    'package.json',
    'tsconfig.json',
    'vitest.config.ts',
    '.gitignore',
  ])
    cpSync(join(project, each), join(folder, each), { recursive: true });
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'));
}, 60_000);

describe('npm run new:check', { timeout: 240_000 }, () => {
  it('writes check, test, page and fault, and puts the check into the catalogue', () => {
    const made = run('node', 'scripts/new-check.ts', 'routes', 'route-made-of-cheese');
    expect(made.status, made.text).toBe(0);
    expect(read('lib/checks/routes/index.ts')).toContain(
      "import { routeMadeOfCheese } from './route-made-of-cheese.ts';",
    );
    expect(read('test/e2e/faults/pod-network.ts')).toContain("check: 'route-made-of-cheese'");
  });

  it('writes a check of pods in their frame', () => {
    const made = run('node', 'scripts/new-check.ts', 'interfaces', 'pod-made-of-cheese');
    expect(made.status, made.text).toBe(0);
    expect(read('lib/checks/interfaces/pod-made-of-cheese.ts')).toContain(
      'podMadeOfCheese = definePodCheck({',
    );
  });

  it('writes a check of all nodes together', () => {
    const made = run('node', 'scripts/new-check.ts', 'path', 'nodes-made-of-cheese', 'cluster');
    expect(made.status, made.text).toBe(0);
    expect(read('lib/checks/path/nodes-made-of-cheese.ts')).toContain(
      'nodesMadeOfCheese = defineClusterCheck({',
    );
  });

  it('writes what compiles and has the style of the project', () => {
    const types = run('tsc', '--noEmit');
    expect(types.status, types.text).toBe(0);
    const style = run(
      'biome',
      'check',
      '--error-on-warnings',
      '--vcs-enabled=false',
      'lib/checks',
      'test/checks',
      'test/e2e',
    );
    expect(style.status, style.text).toBe(0);
  });

  it('leaves tests that fail and say what to write, also in the catalogue', () => {
    const tested = run(
      'vitest',
      'run',
      '--project',
      'unit',
      'test/checks/routes/route-made',
      'test/checks/interfaces/pod-made',
      'test/checks/path/nodes-made',
      'test/checks/catalogue',
    );
    expect(tested.text).toContain('Write run() in lib/checks/routes/route-made-of-cheese.ts');
    expect(tested.text).toContain('Write judge() in lib/checks/interfaces/pod-made-of-cheese.ts');
    expect(tested.text).toContain('Write run() in lib/checks/path/nodes-made-of-cheese.ts');
    expect(tested.text).toMatch(/Tests +9 failed \| \d+ passed/);
  });

  it.each([
    [['cheese', 'route-made-of-milk'], 'There is no topic "cheese". Topics: addresses, audit'],
    [['routes', 'Cheese'], '"Cheese" is no id'],
    [['routes', 'host-route-stale'], 'lib/checks/routes/host-route-stale.ts is there already'],
    [['routes'], 'Usage: npm run new:check TOPIC ID'],
    [['routes', 'route-made-of-milk', 'milk'], 'TOPIC ID [pod | node | cluster]'],
  ])('refuses %j with a reason', (words, reason) => {
    const refused = run('node', 'scripts/new-check.ts', ...words);
    expect(refused.status).toBe(2);
    expect(refused.text).toContain(reason);
  });

  it('writes nothing if one of its lists is not where it should be', () => {
    const faults = join(folder, 'test/e2e/faults/node.ts');
    writeFileSync(faults, read('test/e2e/faults/node.ts').replace('nodeFaults', 'faultsOfNodes'));
    const refused = run('node', 'scripts/new-check.ts', 'kernel', 'kernel-made-of-milk');
    expect(refused.status).toBe(2);
    expect(refused.text).toContain('test/e2e/faults/node.ts has no');
    expect(existsSync(join(folder, 'lib/checks/kernel/kernel-made-of-milk.ts'))).toBe(false);
    expect(read('lib/checks/kernel/index.ts')).not.toContain('kernel-made-of-milk');
  });
});
