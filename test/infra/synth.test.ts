/** `cdk synth` as an operator runs it: twice, in two places, without a network. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'netns-auditor-synth-'));

/** A copy of a clone's content, in a folder with another name and depth, with its packages behind a link. */
function copy(): string {
  const folder = join(scratch, 'another/place');
  mkdirSync(folder, { recursive: true });
  for (const part of [
    'bin',
    'lib',
    'docs/checks',
    'lambda',
    'package.json',
    'tsconfig.json',
    'cdk.json',
    'netns-audit.yaml',
  ])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Prefix of a command to run without any network, if this user may. */
const offline = ['unshare', '--map-root-user', '--net'];
if (spawnSync('unshare', [...offline.slice(1), 'true']).status !== 0) {
  offline.length = 0;
  console.warn(
    '\n*** unshare cannot make a network namespace here: cdk synth is NOT kept from the network ***\n',
  );
}

function cdk(place: string, ...command: string[]): { status: number | null; stderr: string } {
  const bin = join(scratch, 'bin');
  mkdirSync(bin, { recursive: true });
  rmSync(join(bin, 'node'), { force: true });
  // The only program on the PATH: neither Docker nor the AWS CLI can be found.
  symlinkSync(process.execPath, join(bin, 'node'));
  const environment = [`PATH=${bin}`, `HOME=${scratch}`, 'HTTPS_PROXY=http://127.0.0.1:9'];
  const cli = [process.execPath, join(root, 'node_modules/aws-cdk/bin/cdk'), ...command];
  const [first = '', ...rest] = [...offline, 'env', '-i', ...environment, ...cli];
  return spawnSync(first, rest, { cwd: place, encoding: 'utf8' });
}

function synth(place: string, name: string): { out: string; stderr: string } {
  const out = join(scratch, name);
  const { status, stderr } = cdk(place, 'synth', '--quiet', '--output', out);
  expect(status, stderr).toBe(0);
  return { out, stderr };
}

/** Templates and asset files, each with a digest of its bytes. */
function contents(out: string): Record<string, string> {
  return Object.fromEntries(
    globSync('{*.template.json,*.assets.json,asset.*/**/*.*}', { cwd: out })
      .toSorted()
      .map((file) => [
        file,
        createHash('sha256')
          .update(readFileSync(join(out, file)))
          .digest('hex'),
      ]),
  );
}

describe('cdk synth, offline', () => {
  let here: { out: string; stderr: string };
  let there: { out: string; stderr: string };
  beforeAll(() => {
    here = synth(root, 'here');
    there = synth(copy(), 'there');
  }, 600_000);
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it('says nothing: no warning, no error', () => {
    expect(here.stderr).toBe('');
    expect(there.stderr).toBe('');
  });

  it('makes the same templates and bundles to the byte, wherever the sources lie', () => {
    const files = contents(here.out);
    expect(Object.keys(files).filter((file) => file.endsWith('index.mjs'))).toHaveLength(5);
    expect(contents(there.out)).toEqual(files);
  });

  it('has no difference to what was deployed from elsewhere, and sees one that is there', () => {
    const [name = ''] = globSync('*.template.json', { cwd: here.out });
    const deployed = join(here.out, name);
    const diff = () => cdk(scratch, 'diff', '--fail', '--template', deployed, '--app', there.out);
    const same = diff();
    expect(same.stderr).toContain('no differences');
    expect(same.status).toBe(0);
    writeFileSync(deployed, readFileSync(deployed, 'utf8').replace('nodejs24.x', 'nodejs22.x'));
    expect(diff()).toMatchObject({ status: 1, stderr: expect.stringContaining('nodejs22.x') });
  }, 300_000);

  it('tells nobody where it was made', () => {
    const found = execFileSync('grep', ['-rlF', '-e', root, '-e', scratch, here.out, there.out], {
      encoding: 'utf8',
    }).split('\n');
    expect(found.filter((file) => /template\.json|asset\./.test(file))).toEqual([]);
  });
});
