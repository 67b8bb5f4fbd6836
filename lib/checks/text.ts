/** Text from nodes, the kernel log and events, made fit to be quoted: anybody may have written it. */

/** One line without control or bidirectional characters, cut to `most` characters. */
export function quote(text: string, most = 200): string {
  const line = text
    // Control characters, line separators and marks that turn the direction of text.
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** The first `most` items, and how many more there are. */
export function listed(items: readonly string[], most = 10): string {
  const shown = items.slice(0, most).join(', ');
  return items.length > most ? `${shown} and ${items.length - most} more` : shown;
}

/** `1 address`, `2 addresses`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}
