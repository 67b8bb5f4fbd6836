/** Reads netns-audit.yaml. */
import { readFileSync } from 'node:fs';
import { type Document, isMap, isNode, LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { type Config, configSchema, whyBatchIsTooLong } from '../model/config.ts';
import { AuditError, messageOf } from '../model/errors.ts';

/** What a function of the stack cannot do; in a process of its own a batch takes what it takes. */
const stackConfigSchema = configSchema.superRefine((config, context) => {
  const message = whyBatchIsTooLong(config);
  if (message !== null) context.addIssue({ code: 'custom', path: ['concurrency'], message });
});

/** @throws AuditError CONFIG_INVALID that names the file and each wrong line of it. */
export function readConfig(file: string): Config {
  return read(file, configSchema);
}

/** The same, held also to what functions can do. @throws AuditError CONFIG_INVALID */
export function readStackConfig(file: string): Config {
  return read(file, stackConfigSchema);
}

function read(file: string, schema: typeof configSchema): Config {
  const lines = new LineCounter();
  let document: Document;
  let content: unknown;
  try {
    document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines });
    if (document.errors[0] !== undefined) throw document.errors[0];
    content = document.toJS();
  } catch (error) {
    throw invalid(file, messageOf(error), error);
  }
  const config = schema.safeParse(content ?? {});
  if (config.success) return config.data;
  const wrong = unfolded(config.error.issues).map((issue) => {
    const line = lineOf(document, lines, issue.path);
    return `${line === null ? '' : `line ${line}: `}${z.prettifyError({ issues: [issue] }).replace(/^✖ /, '')}`;
  });
  throw invalid(file, wrong.join('\n'), config.error);
}

/** Where a value stands, or the nearest one around it that is there. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | null {
  for (let length = path.length; length > 0; length -= 1) {
    const around = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const pair = isMap(around)
      ? around.items.find(({ key: each }) => String(each) === String(key))
      : undefined;
    // The key of a value that is a block of its own stands a line above it.
    const node = pair?.key ?? document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range != null) return lines.linePos(node.range[0]).line;
  }
  return null;
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
