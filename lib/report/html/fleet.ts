/** All clusters on one page: those that got worse first, then a row and a link for each, and its last nights. */
import type { ClusterSummary } from '../../model/cluster-summary.ts';
import { severities } from '../../model/finding.ts';
import { type Verdict, verdicts } from '../../model/report.ts';
import { withRemedy } from '../../model/text.ts';
import { xmlText as text } from '../escape.ts';
import { plural } from '../summary.ts';
import { documentOf } from './document.ts';
import { tag, time } from './finding.ts';
import { isOurs } from './header.ts';
import { type Night, nightsOf } from './nights.ts';
import { sparklineSvg } from './trends.ts';

/** A cluster without a report has the verdict `incomplete`, as its state is unknown. */
export type FleetRow = ClusterSummary & {
  /** When its audit began, an ISO time; null if there was none. */
  readonly startedAt: string | null;
  /** Why there is no report, or what it lacks; null if all is well. */
  readonly note: string | null;
  /** Leaked namespaces of its last runs, oldest first. */
  readonly orphans: readonly (number | null)[];
  /** The nights before, oldest first, the same for all clusters of a run; null for a night without data. */
  readonly nights: readonly (Night | null)[];
  /** Link to the page of its report; null if there is none. */
  readonly href: string | null;
};

export type Fleet = {
  /** When the run, or the request for this page, began; an ISO time. */
  readonly at: string;
  /** Id of the run that audited them all; null if the page shows the latest audit of each. */
  readonly runId: string | null;
  readonly rows: readonly FleetRow[];
  /** Places where the search for clusters failed, why, and how to fix it. */
  readonly gaps: readonly { readonly place: string; readonly reason: string; readonly remedy: string }[];
};

/** A whole HTML document that loads nothing from elsewhere. */
export function fleetPage(fleet: Fleet): string {
  const rows = fleet.rows.toSorted(worstClusterFirst);
  const worst = rows[0]?.verdict ?? 'incomplete';
  const counts = verdicts
    .toReversed()
    .map((verdict) => [verdict, rows.filter((row) => row.verdict === verdict).length] as const)
    .filter(([, count]) => count > 0);
  const top = Math.max(1, ...rows.flatMap((row) => row.orphans.filter((value) => value !== null)));
  return documentOf({
    title: `${plural(rows.length, 'cluster')}: ${worst}`,
    script,
    body: `<a class="skip" href="#clusters">Skip to the clusters</a>
<header class="${worst}-line"><h1>${tag(worst)} ${plural(rows.length, 'cluster')}</h1>
<p class="muted">${fleet.runId === null ? `The latest audit of each, as of ${time(fleet.at)}` : `Audited ${time(fleet.at)}; run <code>${text(fleet.runId, 60)}</code>`}</p>
<ul class="tiles set">${counts.map(([verdict, count]) => `<li class="tile ${verdict}-line"><b>${count}</b> <span>${verdict}</span></li>`).join('')}</ul></header>
<main>
<section aria-labelledby="changes"><h2 id="changes">What changed</h2>
${changes(rows)}</section>
${fleet.gaps.length === 0 ? '' : `<section aria-labelledby="gaps"><h2 id="gaps">Could not be looked into</h2><ul>${fleet.gaps.map(gapOf).join('')}</ul></section>`}
<section aria-labelledby="clusters"><h2 id="clusters">Clusters</h2>
${rows.length === 0 ? '<p>None.</p>' : table(rows, top)}</section></main>
`,
  });
}

/** The verdict of the audit before; null if unknown. */
function before({ nights }: FleetRow): Verdict | null {
  return nights.findLast((night) => night !== null)?.verdict ?? null;
}

/** Above zero if the verdict is worse than the night before, below if better. */
function step(row: FleetRow): number {
  const last = before(row);
  return last === null ? 0 : verdicts.indexOf(row.verdict) - verdicts.indexOf(last);
}

function changes(rows: readonly FleetRow[]): string {
  const isWorse = (row: FleetRow): boolean => step(row) > 0 || (step(row) === 0 && row.new > 0);
  const isBetter = (row: FleetRow): boolean => !isWorse(row) && (step(row) < 0 || row.resolved > 0);
  const lists = [
    ['Got worse', rows.filter(isWorse)],
    ['Got better', rows.filter(isBetter)],
    [
      'Not known, or only in part',
      rows.filter((row) => row.note !== null && !isWorse(row) && !isBetter(row)),
    ],
  ] as const;
  const shown = lists.filter(([, found]) => found.length > 0);
  if (shown.length === 0) return '<p>Nothing.</p>';
  return (
    '<div class="changes">' +
    `${shown.map(([title, found]) => `<div><h3>${title}: ${found.length}</h3><ul>${found.map(changeOf).join('')}</ul></div>`).join('')}</div>`
  );
}

/** The order of clusters on a page and in a table. */
export function worstClusterFirst(a: FleetRow, b: FleetRow): number {
  return (
    verdicts.indexOf(b.verdict) - verdicts.indexOf(a.verdict) ||
    b.new - a.new ||
    severities.reduce((order, severity) => order || b.findings[severity] - a.findings[severity], 0) ||
    (a.cluster < b.cluster ? -1 : 1)
  );
}

function gapOf({ place, reason, remedy }: Fleet['gaps'][number]): string {
  return `<li><bdi>${text(place, 200)}</bdi>: ${withRemedy(text(reason, 500), text(remedy, 500))}</li>`;
}

function changeOf(row: FleetRow): string {
  const last = before(row);
  const parts = [
    ...(last === null || last === row.verdict ? [] : [`was ${last}`]),
    ...(row.new > 0 ? [`${row.new.toLocaleString('en-US')} new`] : []),
    ...(row.resolved > 0 ? [`${row.resolved.toLocaleString('en-US')} resolved`] : []),
    ...(row.note === null ? [] : [text(row.note, 400)]),
  ];
  return `<li>${tag(row.verdict)} <span>${name(row)}: ${parts.join(', ')}</span></li>`;
}

function name({ cluster, href }: FleetRow): string {
  const shown = `<bdi>${text(cluster, 200)}</bdi>`;
  return href === null || !isOurs(href) ? shown : `<a href="${text(href, 4000)}">${shown}</a>`;
}

const heads = [
  'Cluster',
  'Verdict',
  'Last nights',
  'New',
  'Resolved',
  'Findings',
  'Nodes',
  'Leaked namespaces',
  'Audited',
];

/** @param top - the most leaked namespaces in any of them */
function table(rows: readonly FleetRow[], top: number): string {
  const present = verdicts.toReversed().filter((verdict) => rows.some((row) => row.verdict === verdict));
  const choices = present.map((verdict) => `<option value="${verdict}">${verdict}</option>`).join('');
  return `<div class="filter" role="search" aria-label="Filter the clusters"><label>Name<input id="filter-text" type="search" autocomplete="off"></label><label>Verdict<select id="filter-verdict"><option value="">all</option>${choices}</select></label><span id="shown" role="status"></span></div>
<table class="stack fleet"><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>
${rows.map((row) => rowOf(row, top)).join('\n')}
</tbody></table>
`;
}

function rowOf(row: FleetRow, top: number): string {
  const cell = (head: string, html: string): string => `<td data-label="${head}">${html}</td>`;
  const count = (value: number): string => (value === 0 ? '' : value.toLocaleString('en-US'));
  const findings = severities
    .filter((severity) => row.findings[severity] > 0)
    .map(
      (severity) =>
        `<span class="tag ${severity}">${row.findings[severity].toLocaleString('en-US')} ${severity}</span>`,
    );
  const last = row.orphans.at(-1) ?? null;
  return (
    `<tr data-v="${row.verdict}"><th scope="row">${name(row)}${note(row)}</th>` +
    `${cell('Verdict', tag(row.verdict))}${cell('Last nights', nightsOf(row))}` +
    `${cell('New', count(row.new))}${cell('Resolved', count(row.resolved))}` +
    `${cell('Findings', findings.join(' '))}${cell('Nodes', nodes(row))}` +
    `${cell('Leaked namespaces', `${sparklineSvg(row.orphans, 'Leaked namespaces', top)}${last === null ? '' : last.toLocaleString('en-US')}`)}` +
    `${cell('Audited', row.startedAt === null ? '' : time(row.startedAt))}</tr>`
  );
}

function note({ note: said }: FleetRow): string {
  return said === null ? '' : `<br><span class="muted note">${text(said, 200)}</span>`;
}

function nodes({ nodes: results, startedAt }: FleetRow): string {
  if (startedAt === null) return '';
  const rest = (['partial', 'failed', 'skipped'] as const)
    .filter((result) => results[result] > 0)
    .map(
      (result) => ` <span class="tag ${result}">${results[result].toLocaleString('en-US')} ${result}</span>`,
    );
  return `${results.audited.toLocaleString('en-US')}${rest.join('')}`;
}

const script = `
(() => {
  document.documentElement.classList.add('js');
  const [text, verdict] = ['text', 'verdict'].map((name) => document.getElementById('filter-' + name));
  if (!text) return;
  const rows = [...document.querySelectorAll('tbody tr')];
  const apply = () => {
    const asked = text.value.trim().toLowerCase();
    for (const row of rows)
      row.hidden = !(
        (verdict.value === '' || row.dataset.v === verdict.value) &&
        row.querySelector('th').textContent.toLowerCase().includes(asked)
      );
    document.getElementById('shown').textContent =
      rows.filter((row) => !row.hidden).length + ' of ' + rows.length + ' shown';
  };
  document.querySelector('.filter').addEventListener('input', apply);
  apply();
})();
`;
