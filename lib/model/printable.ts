/** Makes text from outside (nodes, API servers, plugins, files) safe to print on a terminal. */

/**
 * Control characters (ANSI escapes begin with one), characters that change the writing direction, invisible
 * or meaningless ones, spaces that look like others, lone surrogates, and marks that would cover other text.
 */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}|^\p{M}|(?<=\p{M}{3})\p{M}/gu;
/** Nearly all text matches this; the expression above is slow. */
const PLAIN = /^[\x20-\x7e]*$/;

/** One line of printable text of at most `limit` characters; unsafe characters are escaped, and a cut is marked. */
export function printable(text: string, limit = 2000): string {
  if (text.length <= limit && PLAIN.test(text)) return text;
  const safe = text
    .slice(0, limit + 1)
    .replaceAll(UNSAFE, (character) =>
      character === '\n' || character === '\t' ? ' ' : escapeOf(character.codePointAt(0) ?? 0),
    );
  // Cutting inside a surrogate pair would leave its first half.
  return safe.length <= limit ? safe : `${safe.slice(0, limit).replace(/[\ud800-\udbff]$/, '')}… (cut)`;
}

/** JSON's notation; above 16 bits, JavaScript's. */
export function escapeOf(code: number): string {
  const hex = code.toString(16);
  return code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
}

/** Several printable lines, with the line breaks of the text. */
export function printableLines(text: string, limit = 2000): string {
  return text
    .split('\n')
    .map((line) => printable(line, limit))
    .join('\n');
}
