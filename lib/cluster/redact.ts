/** Keeps secrets out of messages, which end up in logs, reports and mails. */

const REDACTED = '(redacted)';

/** Longer than any helpful line of a plugin. */
const LONGEST = 300;

/** JSON web tokens, EKS tokens, and header credentials. */
const TOKENS =
  /\beyJ[\w+/=-]{5,}(?:\.[\w+/=-]*)*|\bk8s-aws-v1\.[\w=-]+|(?<=\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}/gi;
/** `password=…`, `"client_secret": "…"`, `--id-token …`. */
const NAMED =
  /(?<=(?:password|passwd|passphrase|secret|token|credentials?|(?:api|access|private|account|session)[-_]?key(?:[-_]?id)?)["']?\s*[=:]\s*)(?!\s)(?:"[^"]*"|'[^']*'|[^\s"',;&]+)|(?<=\s--?[\w-]*(?:password|secret|token|key)\s+)[^\s-]\S*/gi;
/** Long words of letters and digits, such as keys. */
const OPAQUE = /\b(?=[\w+=-]*\d)(?=[\w+=-]*[a-z])[\w+=-]{32,}/gi;
/** Name and password of a URL. */
const USERINFO = /(?<=:\/\/)\S*@/g;

/** A URL, or text with URLs, without the names and passwords in them. */
export function withoutUserinfo(text: string): string {
  return text.replaceAll(USERINFO, '');
}

/** The URL of a server, for messages. A `/` or `@` not written as `%2F` or `%40` counts as part of a password. */
export function shownServer(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === '/' || pathname.includes('@') ? '' : pathname}`;
}

/** The words of an API server or a proxy in front of it, which may repeat the request. */
export function withoutTokens(text: string): string {
  return withoutUserinfo(text).replaceAll(TOKENS, REDACTED);
}

/**
 * The complaint of a credential command, cut, without its input and anything that looks like a secret.
 *
 * @param given - its arguments and variables: removed whole, and behind the `=` of a flag
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
