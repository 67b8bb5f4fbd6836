/** The head of the page as a dashboard: verdict, counts, changes, coverage and age. */
import { isCounted, type Severity, severities } from '../../model/finding.ts';
import type { ClusterReport } from '../../model/report.ts';
import { xmlText as text } from '../escape.ts';
import { impactOfAll } from '../impact.ts';
import { STILL_OPEN } from '../states.ts';
import {
  ACTIVE,
  duration,
  plural,
  severityCounts,
  unjudgedPods,
  unknownServices,
  unsent,
} from '../summary.ts';
import { tag, time } from './finding.ts';

/** Links to other pages, each relative or to the console; null if unknown. */
export type PageLinks = {
  readonly fleet: string | null;
  readonly previous: string | null;
  readonly next: string | null;
};

/**
 * The top of the page: verdict, counters that filter, coverage, age of the data and links.
 *
 * @param parts - id and title of each section that follows
 */
export function header(
  report: ClusterReport,
  links: PageLinks,
  parts: readonly (readonly [string, string])[],
): string {
  const { cluster, verdict } = report;
  const others = [
    ['Fleet', links.fleet],
    ['← Previous audit', links.previous],
    ['Next audit →', links.next],
  ] as const;
  const elsewhere = others.flatMap(([label, href]) =>
    href === null || !isOurs(href) ? [] : [`<li><a href="${text(href, 4000)}">${label}</a></li>`],
  );
  return `<header class="${verdict}-line"><div class="top"><h1>${tag(verdict)} <bdi>${text(cluster.name, 300)}</bdi></h1>${elsewhere.length === 0 ? '' : `<nav aria-label="Other reports"><ul>${elsewhere.join('')}</ul></nav>`}</div>
<p class="muted">Audited ${time(report.startedAt)} <span id="age"></span> in ${duration(report)}${report.previous === undefined ? '' : `, compared with ${time(report.previous.startedAt)}`}${report.scope === 'part' ? `; ${tag('part', 'only a part of the cluster')}` : ''}; Kubernetes ${text(cluster.version, 60)}; run <code>${text(report.runId, 60)}</code></p>
${tiles(report)}
<p class="muted">${sentence(report)}</p>
<nav class="parts" aria-label="Parts of the report"><ul>${parts.map(([id, label]) => `<li><a href="#${id}">${label}</a></li>`).join('')}</ul></nav></header>
`;
}

/** A trusted place; nothing else becomes a link. */
export function isOurs(href: string): boolean {
  return /^(?:\.\.\/|file:|https:)/.test(href);
}

function tiles(report: ClusterReport): string {
  const counted = report.findings.filter(isCounted);
  const of = (severity: Severity): number =>
    counted.filter((finding) => finding.severity === severity).length;
  const inState = (state: string): number => counted.filter((finding) => finding.state === state).length;
  const tile = (href: string, count: number, word: string, kind: string): string =>
    `<a class="tile ${count === 0 ? 'none' : kind}" href="#${href}"><b>${count.toLocaleString('en-US')}</b> <span>${word}</span></a>`;
  return (
    '<div class="tiles"><div class="set" role="group" aria-label="Findings by severity">' +
    `${severities.map((severity) => tile(`severity=${severity}`, of(severity), severity, severity)).join('')}` +
    '</div><div class="set" role="group" aria-label="Findings by state">' +
    `${tile('state=new', inState('new'), 'new', 'plain')}` +
    `${tile('state=open', inState('open'), STILL_OPEN, 'plain')}` +
    `${tile('changes', report.resolved.length, 'resolved', 'plain')}</div>${seen(report)}</div>`
  );
}

/** Audited nodes as a bar; it also shows the rest, in words and in color. */
function seen({ coverage }: ClusterReport): string {
  const { nodes } = coverage;
  const of = (result: string): number => nodes.filter((node) => node.result === result).length;
  const audited = of('audited');
  const rest = (['failed', 'partial', 'skipped'] as const)
    .filter((result) => of(result) > 0)
    .map((result) => tag(result, `${of(result).toLocaleString('en-US')} ${result}`));
  const share = nodes.length === 0 ? 0 : (audited / nodes.length) * 100;
  return (
    `<a class="tile seen" href="#coverage"><b>${audited.toLocaleString('en-US')}` +
    `<small> of ${plural(nodes.length, 'node')}</small></b> <span>audited ${rest.join(' ')}</span>` +
    '<svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">' +
    '<rect class="bar-missing" width="100" height="4"/>' +
    `<rect class="bar-audited" width="${share.toFixed(1)}" height="4"/></svg></a>`
  );
}

/** Facts without a tile. */
function sentence(report: ClusterReport): string {
  const { findings, coverage, nodes } = report;
  const suppressed = findings.filter((finding) => finding.suppressed !== null).length;
  const pending = findings.filter(({ state, suppressed: by }) => state === 'pending' && by === null).length;
  const unknown = coverage.checks.filter((check) => check.unknown > 0).length;
  const packets = unsent(report);
  const uncounted = [
    ...(pending > 0
      ? [`${pending} pending (may go away by itself; counts if the next audit finds it too)`]
      : []),
    ...(suppressed > 0 ? [`${suppressed} suppressed by exceptions`] : []),
  ];
  const young = unjudgedPods(report);
  const services = unknownServices(report);
  const impact = impactOfAll(findings);
  return [
    impact === null ? '' : `<strong>${text(impact, 1000)}</strong>`,
    severityCounts(report) === '' ? 'No active findings.' : '',
    uncounted.length === 0 ? '' : `Not counted: ${uncounted.join(', ')}.`,
    `${plural(
      nodes.reduce((sum, node) => sum + node.pods, 0),
      'pod',
    )}, ${plural(coverage.checks.length, 'check')}${unknown > 0 ? `, of which <a href="#coverage">${unknown} could not decide everything</a>` : ''}.`,
    young === null ? '' : text(young),
    services === null ? '' : text(services, 1000),
    packets === null ? '' : text(packets).replace(ACTIVE, `<code>${ACTIVE}</code>`),
  ]
    .filter((part) => part !== '')
    .join(' ');
}
