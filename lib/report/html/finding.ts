/** Wording of a finding shared by the parts of a page. */
import { DAY } from '../../model/days.ts';
import type { Finding } from '../../model/finding.ts';
import { xmlText as text } from '../escape.ts';
import { minute } from '../summary.ts';

/** The anchor of a finding: the same in every report, so that links keep working. */
export function anchor(finding: Pick<Finding, 'fingerprint'>): string {
  return `f-${finding.fingerprint.replaceAll(/[^0-9A-Za-z]/g, '').slice(0, 64)}`;
}

/** The states that the filter uses: suppressed and flapping findings have their own. */
export function filterStates(finding: Finding): string[] {
  return [
    finding.suppressed === null ? finding.state : 'suppressed',
    ...(finding.flapping ? ['flapping'] : []),
  ];
}

/** Whole days between two ISO times: how many nights a fault has been open. */
export function nights(from: string, to: string): number {
  return Math.max(0, Math.floor((Date.parse(to) - Date.parse(from)) / DAY)) || 0;
}

/** An ISO time for people; the script adds how long ago it was. */
export function time(iso: string): string {
  return `<time datetime="${text(iso, 40)}">${text(minute(iso), 40)}</time>`;
}

/** `<span class="tag high">high</span>` for a trusted word. */
export function tag(word: string, label = word): string {
  return `<span class="tag ${word}">${label}</span>`;
}
