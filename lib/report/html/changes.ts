/** What changed since the last audit: a line per check and severity, linked to its findings. */
import type { Finding } from '../../model/finding.ts';
import type { ClusterReport } from '../../model/report.ts';
import { xmlText as text } from '../escape.ts';
import { whatOf } from '../group.ts';
import { STILL_OPEN } from '../states.ts';
import { plural } from '../summary.ts';
import { anchor, tag } from './finding.ts';

/** Lines of a list before the rest is counted. */
const LISTED = 20;

/** @param counted - findings that are neither pending nor suppressed */
export function changes(report: ClusterReport, counted: readonly Finding[]): string {
  const fresh = new Map(
    counted.filter((finding) => finding.state === 'new').map((finding) => [finding.fingerprint, finding]),
  );
  // Findings that a new finding explains are shown with it.
  const appeared = [...fresh.values()].filter(({ partOf }) => partOf === null || !fresh.has(partOf));
  const unseen = counted.filter((finding) => finding.notSeen);
  if (appeared.length + report.resolved.length + unseen.length === 0)
    return `<p>Nothing${counted.length === 0 ? '' : `; ${plural(counted.length, 'finding')} ${STILL_OPEN}`}.</p>\n`;
  const back = ({ flaps }: Finding): string => (flaps > 0 ? ' (it came back)' : '');
  return `<div class="changes">${list('new', appeared, true, back)}${list(
    'resolved',
    report.resolved,
    false,
    ({ resolution }) => ` (${text(resolution ?? '', 200)})`,
  )}${list('not examined this time', unseen, true, back)}</div>\n`;
}

/**
 * @param linked - whether the page has the findings
 * @param ended - text at the end of a line about one finding
 */
function list(
  title: string,
  findings: readonly Finding[],
  linked: boolean,
  ended: (finding: Finding) => string,
): string {
  if (findings.length === 0) return '';
  const sets = Map.groupBy(findings, ({ check, severity }) => `${check}|${severity}`);
  const lines = [...sets.values()].flatMap(([lead, ...alike]) => {
    if (lead === undefined) return [];
    const words = `${text(lead.title, 200)}: <bdi>${text(whatOf({ lead, alike, symptoms: [] }), 300)}</bdi>`;
    return [
      `<li>${tag(lead.severity)} ` +
        `<span>${linked ? `<a href="#${anchor(lead)}">${words}</a>` : words}` +
        `${alike.length === 0 ? ended(lead) : ''}</span></li>`,
    ];
  });
  const rest = lines.length - LISTED;
  return (
    `<div><h3>${findings.length.toLocaleString('en-US')} ${title}</h3>` +
    `<ul>${lines.slice(0, LISTED).join('')}</ul>` +
    `${rest > 0 ? `<p>and ${plural(rest, 'more line')}: the findings below include them all</p>` : ''}</div>`
  );
}
