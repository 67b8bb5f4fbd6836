import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const root = new URL('../', import.meta.url);
const text = readFileSync(new URL('CONTRIBUTING.md', root), 'utf8');
const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { scripts: object };

it.each(
  [...text.matchAll(/`((?:bin|docs|lib|test|schema|deploy)\/[a-z0-9/.-]*)`/g)].map(([, path = '']) => path),
)('CONTRIBUTING.md names %s, which is there', (path) => {
  expect(existsSync(new URL(path, root))).toBe(true);
});

it.each([...text.matchAll(/npm run ([a-z:]+)/g)].map(([, name = '']) => name))(
  'CONTRIBUTING.md names npm run %s, which is there',
  (name) => {
    expect(scripts).toHaveProperty([name]);
  },
);

it('CONTRIBUTING.md is one page', () => {
  expect(text.split('\n').length).toBeLessThan(60);
});
