/** Nothing that a node says reaches a terminal or a page as anything but text. */

/** Control characters (ANSI escapes begin with one), what turns the direction of writing, and what cannot be seen. */
const UNSAFE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** One line of printable text of at most `limit` characters; what was unsafe shows as an escape, what was cut says so. */
export function printable(text: string, limit = 2000): string {
  const safe = text
    .slice(0, limit + 1)
    .replaceAll(UNSAFE, (character) =>
      character === '\n' || character === '\t'
        ? ' '
        : `\\u${character.codePointAt(0)?.toString(16).padStart(4, '0')}`,
    );
  return safe.length <= limit ? safe : `${safe.slice(0, limit)}… (cut)`;
}

/** For GitHub's markdown: no markup, no mention, no HTML. */
export function markdownText(text: string, limit = 2000): string {
  return printable(text, limit)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/([\\`*_{}[\]()#+!|~])/g, '\\$1')
    .replaceAll('@', '&#64;');
}

/** For XML and HTML, in text and in quoted attributes; only characters that XML 1.0 has. */
export function xmlText(text: string, limit = 2000): string {
  return printable(text, limit)
    .toWellFormed()
    .replaceAll(/[\ufffe\uffff]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
