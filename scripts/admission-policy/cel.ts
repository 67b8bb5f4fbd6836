/** Values and conditions in CEL, the language of admission policies. */

/** A value in CEL. Kubernetes accepts only lists and maps whose values have one type, so others are made dynamic. */
export function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const same = Object.values(value).every((each) => typeof each === 'string');
    const entries = Object.entries(value).map(
      ([name, each]) => `${JSON.stringify(name)}: ${same ? literal(each) : `dyn(${literal(each)})`}`,
    );
    return `{${entries.join(', ')}}`;
  }
  return JSON.stringify(value);
}

/** One line of CEL that returns the name of what differs, or an empty list. */
export const unless = (condition: string, name: string) => `(${condition} ? [] : ["${name}"])`;

export const only = (map: string, keys: readonly string[], name: string) =>
  `${map}.filter(key, !(key in ${literal(keys)})).map(key, "${name}" + key)`;

export function equal(
  object: string,
  fields: Readonly<Record<string, unknown>>,
  without: readonly string[],
  name: string,
): string[] {
  return Object.entries(fields)
    .filter(([field]) => !without.includes(field))
    .map(([field, value]) =>
      unless(`has(${object}.${field}) && ${object}.${field} == ${literal(value)}`, `${name}${field}`),
    );
}

/**
 * Long patterns cost: the server has a limit for all arguments together, so that each is held against its own
 * alone.
 */
export function oneOf(patterns: readonly string[]): string {
  const matches = (pattern: string): string => `each.matches(${literal(pattern)})`;
  const [first = '', another] = patterns;
  if (another === undefined) return matches(first);
  return patterns
    .map((each) => `(each.startsWith(${literal(each.slice(1, each.indexOf('=') + 1))}) && ${matches(each)})`)
    .join(' || ');
}
