/**
 * Simplifies zod's issues: no unions, no duplicates, and includes those that zod checks only once the rest is
 * right.
 */
import type * as z from 'zod';

export type Issue = z.core.$ZodIssue;

/** All issues of a value, each for one value and one shape. */
export function issuesOf(found: readonly Issue[], content: unknown, schema: z.ZodType): Issue[] {
  const issues = found.flatMap((issue) => unfolded(issue, content));
  const { rest, whole, isEmptied } = withoutFaulty(content, issues);
  const again = schema.safeParse(rest);
  // Rules for a whole list, such as distinct names, are checked only if each of its entries is right.
  const ofWhole = again.success
    ? []
    : again.error.issues
        .map((issue) => ({ ...issue, path: whole(issue.path) }))
        // A list is not empty because all of its entries are faulty.
        .filter(({ code, path }) => code === 'custom' && !isEmptied(path));
  const seen = new Set<string>();
  return [...issues, ...ofWhole].filter(({ path, message }) => {
    const key = JSON.stringify([path, message]);
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}

/** Issues of a union, from the branch that the value resembles most. */
function unfolded(issue: Issue, content: unknown): Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  const scored = issue.errors.map((branch) => ({ branch, score: unlikeness(branch) }));
  const least = Math.min(...scored.map(({ score }) => score));
  const likely = scored.filter(({ score }) => score === least).map(({ branch }) => branch);
  const [first = []] = likely;
  if (likely.length === 1 || least >= WRONG_TYPE)
    return first.flatMap((each) => unfolded({ ...each, path: [...issue.path, ...each.path] }, content));
  // It resembles none: what each branch expects, and which keys all reject.
  const missing = likely.flatMap((branch) => branch.filter(isMissing).map(({ path }) => String(path.at(-1))));
  const unknown = first.filter((each) => each.code === 'unrecognized_keys');
  return [
    {
      code: 'custom',
      path: issue.path,
      message: `One of these keys is missing: ${[...new Set(missing)].join(', ')}.`,
      input: undefined,
    },
    ...unknown.map((each) => ({ ...each, path: [...issue.path, ...each.path] })),
  ];
}

const WRONG_TYPE = 1000;

function unlikeness(branch: readonly Issue[]): number {
  return branch.reduce((sum, issue) => {
    if (issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value'))
      return sum + WRONG_TYPE;
    if (issue.path.length === 0 && issue.code === 'unrecognized_keys') return sum + 10 * issue.keys.length;
    return sum + (isMissing(issue) ? 10 : 1);
  }, 0);
}

/** Issues of a union's branch lack the actual value: only their text shows it. */
function isMissing(issue: Issue): boolean {
  return (
    issue.path.length === 1 && issue.code === 'invalid_type' && /received undefined$/.test(issue.message)
  );
}

type Path = readonly PropertyKey[];

/** The value without list entries that have issues, and a mapping of its paths to the original's. */
function withoutFaulty(
  content: unknown,
  issues: readonly Issue[],
): { rest: unknown; whole: (path: Path) => PropertyKey[]; isEmptied: (path: Path) => boolean } {
  const kept = new Map<string, number[]>();
  const emptied = new Set<string>();
  const isEmptied = (path: Path): boolean => emptied.has(JSON.stringify(path));
  const isFaulty = (path: Path): boolean =>
    issues.some((issue) => path.every((part, index) => issue.path[index] === part));
  const copy = (value: unknown, path: Path): unknown => {
    if (Array.isArray(value)) {
      const indexes = [...value.keys()].filter((index) => !isFaulty([...path, index]));
      kept.set(JSON.stringify(path), indexes);
      if (indexes.length === 0 && value.length > 0) emptied.add(JSON.stringify(path));
      return indexes.map((index) => value[index]);
    }
    if (typeof value !== 'object' || value === null) return value;
    // Props also hold constructs, which refer to each other in circles.
    if (Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copy(each, [...path, key])]));
  };
  const rest = copy(content, []);
  const whole = (path: Path): PropertyKey[] => {
    const result: PropertyKey[] = [];
    for (const part of path)
      result.push(typeof part === 'number' ? (kept.get(JSON.stringify(result))?.[part] ?? part) : part);
    return result;
  };
  return { rest, whole, isEmptied };
}
