import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run, type Said } from './run.ts';

describe('netns-audit demo --store', () => {
  let store: string;
  let demo: Said;
  beforeAll(async () => {
    store = await mkdtemp(join(tmpdir(), 'netns-audit-demo-'));
    demo = await run('demo', '--store', store);
  }, 30_000);
  afterAll(async () => await rm(store, { recursive: true }));

  const reports = async (...args: string[]): Promise<Said> => await run('reports', ...args, '--store', store);

  it('shows the same two audits as without a store', async () => {
    expect(demo.code).toBe(0);
    expect(demo.out).toContain('pod-interface-missing');
    expect((await run('demo')).out.split('\n').slice(0, 20)).toEqual(demo.out.split('\n').slice(0, 20));
  }, 30_000);

  it('makes a month of two clusters that every command on reports works on', async () => {
    expect(JSON.parse((await reports('list', '--limit', '100', '-o', 'json')).out)).toHaveLength(62);
    const { appeared, gone } = JSON.parse((await reports('diff', '--cluster', 'demo-eu', '-o', 'json')).out);
    expect(appeared.length).toBeGreaterThan(3);
    expect(gone).toEqual([]);
    expect((await reports('trend', 'orphans', '--ascii')).out).toMatch(/demo-us .* 1 -> 0/);
    expect((await reports('fleet')).out).toMatch(/demo-eu +critical.*demo-us +healthy/s);
    expect((await reports('show', 'previous', '--cluster', 'demo-eu')).out).toContain('HEALTHY');
  });

  it('prints commands that work as typed', async () => {
    const typed = [
      ...demo.out.matchAll(/^ {2}(?:netns-audit|npx netns-auditor) (reports [^>\n]*)(?: > report.html)?$/gm),
    ].map(([, words = '']) => words.trim());
    expect(typed).toHaveLength(5);
    for (const words of typed) expect(await run(...words.split(' '))).toMatchObject({ code: 0, error: '' });
  });

  it.each([
    ['netns-audit', undefined],
    ['npx netns-auditor', 'exec'],
  ])('calls the program %s if npm started it with %s', async (program, started) => {
    vi.stubEnv('npm_command', started);
    const { out } = await run('demo');
    vi.unstubAllEnvs();
    expect(out).toContain(`\n  ${program} audit  `);
  });
});
