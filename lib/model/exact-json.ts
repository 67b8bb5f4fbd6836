/**
 * JSON with whole numbers of any size: a JavaScript number would round those above 2^53, and whoever writes back what was
 * read would change them.
 */

declare global {
  // Node 22 has both; the compiler's library does not know them yet.
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
    rawJSON(text: string): object;
  }
}

/** Whole numbers that no number can hold are bigints. @throws SyntaxError if it is no JSON */
export function parseExact(text: string): unknown {
  return JSON.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '')
      ? BigInt(source ?? 0)
      : value,
  );
}

/** The same for `JSON.stringify`, which writes no bigint. */
export function exactJson(value: unknown): unknown {
  if (typeof value === 'bigint') return JSON.rawJSON(String(value));
  if (Array.isArray(value)) return value.map(exactJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, exactJson(each)]));
}
