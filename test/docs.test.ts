/** Every page can be found, and no link leads nowhere. */
import { existsSync, globSync, readFileSync } from 'node:fs';
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
