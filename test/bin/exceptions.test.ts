import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from './run.ts';

const broken = new URL('../../demo/broken.tar.gz', import.meta.url).pathname;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'netns-audit-exceptions-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function file(text: string): Promise<string> {
  const path = join(directory, 'exceptions.yaml');
  await writeFile(path, text);
  return path;
}

const all = `
exceptions:
  - check: "*"
    objects: ["*"]
    reason: the node of the demo is broken on purpose
    owner: docs
    expires: 2999-12-31
`;

describe('--exceptions', () => {
  it('takes what it covers out of the exit code, counts it, and names it with -v', async () => {
    expect((await run('analyze', broken)).code).toBe(1);
    const excepted = await run('analyze', broken, '--exceptions', await file(all));
    expect(excepted.code).not.toBe(1);
    expect(excepted.out).toMatch(/\n\d+ findings suppressed by exceptions: -v names them\n/);
    expect(excepted.out).not.toContain('pod-interface-missing');
    const named = await run('analyze', broken, '-v', '--exceptions', await file(all));
    expect(named.out.replaceAll(/\s+/g, ' ')).toMatch(
      /critical pod-interface-missing \S+ on \S+ \(the node of the demo is broken on purpose; docs, until 2999-12-31\)/,
    );
  });

  it('shows what it covers apart in Markdown, as skipped in JUnit, and with its reason in NDJSON', async () => {
    const of = async (format: string) =>
      (await run('analyze', broken, '-o', format, '--exceptions', await file(all))).out;
    const markdown = await of('markdown');
    expect(markdown).not.toMatch(/^## critical/m);
    expect(markdown).toMatch(/## Suppressed by exceptions\n[^#]*critical pod-interface-missing/);
    expect(await of('junit')).toContain('failures="0"');
    const [line = ''] = (await of('ndjson')).split('\n');
    expect(JSON.parse(line)).toMatchObject({ suppressed: { owner: 'docs', expires: '2999-12-31' } });
  });

  it('takes labels of the pod', async () => {
    const labelled = (value: string) => file(all.replace('objects: ["*"]', `labels: { app: ${value} }`));
    const web = await run('analyze', broken, '-v', '--exceptions', await labelled('web'));
    expect(web.out).toMatch(/Suppressed by exceptions:\n[^S]*pod-loopback-down {2}shop\/web-/);
    expect(web.out).toMatch(/CRITICAL {2}pod-interface-missing {2}shop\/cart-/);
    const cart = await run('analyze', broken, '-v', '--exceptions', await labelled('cart'));
    expect(cart.out).toMatch(/Suppressed by exceptions:\n[^S]*pod-interface-missing {2}shop\/cart-/);
    expect(cart.out).toMatch(/HIGH {2}pod-loopback-down {2}shop\/web-/);
  });

  it('says that none is for the cluster, rather than to ignore them', async () => {
    const other = await file(all.replace('reason:', 'clusters: [prod-*]\n    reason:'));
    const { code, error } = await run('analyze', broken, '--exceptions', other);
    expect(code).toBe(1);
    expect(error).toContain('No exception is for this cluster, which is named lab here');
    expect((await run('analyze', broken, '--exceptions', await file(all))).error).toBe('');
  });

  it.each([
    ['a file that is not there', null, 'none.yaml: there is no such file'],
    ['a file without the key', 'exeptions: []', 'exceptions'],
    ['neither objects nor labels', all.replace('    objects: ["*"]\n', ''), 'objects, labels or both'],
    ['a day that is none', all.replace('2999-12-31', 'soon'), 'expires'],
    ['a field that is not known', all.replace('owner:', 'ower:'), 'ower'],
  ])('says what is wrong with %s', async (_, text, words) => {
    const path = text === null ? join(directory, 'none.yaml') : await file(text);
    expect(await run('analyze', broken, '--exceptions', path)).toMatchObject({
      code: 2,
      error: expect.stringContaining(words),
    });
  });
});
