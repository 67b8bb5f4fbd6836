import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../lib/checks/catalogue.ts';
import { severities, topics } from '../../lib/model/finding.ts';

const root = new URL('../../', import.meta.url);
const at = (path: string) => new URL(path, root);
const HEADINGS = [
  'What it checks',
  'Why it matters',
  'Evidence',
  'How to fix',
  'When not to act',
  'Known limitations',
];

describe('the catalogue', () => {
  it('names every check once', () => {
    const ids = catalogue.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
  });

  it('gives no name away that a check had before', () => {
    const names = catalogue.flatMap(({ id, formerly = [] }) => [id, ...formerly]);
    expect(names).toEqual([...new Set(names)]);
  });

  it('has a check for every page, and a page for every check', () => {
    const pages = readdirSync(at('docs/checks')).map((file) => file.replace(/\.md$/, ''));
    expect(pages.toSorted()).toEqual(catalogue.map(({ id }) => id).toSorted());
  });

  it('has a check for every test of one', () => {
    const ids = new Set(catalogue.map(({ id }) => id));
    const tests = topics
      .filter((topic) => existsSync(at(`test/checks/${topic}`)))
      .flatMap((topic) => readdirSync(at(`test/checks/${topic}`)))
      .filter(
        (file) =>
          file.endsWith('.test.ts') && existsSync(at(`docs/checks/${file.replace('.test.ts', '.md')}`)),
      );
    expect(new Set(tests.map((file) => file.replace('.test.ts', '')))).toEqual(ids);
  });
});

describe.each(catalogue.map((check) => [check.id, check] as const))('%s', (id, check) => {
  it('has its code, its test and its page under its own name', () => {
    expect(id).toMatch(/^[a-z]+(-[a-z]+)+$/);
    expect(topics).toContain(check.topic);
    const files = [
      `lib/checks/${check.topic}/${id}.ts`,
      `test/checks/${check.topic}/${id}.test.ts`,
      `docs/checks/${id}.md`,
    ];
    expect(files.filter((file) => !existsSync(at(file)))).toEqual([]);
  });

  it('says in a few words what passes, what fails and why that matters', () => {
    expect(severities).toContain(check.severity);
    for (const title of [check.title, check.failureTitle]) expect(title).toMatch(/^.{8,90}[^.]$/);
    expect(check.title).not.toBe(check.failureTitle);
    // Without its aside, such as the CNI plugin that it is about.
    const words = check.failureTitle.replaceAll(/ \([^)]*\)/g, '').split(' ');
    expect(words.length, check.failureTitle).toBeLessThanOrEqual(8);
    expect(check.why.length).toBeLessThanOrEqual(400);
    expect(check.why).toMatch(/\.$/);
    // The text that `npm run new:check` writes.
    for (const said of [check.title, check.failureTitle, check.why])
      expect(said).not.toMatch(/^Say (?:in|what)\b/);
  });

  it('has a page that agrees with it, with the sections that readers look for', () => {
    const page = readFileSync(at(`docs/checks/${id}.md`), 'utf8');
    const [title, , line] = page.split('\n');
    expect(title).toBe(`# ${id}`);
    // In brackets a page says when a case is worse or milder.
    expect(line?.replace(/ \(.+?\)/, '')).toBe(
      `Severity: ${check.severity} · Topic: ${check.topic} · Reference: \`netns-audit checks ${id}\``,
    );
    const sections = page.split(/^## /m).slice(1);
    expect(sections.map((section) => section.split('\n')[0])).toEqual(HEADINGS);
    for (const section of sections) {
      expect(section.split('\n').slice(1).join('').trim()).not.toBe('');
      expect(section).not.toMatch(/^Say (?:what|where|when)\b/m);
    }
  });
});
