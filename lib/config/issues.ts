/** What zod says of a value, made plain: no unions, nothing twice, and what it only looks at once the rest is right. */
import type * as z from 'zod';

export type Issue = z.core.$ZodIssue;

/** All issues of a value, each of one value and of one shape. */
export function issuesOf(found: readonly Issue[], content: unknown, schema: z.ZodType): Issue[] {
  const issues = found.flatMap((issue) => unfolded(issue, content));
  const { rest, whole } = withoutFaulty(content, issues);
  const again = schema.safeParse(rest);
  // Rules of a whole list, such as that names differ, are looked at only where each of its entries is right.
  const ofWhole = again.success
    ? []
    : again.error.issues
        .filter(({ code }) => code === 'custom')
        .map((issue) => ({ ...issue, path: whole(issue.path) }));
  const seen = new Set<string>();
  return [...issues, ...ofWhole].filter(({ path, message }) => {
    const key = JSON.stringify([path, message]);
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}

/** Of a value that may be one of several things, what is wrong with it as the one that it looks most like. */
function unfolded(issue: Issue, content: unknown): Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  const scored = issue.errors.map((branch) => ({ branch, score: unlikeness(branch) }));
  const least = Math.min(...scored.map(({ score }) => score));
  const likely = scored.filter(({ score }) => score === least).map(({ branch }) => branch);
  const [first = []] = likely;
  if (likely.length === 1 || least >= WRONG_TYPE)
    return first.flatMap((each) => unfolded({ ...each, path: [...issue.path, ...each.path] }, content));
  // It looks like none of them: what each would want, and what none of them knows.
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
    if (issue.path.length === 0 && issue.code === 'invalid_type') return sum + WRONG_TYPE;
    if (issue.path.length === 0 && issue.code === 'unrecognized_keys') return sum + 10 * issue.keys.length;
    return sum + (isMissing(issue) ? 10 : 1);
  }, 0);
}

/** Of a branch of a union, whose issues do not say what was there: it can be told from the words alone. */
function isMissing(issue: Issue): boolean {
  return (
    issue.path.length === 1 && issue.code === 'invalid_type' && /received undefined$/.test(issue.message)
  );
}

type Path = readonly PropertyKey[];

/** The value without the entries of lists that have issues, and what a path in it is in the whole. */
function withoutFaulty(
  content: unknown,
  issues: readonly Issue[],
): { rest: unknown; whole: (path: Path) => PropertyKey[] } {
  const kept = new Map<string, number[]>();
  const isFaulty = (path: Path): boolean =>
    issues.some((issue) => path.every((part, index) => issue.path[index] === part));
  const copy = (value: unknown, path: Path): unknown => {
    if (Array.isArray(value)) {
      const indexes = [...value.keys()].filter((index) => !isFaulty([...path, index]));
      kept.set(JSON.stringify(path), indexes);
      return indexes.map((index) => value[index]);
    }
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copy(each, [...path, key])]));
  };
  const rest = copy(content, []);
  const whole = (path: Path): PropertyKey[] => {
    const result: PropertyKey[] = [];
    for (const part of path)
      result.push(typeof part === 'number' ? (kept.get(JSON.stringify(result))?.[part] ?? part) : part);
    return result;
  };
  return { rest, whole };
}
