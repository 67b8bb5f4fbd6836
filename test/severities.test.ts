import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../lib/checks/catalogue.ts';
import { losses, severitiesPage } from '../scripts/severities.ts';

const page = (file: string): string => readFileSync(new URL(`../docs/${file}`, import.meta.url), 'utf8');

describe('docs/severities.md', () => {
  it('is what npm run generate makes of the catalogue and of the pages of checks', () => {
    expect(page('severities.md')).toBe(severitiesPage((id) => page(`checks/${id}.md`)));
  });

  it('says once for each check what is lost, and no check contradicts it', () => {
    const said = losses.flatMap(({ severity, checks }) => checks.map((id) => ({ id, severity })));
    const ids = said.map(({ id }) => id);
    expect(
      catalogue.map(({ id }) => id).filter((id) => !ids.includes(id)),
      'add them to scripts/severities.ts',
    ).toEqual([]);
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    expect(said.toSorted(byId)).toEqual(
      catalogue.map(({ id, severity }) => ({ id, severity })).toSorted(byId),
    );
  });

  it.each(catalogue)('the page of $id says when a case is worse or milder', ({ id, topic }) => {
    const source = readFileSync(new URL(`../lib/checks/${topic}/${id}.ts`, import.meta.url), 'utf8');
    const own = source.match(/severity: .*'(?:critical|high|medium|low)'/g) ?? [];
    expect(/^Severity: \w+ \(/m.test(page(`checks/${id}.md`)), id).toBe(own.length > 1);
  });
});
