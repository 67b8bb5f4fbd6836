import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../', import.meta.url);
const textOf = (file: string): string => readFileSync(new URL(file, root), 'utf8');
const { scripts } = JSON.parse(textOf('package.json')) as { scripts: object };

describe.each(['CONTRIBUTING.md', 'docs/tasks.md'])('%s', (page) => {
  const text = textOf(page);

  it.each(
    [...text.matchAll(/`((?:bin|docs|lib|test|schema|deploy)\/[a-z0-9/.-]*)`/g)].map(([, path = '']) => path),
  )('names %s, which is there', (path) => {
    expect(existsSync(new URL(path, root))).toBe(true);
  });

  it.each([...text.matchAll(/npm run ([a-z:]+)/g)].map(([, name = '']) => name))(
    'names npm run %s, which is there',
    (name) => {
      expect(scripts).toHaveProperty([name]);
    },
  );
});

it('CONTRIBUTING.md is one page', () => {
  const text = textOf('CONTRIBUTING.md');
  expect(text.split('\n').length).toBeLessThan(60);
  expect(text.split(/\s+/).length).toBeLessThan(700);
});
