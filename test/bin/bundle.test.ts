import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './run.ts';

const evidence = new URL('../../demo/broken.tar.gz', import.meta.url).pathname;

describe('netns-audit bundle', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'netns-audit-bundle-'));
  });
  afterAll(async () => await rm(folder, { recursive: true }));

  it('writes a copy that analyze comes to the same with, and says what it replaced and what stays', async () => {
    const [out, names] = [join(folder, 'copy'), join(folder, 'names.json')];
    const said = await run('bundle', evidence, '--out', out, '--names', names);
    expect(said).toMatchObject({ code: 0, error: '' });
    expect(said.out).toMatch(
      /evidence of 1 node, \d+ names replaced. Analyzed again, it gives the same \d+ findings/,
    );
    expect(await readdir(out)).toHaveLength(1);
    const renamed: Record<string, string> = JSON.parse(await readFile(names, 'utf8'));
    const [before, after] = [
      await run('analyze', evidence, '-o', 'json'),
      await run('analyze', out, '-o', 'json'),
    ];
    expect(after.code).toBe(before.code);
    expect(after.out).toContain(`"namespace": "${renamed.shop}"`);
    expect(after.out).not.toContain('"shop"');
  }, 120_000);

  it('overwrites nothing', async () => {
    const said = await run('bundle', evidence, '--out', folder);
    expect(said.code).toBe(2);
    expect(said.error).toContain('Choose a folder with --out that does not exist yet');
  });

  it('names a file that is no evidence', async () => {
    const said = await run('bundle', import.meta.filename, '--out', join(folder, 'other'));
    expect(said.code).toBe(2);
    expect(said.error).toContain('bundle.test.ts is not evidence');
  });
});
