/**
 * Which names, ids and addresses from a node are accepted. They enter commands that people type: `--all` is
 * not a pod, and nothing accepted here can be mistaken for an option.
 */
import * as z from 'zod';

/** DNS label, RFC 1123: namespaces. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** DNS subdomain: pods. */
const SUBDOMAIN = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
/** Uids of the API and of static pods, and any id that crictl's users assign. */
const WORD = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

/** As the kernel accepts them (dev_valid_name), except names that begin like an option. */
const LINK = /^(?!-|\.{1,2}$)[^ \t\n\v\f\r/:]{1,15}$/;
/** Addresses, prefixes, and the words that `ip` uses in their place. */
const ADDRESS = /^[0-9A-Za-z:][0-9A-Za-z:.%/@_-]{0,299}$/;
/** One file name. */
const FILE = /^(?!\.{1,2}$)[^-/][^/]{0,254}$/;

const GRAMMARS = {
  namespace: LABEL,
  pod: SUBDOMAIN,
  uid: WORD,
  id: WORD,
  link: LINK,
  address: ADDRESS,
  file: FILE,
} as const;
type Kind = keyof typeof GRAMMARS;

const WORDS: Readonly<Record<Kind, string>> = {
  namespace: 'namespace of a sandbox',
  pod: 'pod of a sandbox',
  uid: 'uid of a sandbox',
  id: 'id of a sandbox',
  link: 'name of a link',
  address: 'address',
  file: 'name of a file',
};

/**
 * Returns the text unchanged. Empty texts are allowed, as users of a runtime may leave names out.
 * @throws Error if it cannot be such a name
 */
export function fitting(kind: Kind, text: string): string {
  if (!fits(kind, text)) throw new Error(refusal(kind, text));
  return text;
}

/** The same check for JSON. */
export function nameSchema(kind: Kind) {
  return z
    .string()
    .refine((text) => fits(kind, text), { error: ({ input }) => refusal(kind, String(input)) });
}

const fits = (kind: Kind, text: string) => text === '' || GRAMMARS[kind].test(text);
const refusal = (kind: Kind, text: string) =>
  `${JSON.stringify(text.slice(0, 60))} cannot be the ${WORDS[kind]}`;
