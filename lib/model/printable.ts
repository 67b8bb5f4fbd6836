/** What comes from outside (nodes, API servers, plugins, files) reaches a terminal as text and as nothing else. */

/**
 * Control characters (ANSI escapes begin with one), what turns the direction of writing, what cannot be seen or has no
 * meaning, spaces that look like others, halves of characters, and marks that would stand over other text.
 */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}|^\p{M}|(?<=\p{M}{3})\p{M}/gu;
/** The expression above is slow, and nearly all text is plain. */
const PLAIN = /^[\x20-\x7e]*$/;

/** One line of printable text of at most `limit` characters; what was unsafe shows as an escape, what was cut says so. */
export function printable(text: string, limit = 2000): string {
  if (text.length <= limit && PLAIN.test(text)) return text;
  const safe = text
    .slice(0, limit + 1)
    .replaceAll(UNSAFE, (character) =>
      character === '\n' || character === '\t' ? ' ' : escapeOf(character.codePointAt(0) ?? 0),
    );
  // A cut through a character leaves the first half of it.
  return safe.length <= limit ? safe : `${safe.slice(0, limit).replace(/[\ud800-\udbff]$/, '')}… (cut)`;
}

/** As JSON writes it; beyond 16 bits as JavaScript does. */
export function escapeOf(code: number): string {
  const hex = code.toString(16);
  return code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
}

/** Several lines, each of them printable: the line breaks are those of whoever wrote the text. */
export function printableLines(text: string, limit = 2000): string {
  return text
    .split('\n')
    .map((line) => printable(line, limit))
    .join('\n');
}
