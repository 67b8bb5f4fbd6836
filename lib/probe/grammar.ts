/** What names and ids of a node may look like. They enter commands that people type: `--all` is no pod. */

/** DNS label, RFC 1123: namespaces. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** DNS subdomain: pods. */
const SUBDOMAIN = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
/** Uids of the API and of static pods, and whatever crictl's users call theirs. */
const WORD = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

const GRAMMARS = { namespace: LABEL, pod: SUBDOMAIN, uid: WORD, id: WORD } as const;

/**
 * The text as it is. Empty is what a runtime's user left out.
 * @throws Error for what cannot be such a name
 */
export function named(kind: keyof typeof GRAMMARS, text: string): string {
  if (text !== '' && !GRAMMARS[kind].test(text))
    throw new Error(`${JSON.stringify(text.slice(0, 60))} cannot be the ${kind} of a sandbox`);
  return text;
}
