/**
 * Makes text from nodes, the kernel log and events safe to quote, as anybody may have written it; and
 * shortens lists.
 */
import type { Comparison } from './finding.ts';

/** One line without control or bidirectional characters, cut to `most` characters. */
export function quote(text: string, most = 200): string {
  const line = text
    // Control characters, line separators, and marks that change the writing direction.
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** `each` of the first `most` items, then `rest` about those left out: no list is cut silently. */
export function firstOf<Item, Part>(
  items: readonly Item[],
  most: number,
  each: (item: Item) => Part | readonly Part[],
  rest: (left: number) => Part,
): Part[] {
  const shown = items.slice(0, most).flatMap(each);
  return items.length > most ? [...shown, rest(items.length - most)] : shown;
}

/** What went wrong and what to do about it, as two sentences. */
export function withRemedy(message: string, remedy: string): string {
  const end = /[.!?…]$/.test(message) ? '' : '.';
  return `${message}${end} ${remedy}`;
}

/** The first `most` items, and the number of further ones. */
export function listed(items: readonly string[], most = 10, separator = ', '): string {
  const [first = '', ...others] = firstOf(
    items,
    most,
    (item) => `${separator}${item}`,
    (left) => ` and ${left} more`,
  );
  return first.slice(separator.length) + others.join('');
}

/** Rows of evidence about the first `most` items, and one row for those left out. */
export function rowsOf<Item>(
  items: readonly Item[],
  most: number,
  row: (item: Item) => Comparison | readonly Comparison[],
): Comparison[] {
  const sources = items
    .slice(0, most)
    .flatMap(row)
    .map(({ source }) => source);
  return firstOf<Item, Comparison>(items, most, row, (left) => ({
    what: 'not listed here',
    actual: `${left} more`,
    source: sources.at(-1) ?? '',
  }));
}

/** `1 address`, `2 addresses`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}
