/** What comes and goes: a finding of a report, one that somebody was told of, a threshold. All are counted alike. */
import { daysBetween } from './days.ts';

/** After so many days without a change, what came and went is taken to be over, or to stay. */
const STABLE_DAYS = 7;

/** What came back so often without being stable in between is flapping. */
const FLAPPING_RETURNS = 2;

export type Changing = {
  /** When it came, or went, last; an ISO time. */
  readonly changedAt: string;
  /** Times it came back, never a week without a change in between. */
  readonly returns: number;
};

/** Whether it did not change for so long that it is taken to be over, or to stay. */
export function isStable({ changedAt }: Pick<Changing, 'changedAt'>, at: string): boolean {
  return daysBetween(changedAt, at) >= STABLE_DAYS;
}

/** How often it came back, as of `at`: a week without a change wipes that out. */
export function returnsBy(each: Changing, at: string): number {
  return isStable(each, at) ? 0 : each.returns;
}

/** Whether it came back so often that it is told as coming and going. */
export function isFlapping(returns: number): boolean {
  return returns >= FLAPPING_RETURNS;
}
