/** Text from a node reaches a terminal or a page as plain text only. */
import { escapeOf, printable } from '../model/printable.ts';

/** Unsafe characters, except those that JSON itself uses; there are none outside its strings. */
const UNSAFE_IN_JSON = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?<=\p{M}{3})\p{M}/gu;
/** A quick test for any of them: the expression above is slow, and nearly all text is plain. */
const NOT_PLAIN_IN_JSON = /[^\x20-\x7e\n]+/g;

/** JSON with the same values, without characters that a terminal obeys. */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replaceAll(NOT_PLAIN_IN_JSON, (some) =>
    some.replaceAll(UNSAFE_IN_JSON, (character) =>
      Array.from({ length: character.length }, (_, n) => escapeOf(character.charCodeAt(n))).join(''),
    ),
  );
}

/**
 * A cell of CSV (RFC 4180). A spreadsheet reads text that begins with these as a formula: what a node says
 * must stay text.
 */
export function csvText(text: string): string {
  const shown = printable(text, Number.POSITIVE_INFINITY);
  const safe = /^[=+\-@]/.test(shown) ? `'${shown}` : shown;
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** GitHub turns names, numbers and addresses in rendered text into links: a zero-width character breaks them up. */
const MARKDOWN: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '@': '@&#8203;',
  '#': '\\#&#8203;',
  ':': ':&#8203;',
  '.': '&#8203;.',
};

/** For GitHub's markdown: no markup, no HTML, no mention, no link. */
export function markdownText(text: string, limit = 2000): string {
  return printable(text, limit).replaceAll(
    /[&<>@#\\`*_{}[\]()+!|~]|:(?=\/\/)|(?<=\bwww)\./gi,
    (character) => MARKDOWN[character] ?? `\\${character}`,
  );
}

/** For XML and HTML, in text and in quoted attributes; characters that XML 1.0 lacks are not printable either. */
export function xmlText(text: string, limit = 2000): string {
  return printable(text, limit)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
