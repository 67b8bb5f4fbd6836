/** The archive with its own Node.js: unpacked on a machine without one, and by krew. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, run, scratch } from './folders.ts';

const archives = join(scratch, 'archives');
const prefix = join(scratch, 'prefix');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const archive = join(archives, `netns-audit-${version}-${process.platform}-${process.arch}.tar.gz`);
const krew = process.env.KREW ?? 'krew';
const hasKrew = spawnSync(krew, ['version'], { stdio: 'ignore' }).status === 0;
if (!hasKrew) console.warn('\n*** krew is not installed: the manifest is NOT installed by it ***\n');

/** With an empty environment: no PATH, no home and no other Node.js. */
const bare = (command: string, ...args: string[]): string =>
  execFileSync('/usr/bin/env', ['-i', command, ...args], { cwd: '/', encoding: 'utf8' });
const manifest = (): string =>
  run(
    process.execPath,
    [
      'scripts/krew.ts',
      '--archives',
      archives,
      '--url',
      'https://example.com/v/',
      '--homepage',
      'https://example.com',
    ],
    root,
  );

beforeAll(() => {
  run(process.execPath, ['scripts/archive.ts', '--out', archives], root);
  mkdirSync(prefix);
  execFileSync('tar', ['xzf', archive, '-C', prefix]);
}, 240_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('the archive', () => {
  it('unpacks into one folder, and runs there with nothing else on the machine', () => {
    expect(readdirSync(prefix)).toEqual(['netns-audit']);
    expect(bare(join(prefix, 'netns-audit/netns-audit'), '--version')).toBe(`${version}\n`);
  });

  it('has all that the command line of a clone shows', () => {
    const program = join(prefix, 'netns-audit/netns-audit');
    // It starts itself once more to judge bundles.
    expect(bare(program, 'demo', '--no-color')).toContain('\nCRITICAL  pod-interface-missing ');
    for (const command of [['checks', 'pod-interface-missing'], ['manifests']])
      expect(bare(program, ...command)).toBe(run(process.execPath, ['bin/netns-audit.js', ...command], root));
  }, 120_000);

  it('is started through links, absolute and relative, from any folder', () => {
    const bin = join(scratch, 'bin of krew');
    mkdirSync(bin);
    symlinkSync(join(prefix, 'netns-audit/kubectl-netns_audit'), join(bin, 'absolute'));
    symlinkSync('absolute', join(bin, 'kubectl-netns_audit'));
    expect(bare(join(bin, 'kubectl-netns_audit'), '--version')).toBe(`${version}\n`);
    expect(run('sh', ['kubectl-netns_audit', '--version'], bin)).toBe(`${version}\n`);
  });

  it('says what is wrong with its arguments as its user would with those of any program', () => {
    const { status, stderr } = spawnSync(join(prefix, 'netns-audit/netns-audit'), ['audit', '--nowhere'], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([2, expect.stringContaining('--nowhere')]);
  });

  it('holds the licences of Node.js and of all packages, and neither construct nor functions', () => {
    const files = run('tar', ['tzf', archive], scratch).trim().split('\n');
    expect(files).toEqual(
      expect.arrayContaining(['netns-audit/node/LICENSE', 'netns-audit/program/THIRD-PARTY.txt']),
    );
    expect(files.filter((file) => /construct|functions\/|\.pem$|\.key$/.test(file))).toEqual([]);
  });

  it('is not made for a platform without its Node.js', () => {
    const made = spawnSync(process.execPath, ['scripts/archive.ts', '--platform', 'darwin-arm64'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect([made.status, made.stderr]).toEqual([2, expect.stringContaining('needs --node FILE')]);
  });
});

describe.skipIf(!hasKrew)('krew', () => {
  it('installs the archive by its manifest, checks its digest, and starts it as a plugin of kubectl', () => {
    const home = join(scratch, 'krew');
    writeFileSync(join(scratch, 'netns-audit.yaml'), manifest());
    const installed = spawnSync(
      krew,
      ['install', `--manifest=${join(scratch, 'netns-audit.yaml')}`, `--archive=${archive}`],
      { env: { ...process.env, KREW_ROOT: home, KREW_NO_UPGRADE_CHECK: '1' }, encoding: 'utf8' },
    );
    expect([installed.status, installed.stderr]).toEqual([
      0,
      expect.stringContaining('manifests | kubectl apply'),
    ]);
    expect(existsSync(join(home, 'bin/kubectl-netns_audit'))).toBe(true);
    expect(bare(join(home, 'bin/kubectl-netns_audit'), '--version')).toBe(`${version}\n`);
  }, 120_000);
});
