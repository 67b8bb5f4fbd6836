/** The last nights of a cluster as a row of bars, each linked to its page. */
import { type Verdict, verdicts } from '../../model/report.ts';
import { xmlText as text } from '../escape.ts';
import { plural } from '../summary.ts';
import { isOurs } from './header.ts';

/** The last audit of a cluster on an earlier day, and the link to its page. */
export type Night = { readonly day: string; readonly verdict: Verdict; readonly href: string | null };

/** Worse is higher: readable without color too. */
const HEIGHTS: Readonly<Record<Verdict, number>> = { healthy: 5, degraded: 10, incomplete: 14, critical: 20 };

/** Empty if no earlier night is known. */
export function nightsOf(row: {
  readonly nights: readonly (Night | null)[];
  readonly startedAt: string | null;
  readonly verdict: Verdict;
  readonly href: string | null;
}): string {
  const known = row.nights.filter((night) => night !== null);
  if (known.length === 0) return '';
  const now = { day: row.startedAt?.slice(0, 10) ?? '', verdict: row.verdict, href: row.href };
  const bars = [...row.nights, now].map((night, index) => (night === null ? '' : bar(night, index)));
  const said = verdicts
    .toReversed()
    .map((verdict) => [verdict, known.filter((night) => night.verdict === verdict).length] as const)
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => `${verdict} on ${count}`);
  return (
    `<svg class="nights" viewBox="0 0 ${bars.length * 8} 20" role="group" aria-label="Of ` +
    `${plural(known.length, 'night')} before: ${said.join(', ')}">${bars.join('')}</svg>`
  );
}

function bar({ day, verdict, href }: Night, index: number): string {
  const title = `${text(day, 40)} ${verdict}`.trim();
  const height = HEIGHTS[verdict];
  const drawn =
    `<rect class="night-${verdict}" x="${index * 8}" y="${20 - height}" width="7" height="${height}">` +
    `<title>${title}</title></rect>`;
  return href === null || !isOurs(href)
    ? drawn
    : `<a href="${text(href, 4000)}" aria-label="${title}">${drawn}</a>`;
}
