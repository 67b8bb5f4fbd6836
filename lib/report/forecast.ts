/** When a growing number reaches its limit at the present rate. */
import { DAY } from '../model/days.ts';

export type Point = { readonly at: number; readonly value: number };

/** A straight line fits neither few points nor randomly scattered ones. */
const [FEWEST, FIT] = [5, 0.6];
/** Nobody plans beyond this, in milliseconds. */
const HORIZON = 365 * DAY;

/**
 * The least-squares line through the points, extended to the limit.
 *
 * @param points - oldest first; times in milliseconds
 * @returns the time in milliseconds; null if it is more than a year away, or the points do not fit a rising line
 */
export function reaches(points: readonly Point[], limit: number): number | null {
  const last = points.at(-1);
  if (last === undefined || points.length < FEWEST || last.value >= limit) return null;
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [at, value] = [mean(points.map((point) => point.at)), mean(points.map((point) => point.value))];
  const sum = (of: (point: Point) => number): number => points.reduce((total, point) => total + of(point), 0);
  const together = sum((point) => (point.at - at) * (point.value - value));
  const alone = sum((point) => (point.at - at) ** 2);
  const spread = sum((point) => (point.value - value) ** 2);
  if (together <= 0 || together ** 2 / (alone * spread) < FIT) return null;
  const time = Math.max(last.at, at + (limit - value) / (together / alone));
  return time - last.at > HORIZON ? null : time;
}
