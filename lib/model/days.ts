/** Time between audits, as people count it. */

const DAY_MILLISECONDS = 86_400_000;

/** Whole days between two ISO times, rounded: of two nightly audits that began at different minutes it is one. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MILLISECONDS);
}

/** After so many days without a change, what came and went is taken to be over, or to stay. */
export const STABLE_DAYS = 7;

/** What came back so often without being stable in between is flapping. */
export const FLAPPING_RETURNS = 2;
