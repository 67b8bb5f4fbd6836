/** Every command of the tool in the documentation is one that it takes, as somebody will type it. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { catalogue } from '../../lib/checks/catalogue.ts';
import { run } from './run.ts';

const root = join(import.meta.dirname, '../..');
const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root })];

/** Commands in code, of a line or of a block, up to a comment, a pipe or a redirection. */
function commandsIn(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const inLines = [...text.matchAll(/^(?: {4}|\t)?(?:\$ )?netns-audit ([a-z].*)$/gm)];
  const inCode = [...text.matchAll(/`netns-audit ([a-z][^`]*)`/g)];
  return [...inLines, ...inCode].map(
    ([, typed = '']) =>
      typed
        .replaceAll('\n', ' ')
        .split(/ {2,}| [|>&#]|[;(`]/)[0]
        ?.trim() ?? '',
  );
}

const known = new Map<string, Promise<ReadonlySet<string>>>();
/** What may follow these words: commands or options. */
function mayFollow(...words: readonly string[]): Promise<ReadonlySet<string>> {
  const key = words.join(' ');
  const asked = known.get(key) ?? run('__complete', ...words).then(({ out }) => namesIn(out));
  known.set(key, asked);
  return asked;
}
const namesIn = (out: string): ReadonlySet<string> =>
  new Set(out.split('\n').map((line) => line.split('\t')[0] ?? ''));

async function wrongIn(typed: string): Promise<string[]> {
  const words = typed.split(/\s+/);
  const [first = '', second = ''] = words;
  if (!(await mayFollow('')).has(first)) return [`no command ${first}`];
  const below = await mayFollow(first, '');
  const path = below.has(second) && !second.startsWith('-') ? [first, second] : [first];
  const options = await mayFollow(...path, '--');
  const wrong = words
    .filter((word) => word.startsWith('--'))
    .map((word) => word.replace(/[=.,:\])].*$/, ''))
    .filter((word) => !options.has(word) && !['--', '--help', '--version'].includes(word));
  const check = words[words.indexOf('--only') + 1] ?? '';
  const isMeant = words.includes('--only') && /^[a-z-]+$/.test(check);
  return [
    ...wrong.map((word) => `no option ${word}`),
    ...(isMeant && !catalogue.some(({ id }) => id === check) ? [`no check ${check}`] : []),
  ];
}

it('has commands, options and checks that exist', async () => {
  const found = pages.flatMap((page) => commandsIn(page).map((typed) => ({ page, typed })));
  expect(found.length).toBeGreaterThan(100);
  const wrong: string[] = [];
  for (const { page, typed } of found)
    for (const why of await wrongIn(typed)) wrong.push(`${page}: ${typed}: ${why}`);
  expect(wrong).toEqual([]);
});
