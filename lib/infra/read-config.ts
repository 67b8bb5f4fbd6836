/** Reads netns-audit.yaml. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';
import { type Config, configSchema } from '../model/config.ts';
import { AuditError, messageOf } from '../model/errors.ts';

/** @throws AuditError CONFIG_INVALID that names the file and each wrong line of it. */
export function readConfig(file: string): Config {
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw invalid(file, messageOf(error), error);
  }
  const config = configSchema.safeParse(content ?? {});
  if (!config.success)
    throw invalid(file, z.prettifyError({ issues: unfolded(config.error.issues) }), config.error);
  return config.data;
}

/** Of a value that may be one of several things, what is wrong with it as the one that it looks most like. */
function unfolded(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'invalid_union') return [issue];
    const missing = (branch: readonly z.core.$ZodIssue[]) =>
      branch.filter(({ code, path }) => code === 'invalid_type' && path.length === 1).length;
    const [nearest] = issue.errors.toSorted((a, b) => missing(a) - missing(b) || a.length - b.length);
    return nearest === undefined
      ? [issue]
      : unfolded(nearest.map((each) => ({ ...each, path: [...issue.path, ...each.path] })));
  });
}

function invalid(file: string, message: string, cause: unknown): AuditError {
  return new AuditError('CONFIG_INVALID', `${file}: ${message}`, {
    cause,
    remedy: 'Correct it; docs/operations.md has an example, schema/config.v1.json every field.',
  });
}
