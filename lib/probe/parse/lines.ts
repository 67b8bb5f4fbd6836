/** Lines and JSON lines of a bundle's files, with limits: a node controls their content. */
import type { z } from 'zod';
import { atMost, LIMITS } from '../limits.ts';

/** The lines of a text, without empty ones. */
export function lines(text: string): string[] {
  const all = text.split('\n', LIMITS.lines + 2);
  // A terminated last line is followed by an empty one.
  atMost('lines', all.at(-1) === '' ? all.length - 1 : all.length);
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

/** One JSON document per line, each checked against the schema. */
export function jsonLines<Schema extends z.ZodType>(text: string, schema: Schema): z.infer<Schema>[] {
  return lines(text).map((line) => schema.parse(JSON.parse(line)));
}

/**
 * A decimal integer.
 * @throws Error for anything else
 */
export function integer(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw new Error(`${JSON.stringify(text.slice(0, 30))} is not a number`);
  return Number(text);
}

/** The last second of the year 9999, the last year with four digits. */
const LAST_SECOND = 253_402_300_799;

/** Whether these seconds since the epoch are a date that ISO 8601 can express. */
export function isTime(epochSeconds: number): boolean {
  return epochSeconds >= 0 && epochSeconds <= LAST_SECOND;
}

/**
 * Seconds since the epoch as an ISO 8601 date.
 * @throws Error if they are out of range
 */
export function isoTime(epochSeconds: number): string {
  if (!isTime(epochSeconds)) throw new Error(`${String(epochSeconds).slice(0, 30)} is not a time`);
  return new Date(epochSeconds * 1000).toISOString();
}

/** A decimal integer, or null for anything else. */
export function optionalInteger(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Number(text.trim()) : null;
}
