/** What is wrong with a value, in sentences: for files, and for the props of the construct. Pure. */
import * as z from 'zod';
import { type Described, describeIssue } from './describe.ts';
import { type Issue, issuesOf } from './issues.ts';

/** @param found - what zod says of the content */
export function explainMistakes(found: readonly Issue[], content: unknown, schema: z.ZodType): Described[] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return issuesOf(found, content, schema).flatMap((issue) => describeIssue(issue, content, json));
}

/** In the usual notation: clusters[0].eks. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}
