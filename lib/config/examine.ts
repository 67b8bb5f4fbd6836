/** Checks a YAML text against a schema: returns its value, or all mistakes with line and column. Pure. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import type * as z from 'zod';
import { messageOf } from '../model/errors.ts';
import { explainMistakes, pathText } from './explain.ts';

export type Mistake = {
  /** Both start at 1. */
  readonly line: number;
  readonly column: number;
  /** Such as clusters[0].eks; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong, what is allowed, and the nearest spelling, in sentences. */
  readonly message: string;
};

export type ExaminedConfig<T> =
  | { readonly value: T; readonly mistakes?: never; readonly placeOf: PlaceOf }
  | { readonly value?: never; readonly mistakes: readonly Mistake[]; readonly placeOf?: never };

/** Finds the place in the text for a path of the value. */
export type PlaceOf = (path: readonly PropertyKey[]) => Pick<Mistake, 'line' | 'column'>;

/** @param schema - an empty file is checked against it as {} */
export function examineConfig<T>(text: string, schema: z.ZodType<T>): ExaminedConfig<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): Pick<Mistake, 'line' | 'column'> => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const mistakes: Mistake[] = document.errors.map(({ code, message, pos }) => ({
    ...at(pos[0]),
    path: '',
    message: code === 'DUPLICATE_KEY' ? 'This key appears twice.' : `This is not valid YAML: ${message}.`,
  }));
  // After a syntax error, the rest may parse as anything; a duplicate key confuses nothing else.
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) return { mistakes };
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return;
      const message = `This is not valid YAML: there is no anchor &${alias.source} before it.`;
      mistakes.push({ ...at(startOf(alias) ?? 0), path: '', message });
    },
  });
  let content: unknown;
  try {
    content = document.toJS() ?? {};
  } catch (error) {
    // Aliases without a target, or so nested that the file would be endless.
    const endless = { line: 1, column: 1, path: '', message: `This is not valid YAML: ${messageOf(error)}.` };
    return { mistakes: mistakes.length > 0 ? mistakes : [endless] };
  }
  const placeOf: PlaceOf = (path) => at(offsetOf(document, path, null));
  const parsed = schema.safeParse(content);
  if (parsed.success && mistakes.length === 0) return { value: parsed.data, placeOf };
  for (const { path, key, message } of explainMistakes(parsed.error?.issues ?? [], content, schema))
    mistakes.push({ ...at(offsetOf(document, path, key)), path: pathText(path), message });
  return { mistakes: mistakes.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

/** Where a value or one of its keys begins; if missing, where its parent begins. */
function offsetOf(document: Document, path: readonly PropertyKey[], key: string | null): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const part of key === null ? path : [...path, key]) {
    const isKey = key !== null && part === key;
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((each) => String(isScalar(each.key) ? each.key.value : '') === part);
      if (pair === undefined) break;
      const value = pair.value;
      offset = startOf(isKey || isBelow(value) ? pair.key : value) ?? offset;
      node = value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset;
}

/** An empty value, or a block on the lines below its key, has the position of its key. */
function isBelow(value: unknown): boolean {
  if (value === null || (isScalar(value) && value.value === null)) return true;
  return (isMap(value) || isSeq(value)) && value.flow !== true;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null)?.range?.[0];
}
