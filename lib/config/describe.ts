/** Describes a mistake: what is wrong, what is allowed, and the spelling that was probably meant. */
import type * as z from 'zod';
import type { Issue } from './issues.ts';
import { nearest } from './nearest.ts';

export type Described = {
  readonly path: readonly PropertyKey[];
  /** The mistaken key of the value at the path; null: the value itself. */
  readonly key: string | null;
  readonly message: string;
};

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** @param schema - JSON schema of the whole content */
export function describeIssue(issue: Issue, content: unknown, schema: JsonSchema): Described[] {
  const { path } = issue;
  const value = valueAt(content, path);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, content, path);
    return issue.keys.map((key) => {
      const near = nearest(
        key,
        known.filter((each) => !isIn(value, each)),
      );
      return { path, key, message: `Unknown key ${quoted(key)}.${meant(near)} ${allowed(known)}` };
    });
  }
  const last = path.at(-1);
  if (value === undefined && typeof last === 'string' && issue.code !== 'custom') {
    const parent = path.slice(0, -1);
    const known = keysAt(schema, content, parent);
    // One mistake, reported at the mistyped key.
    if (strangersOf(valueAt(content, parent), known).some((key) => nearest(key, known) === last)) return [];
    return [
      { path: parent, key: null, message: `The key ${last} is missing.${aboutKey(schema, content, path)}` },
    ];
  }
  return [{ path, key: null, message: inWords(issue, value, schemasAt(schema, content, path)) }];
}

function inWords(issue: Issue, value: unknown, schemas: readonly JsonSchema[]): string {
  const own = /^(Invalid|Too|Unrecognized)\b/.test(issue.message) ? null : issue.message;
  const [schema = {}] = schemas;
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'string' && (typeof value === 'number' || typeof value === 'boolean'))
        return `It is ${kindOf(value)}, not text: write it in quotes.`;
      return `It is ${kindOf(value)}, not ${KINDS[issue.expected] ?? issue.expected}.${own === null ? possible(schema) : ` ${own}`}`;
    case 'invalid_value':
      return own ?? choice(value, issue.values.map(String));
    case 'invalid_union':
      return own ?? choice(value, 'options' in issue ? (issue.options ?? []).map(String) : []);
    case 'too_small':
    case 'too_big': {
      if (own !== null) return own;
      const limit = Number(issue.code === 'too_small' ? issue.minimum : issue.maximum);
      const bound = `at ${issue.code === 'too_small' ? 'least' : 'most'} ${limit}`;
      if (issue.origin === 'string') return `It has ${bound} ${limit === 1 ? 'character' : 'characters'}.`;
      if (issue.origin === 'array') return `It has ${bound} ${limit === 1 ? 'entry' : 'entries'}.`;
      return `${String(value)} is not possible: it is ${bound}.${possible(schema)}`;
    }
    case 'invalid_format':
      return (
        own ?? (issue.format === 'date' ? 'It is a day such as 2026-12-31.' : `It is no ${issue.format}.`)
      );
    default:
      return issue.message;
  }
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
  record: 'a map of keys and values',
};

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'boolean' ? String(value) : 'a map of keys and values';
}

/** The allowed values, if the schema can say so in a few words. */
function possible(schema: JsonSchema): string {
  if (Array.isArray(schema.enum)) return ` ${allowed(schema.enum.map(String))}`;
  const { minimum, maximum } = schema;
  if (minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER)
    return ` Allowed: ${minimum} to ${maximum}.`;
  return '';
}

function choice(value: unknown, values: readonly string[]): string {
  const typed = typeof value === 'string' || typeof value === 'number' ? String(value) : null;
  if (typed === null) return `It is ${kindOf(value)}. ${allowed(values)}`;
  return `${quoted(typed)} is not possible.${meant(nearest(typed, values))} ${allowed(values)}`;
}

function allowed(values: readonly string[]): string {
  return `Allowed: ${values.join(', ')}.`;
}

function meant(near: string | null): string {
  return near === null ? '' : ` Did you mean ${near}?`;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function aboutKey(schema: JsonSchema, content: unknown, path: readonly PropertyKey[]): string {
  const [known] = schemasAt(schema, content, path);
  return known?.description === undefined ? '' : ` ${known.description}`;
}

/** Allowed keys of the value at a path, from the shapes that it resembles most. */
function keysAt(schema: JsonSchema, content: unknown, path: readonly PropertyKey[]): string[] {
  return [
    ...new Set(schemasAt(schema, content, path).flatMap(({ properties }) => Object.keys(properties ?? {}))),
  ];
}

function schemasAt(root: JsonSchema, content: unknown, path: readonly PropertyKey[]): JsonSchema[] {
  let schemas = alternatives(root, content);
  let value = content;
  for (const part of path) {
    value = valueAt(value, [part]);
    schemas = schemas
      .map((schema) =>
        typeof part === 'number'
          ? schema.items
          : (schema.properties?.[String(part)] ?? schema.additionalProperties),
      )
      .filter((each): each is JsonSchema => typeof each === 'object' && !Array.isArray(each))
      .flatMap((each) => alternatives(each, value));
  }
  return schemas;
}

/** The alternatives of a schema that the value resembles most. */
function alternatives(schema: JsonSchema, value: unknown): JsonSchema[] {
  const all = (schema.anyOf ?? schema.oneOf)?.filter((each) => typeof each === 'object') ?? [];
  const { description } = schema;
  // `anyOf` beside properties says which of these are required.
  if (all.length === 0 || schema.properties !== undefined) return [schema];
  const scored = all.map((each) => ({ each, score: unlikeness(each, value) }));
  const least = Math.min(...scored.map(({ score }) => score));
  return scored
    .filter(({ score }) => score === least)
    .map(({ each }) => (description === undefined ? each : { description, ...each }));
}

function unlikeness({ type, properties = {}, required = [] }: JsonSchema, value: unknown): number {
  if (typeof value !== 'object' || value === null) return type === 'object' ? 1000 : 0;
  const wrong = Object.entries(properties).filter(
    ([key, each]) =>
      typeof each === 'object' && each.const !== undefined && each.const !== Reflect.get(value, key),
  );
  const strangers = strangersOf(value, Object.keys(properties));
  return wrong.length * 100 + required.filter((key) => !isIn(value, key)).length + strangers.length;
}

function strangersOf(value: unknown, known: readonly string[]): string[] {
  return typeof value === 'object' && value !== null
    ? Object.keys(value).filter((key) => !known.includes(key))
    : [];
}

function isIn(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}

function valueAt(content: unknown, path: readonly PropertyKey[]): unknown {
  let value = content;
  for (const part of path)
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, part)
        ? Reflect.get(value, part)
        : undefined;
  return value;
}
