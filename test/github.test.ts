/** The workflows, forms and the action of the repository, as GitHub reads them. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';

const root = fileURLToPath(new URL('../', import.meta.url));
const text = (file: string): string => readFileSync(`${root}${file}`, 'utf8');
const workflows = globSync('.github/workflows/*.yaml', { cwd: root }).toSorted();
const actionlint = process.env.ACTIONLINT ?? 'actionlint';
const hasActionlint = spawnSync(actionlint, ['-version'], { stdio: 'ignore' }).status === 0;
if (!hasActionlint)
  console.warn(
    '\n*** actionlint is not installed: the workflows are NOT linted (scripts/install-test-tools.sh) ***\n',
  );

describe.each(workflows)('%s', (file) => {
  it('takes actions by their commit, with the version beside it, so that nobody can change one under us', () => {
    const used = [...text(file).matchAll(/^.*\buses: (.*)$/gm)].map(([, name = '']) => name);
    expect(used.length).toBeGreaterThan(3);
    const loose = used.filter(
      (name) => !name.startsWith('./') && !/^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(name),
    );
    expect(loose).toEqual([]);
  });

  it('may only read the repository, where a job does not ask for more', () => {
    expect(parse(text(file))).toMatchObject({ permissions: { contents: 'read' } });
  });

  it('runs scripts that are there', () => {
    const { scripts } = JSON.parse(text('package.json')) as { scripts: object };
    const named = [...text(file).matchAll(/npm run (?:--silent )?([a-z:0-9]+)/g)].map(
      ([, name = '']) => name,
    );
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
    const files = [...text(file).matchAll(/\b(scripts\/[\w/-]+\.\w+|deploy\/[\w/.-]+)/g)].map(
      ([, path]) => path,
    );
    expect(files.filter((path) => !existsSync(`${root}${path}`))).toEqual([]);
  });
});

describe.skipIf(!hasActionlint)('actionlint', () => {
  it('finds nothing wrong with the workflows', () => {
    const { status, stdout } = spawnSync(actionlint, ['-no-color'], { cwd: root, encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, '']);
  }, 60_000);
});

/** https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema */
const form = z.strictObject({
  name: z.string(),
  description: z.string().max(200),
  labels: z.array(z.string()),
  body: z
    .array(
      z.discriminatedUnion('type', [
        z.strictObject({ type: z.literal('markdown'), attributes: z.strictObject({ value: z.string() }) }),
        z.strictObject({
          type: z.enum(['input', 'textarea']),
          id: z.string().regex(/^[a-z-]+$/),
          attributes: z.strictObject({
            label: z.string(),
            description: z.string().optional(),
            placeholder: z.string().optional(),
            render: z.string().optional(),
          }),
          validations: z.strictObject({ required: z.boolean() }).optional(),
        }),
      ]),
    )
    .min(1),
});

describe('the forms for issues', () => {
  it.each(globSync('.github/ISSUE_TEMPLATE/[!c]*.yml', { cwd: root }))(
    '%s is a form, and asks for a bundle',
    (file) => {
      const fields = form.parse(parse(text(file))).body.flatMap((each) => ('id' in each ? [each.id] : []));
      expect(new Set(fields).size).toBe(fields.length);
      expect(fields).toContain('bundle');
    },
  );
});
