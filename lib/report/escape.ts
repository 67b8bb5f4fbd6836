/** Nothing that a node says reaches a terminal or a page as anything but text. */

/** Control characters (ANSI escapes begin with one), and what turns the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get through
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** One line of printable text of at most `limit` characters; what was unsafe shows as an escape, what was cut says so. */
export function printable(text: string, limit = 2000): string {
  const safe = text
    .slice(0, limit + 1)
    .replaceAll(UNSAFE, (character) =>
      character === '\n' || character === '\t'
        ? ' '
        : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
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
