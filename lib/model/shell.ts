/** Commands for people to paste. */

/**
 * A command for a POSIX shell with every word quoted that needs it: names come from nodes and from the API,
 * and somebody will paste this.
 */
export function command(...words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
