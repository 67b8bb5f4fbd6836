/** What comes and goes: a finding of a report, a reported finding, a threshold. All are counted in the same way. */
import { daysBetween } from './days.ts';

/** After this many days without a change, a state is considered final. */
const STABLE_DAYS = 7;

/** Something that returned this often without being stable in between is flapping. */
const FLAPPING_RETURNS = 2;

export type Changing = {
  /** When it last came or went; an ISO time. */
  readonly changedAt: string;
  /** How often it came back since it was last unchanged for a week. */
  readonly returns: number;
};

/** Whether it has been unchanged long enough to be considered final. */
export function isStable({ changedAt }: Pick<Changing, 'changedAt'>, at: string): boolean {
  return daysBetween(changedAt, at) >= STABLE_DAYS;
}

/** How often it came back, as of `at`: a week without a change resets this. */
export function returnsBy(each: Changing, at: string): number {
  return isStable(each, at) ? 0 : each.returns;
}

/** Whether it came back often enough to be reported as flapping. */
export function isFlapping(returns: number): boolean {
  return returns >= FLAPPING_RETURNS;
}
