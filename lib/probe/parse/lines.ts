/** Lines and JSON lines of a bundle's files, with limits: their content comes from a node. */
import type { z } from 'zod';

const MAX_LINES = 200_000;

/** The lines of a text, without empty ones. */
export function lines(text: string): string[] {
  const all = text.split('\n', MAX_LINES + 1);
  if (all.length > MAX_LINES) throw new Error(`more than ${MAX_LINES} lines`);
  return all.filter((line) => line !== '');
}

/** Each line as tab-separated fields; the last field keeps further tabs. */
export function fields(text: string, count: number): string[][] {
  return lines(text).map((line) => {
    const parts = line.split('\t');
    if (parts.length < count) throw new Error(`a line has ${parts.length} fields instead of ${count}`);
    return [...parts.slice(0, count - 1), parts.slice(count - 1).join('\t')];
  });
}

/** One JSON document a line, each checked against the schema. */
export function jsonLines<Schema extends z.ZodType>(text: string, schema: Schema): z.infer<Schema>[] {
  return lines(text).map((line) => schema.parse(JSON.parse(line)));
}

/** A whole number in decimal; throws for anything else. */
export function integer(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw new Error(`${JSON.stringify(text.slice(0, 30))} is not a number`);
  return Number(text);
}

/** Seconds since the epoch as a date in ISO 8601. */
export function isoTime(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString();
}

/** A whole number, or null for anything else. */
export function optionalInteger(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Number(text.trim()) : null;
}
