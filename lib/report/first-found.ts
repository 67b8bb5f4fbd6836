/** Which audit found a fault first, and which did not find it before. Pure. */
import type { Finding } from '../model/finding.ts';
import { minute, second } from './summary.ts';

type Dated = Pick<Finding, 'firstSeen' | 'returnedAt' | 'lastWithout'>;

/**
 * `First found by the audit of 2026-11-29 02:10 UTC; the audit of 2026-11-28 02:04 UTC did not find it.` For findings that
 * began at different times: of the first and the last. Null where it is not known of all.
 */
export function firstFound(members: readonly Dated[]): string | null {
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
  const verb =
    returned === 0 ? 'First found' : returned === members.length ? 'Found again' : 'First or again found';
  const said = ({ from, to }: (typeof spans)[number]): string => {
    // By hand, audits may follow each other within a minute.
    const when = minute(from ?? '') === minute(to) ? second : minute;
    return `by the audit of ${when(to)}; the audit of ${when(from ?? '')} did not find it`;
  };
  if (first.to === last.to && first.from === last.from) return `${verb} ${said(first)}.`;
  return `${verb} at different times: the first ${said(first)}; the last ${said(last)}.`;
}
