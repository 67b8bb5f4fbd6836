/** How reports and mails say since when a finding is there: all that count are open, so `open` alone misleads. */
import type { Finding } from '../model/finding.ts';

/** Found before, and found again. */
export const STILL_OPEN = 'still open';

type Dated = Pick<Finding, 'firstSeen'>;
type Stated = Dated & Pick<Finding, 'state'>;

/** A state in words: `new`, `pending`, `still open`. */
export function stateWord(state: Finding['state']): string {
  return state === 'open' ? STILL_OPEN : state;
}

/** `open since 2026-11-05`, and ` or later` if not all are of that day. */
export function openSince(findings: readonly Dated[]): string {
  const days = [...new Set(findings.map(({ firstSeen }) => firstSeen.slice(0, 10)))].toSorted();
  return `open since ${days[0] ?? ''}${days.length > 1 ? ' or later' : ''}`;
}

/** `new`, `still open`, or for both `2 new, 98 still open`. */
export function statesInWords(findings: readonly Stated[]): string {
  return counted(findings, ([{ state }]) => stateWord(state));
}

/** `new`, `open since 2026-11-05`, or for both `2 new, 98 open since 2026-11-05 or later`. */
export function datedStates(findings: readonly Stated[]): string {
  return counted(findings, (same) => (same[0].state === 'open' ? openSince(same) : same[0].state));
}

function counted(
  findings: readonly Stated[],
  word: (same: readonly [Stated, ...Stated[]]) => string,
): string {
  const sets = [...Map.groupBy(findings, ({ state }) => state).values()];
  return sets
    .flatMap(([first, ...others]) => {
      if (first === undefined) return [];
      const said = word([first, ...others]);
      return [sets.length === 1 ? said : `${(others.length + 1).toLocaleString('en-US')} ${said}`];
    })
    .join(', ');
}
