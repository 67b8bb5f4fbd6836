/** Between which audits a fault began. Pure. */
import type { Finding } from '../model/finding.ts';
import { minute } from './summary.ts';

type Dated = Pick<Finding, 'firstSeen' | 'returnedAt' | 'lastWithout'>;

/**
 * `Began between 2026-11-28 02:04 UTC (last audit without it) and 2026-11-29 02:10 UTC (first audit with it).` For findings
 * that began at different times: when the first and the last did. Null where it is not known of all.
 */
export function beganBetween(members: readonly Dated[]): string | null {
  const spans = members.map(({ lastWithout, firstSeen, returnedAt }) => ({
    from: lastWithout ?? null,
    to: returnedAt ?? firstSeen,
  }));
  // Of a finding that came back long ago, only its first day is still known.
  if (spans.some(({ from, to }) => from === null || from >= to)) return null;
  const sorted = spans.toSorted((a, b) => Date.parse(a.to) - Date.parse(b.to));
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return null;
  const returned = members.filter(({ returnedAt }) => returnedAt !== null).length;
  const verb = returned === 0 ? 'Began' : returned === members.length ? 'Came back' : 'Began or came back';
  const between = ({ from, to }: (typeof spans)[number], words: readonly [string, string]): string =>
    `between ${minute(from ?? '')}${words[0]} and ${minute(to)}${words[1]}`;
  if (first.to === last.to && first.from === last.from)
    return `${verb} ${between(first, [' (last audit without it)', ' (first audit with it)'])}.`;
  return `${verb} at different times: the first ${between(first, ['', ''])}, the last ${between(last, ['', ''])}.`;
}
