/** Commands for people to paste. What a node prints is held to its grammar before (lib/probe/grammar.ts): no word of its begins with `-`. */

/**
 * A command for a POSIX shell with every word quoted that needs it: names come from nodes and from the API,
 * and somebody will paste this.
 */
export function command(...words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
