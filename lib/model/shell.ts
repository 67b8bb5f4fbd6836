/**
 * Commands for people to paste. A node's names were checked against a grammar before (lib/probe/grammar.ts):
 * none begins with `-`.
 */

/**
 * A command for a POSIX shell, with quotes around every word that needs them: names come from nodes and from
 * the API, and somebody will paste this.
 */
export function command(...words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
