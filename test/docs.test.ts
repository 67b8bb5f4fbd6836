/** Every page can be found, and no link is broken. */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root });

it('the index names every page of docs/', () => {
  const index = readFileSync(join(root, 'docs/README.md'), 'utf8');
  const missing = globSync('*.md', { cwd: join(root, 'docs') }).filter(
    (page) => page !== 'README.md' && !index.includes(`(${page})`),
  );
  expect(missing).toEqual([]);
});

it('every link to a file of the project leads to one', () => {
  const broken = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(join(root, dirname(page), target)))
      .map((target) => `${page}: ${target}`),
  );
  expect(pages.length).toBeGreaterThan(50);
  expect(broken).toEqual([]);
});

it('every link to a heading leads to one', () => {
  const broken = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)#\s:]*)#([\w-]+)\)/g)]
      .filter(([, target = '', anchor = '']) => {
        const file = target === '' ? page : join(dirname(page), target);
        return !anchorsOf(readFileSync(join(root, file), 'utf8')).includes(anchor);
      })
      .map(([link]) => `${page}: ${link}`),
  );
  expect(broken).toEqual([]);
});

it('every picture is there, shown somewhere and small', () => {
  const shown = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/(?:\]\(|src(?:set)?=")([^)"]+\.(?:png|jpg))/g)].map(
      ([, target = '']) => join(dirname(page), target),
    ),
  );
  const pictures = globSync('docs/pictures/*', { cwd: root });
  expect([...new Set(shown)].toSorted()).toEqual(pictures.toSorted());
  for (const picture of pictures) expect(statSync(join(root, picture)).size, picture).toBeLessThan(200_000);
});

/** GitHub's anchors for headings. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
