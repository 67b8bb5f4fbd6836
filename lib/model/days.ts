/** Time between audits, counted as people count it. */

/** Milliseconds. */
export const HOUR = 3_600_000;
export const DAY = 86_400_000;

/**
 * Whole days between two ISO times, rounded: two nightly audits that started at different minutes are one day
 * apart.
 */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY);
}

/**
 * The day (UTC, `2026-11-20`) this many days before a time.
 * @param time - milliseconds since the epoch
 */
export function dayBefore(time: number, days: number): string {
  return new Date(time - days * DAY).toISOString().slice(0, 10);
}

/** The month (`2026-01`) before a month. */
export function monthBefore(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return number === 1 ? `${year - 1}-12` : `${year}-${String(number - 1).padStart(2, '0')}`;
}
