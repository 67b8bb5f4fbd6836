/** Time between audits, as people count it. */

const DAY_MILLISECONDS = 86_400_000;

/** Whole days between two ISO times, rounded: of two nightly audits that began at different minutes it is one. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MILLISECONDS);
}

/** The day (UTC, `2026-11-20`) that was so many days before a time. @param time - milliseconds since the epoch */
export function dayBefore(time: number, days: number): string {
  return new Date(time - days * DAY_MILLISECONDS).toISOString().slice(0, 10);
}
