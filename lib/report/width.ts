/** Width of text in terminal columns, and lines that fit. */

/** These combine with the character before them. */
const COMBINING = /[\p{Mn}\p{Me}]/u;
/** East Asian letters and emoji take two columns. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\u3001-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
const ASCII = /^[\x20-\x7e]*$/;

/** For printable text; our own colors have no width. */
export function widthOf(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: our own colors
  const plain = text.replaceAll(/\u001b\[\d+m/g, '');
  if (ASCII.test(plain)) return plain.length;
  let width = 0;
  for (const character of plain) width += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** Padded with spaces. */
export function padded(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)));
}

/** As much as fits, with a sign that more is left out. */
export function clipped(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let start = '';
  let width = 1;
  for (const character of text) {
    width += widthOf(character);
    if (width > columns) break;
    start += character;
  }
  return `${start}…`;
}

/** Start and end, as the end of a name is often more telling than its middle. */
export function clippedInside(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  const characters = [...text];
  let [from, to] = [0, characters.length];
  for (let width = 1; from < to; ) {
    const next = from <= characters.length - to ? characters[from] : characters[to - 1];
    width += widthOf(next ?? '');
    if (width > columns) break;
    if (from <= characters.length - to) from += 1;
    else to -= 1;
  }
  return `${characters.slice(0, from).join('')}…${characters.slice(to).join('')}`;
}

/** Lines of whole words, without leading spaces; a word longer than a line gets its own. */
export function wrapped(words: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line);
      line = word.replace(/^ +/, '');
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** Words wrapped at a width, all with the same indent. */
export function indented(text: string, width: number, indent: string): string[] {
  return hanging(text.split(' '), width, [indent, indent]);
}

/** @param indents - of the first line, and of the others */
export function hanging(
  words: readonly string[],
  width: number,
  [first, others]: readonly [string, string],
): string[] {
  return wrapped(words, Math.max(20, width - others.length)).map(
    (line, index) => `${index === 0 ? first : others}${line}`,
  );
}

/** Words; the first is two spaces from the text before it. */
export function apart(text: string): string[] {
  const [first, ...others] = text.split(' ');
  return [` ${first}`, ...others];
}
