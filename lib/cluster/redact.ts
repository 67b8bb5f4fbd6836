/** Secrets stay out of messages: they go on into logs, reports and mails. */

const REDACTED = '(redacted)';

/** Longer than any line of a plugin that helps. */
const LONGEST = 300;

/** JSON web tokens, tokens of EKS, and what a header carries. */
const TOKENS =
  /\beyJ[\w+/=-]{5,}(?:\.[\w+/=-]*)*|\bk8s-aws-v1\.[\w=-]+|(?<=\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}/gi;
/** `password=…`, `"client_secret": "…"`, `--id-token …`. */
const NAMED =
  /(?<=(?:password|passwd|passphrase|secret|token|credentials?|(?:api|access|private|account|session)[-_]?key(?:[-_]?id)?)["']?\s*[=:]\s*)(?!\s)(?:"[^"]*"|'[^']*'|[^\s"',;&]+)|(?<=\s--?[\w-]*(?:password|secret|token|key)\s+)[^\s-]\S*/gi;
/** Long words of letters and digits, as keys are. */
const OPAQUE = /\b(?=[\w+=-]*\d)(?=[\w+=-]*[a-z])[\w+=-]{32,}/gi;
/** Name and password of a URL. */
const USERINFO = /(?<=:\/\/)\S*@/g;

/** A URL, or text with some, without the names and passwords in them. */
export function withoutUserinfo(text: string): string {
  return text.replaceAll(USERINFO, '');
}

/** The URL of a server, for messages. A `/` or `@` in a password that was not written as `%2F` or `%40` counts as one. */
export function shownServer(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === '/' || pathname.includes('@') ? '' : pathname}`;
}

/** The words of an API server or of what stands before it, which may repeat what was sent. */
export function withoutTokens(text: string): string {
  return withoutUserinfo(text).replaceAll(TOKENS, REDACTED);
}

/**
 * What a command that prints credentials complained of, cut, without what it was given and what looks like a secret.
 *
 * @param given - its arguments and variables: whole, and behind the `=` of a flag, they are taken out
 */
export function withoutSecrets(text: string, given: readonly string[] = []): string {
  const values = given
    .flatMap((each) => [each, each.replace(/^-[^=]*=/, '')])
    // Short ones are words such as `eks` and `-c`.
    .filter((each) => each.length > 3)
    .toSorted((a, b) => b.length - a.length);
  const known = values.reduce((rest, value) => rest.replaceAll(value, REDACTED), text);
  const safe = withoutTokens(known).replaceAll(NAMED, REDACTED).replaceAll(OPAQUE, REDACTED);
  const line = safe.replaceAll(/\s+/g, ' ').trim();
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST)}…`;
}
