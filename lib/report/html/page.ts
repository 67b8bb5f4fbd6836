/**
 * The report as one self-contained page: it loads nothing, runs only its own script (by hash, in its content security
 * policy), and reads, prints and leads from the map to a finding without it too.
 */
import { type Finding, severities, topics } from '../../model/finding.ts';
import type { ClusterReport } from '../../model/report.ts';
import type { Totals } from '../../model/totals.ts';
import { xmlText as text } from '../escape.ts';
import { type Group, groups } from '../group.ts';
import { coverageLine, duration, plural, severityCounts, youngPods } from '../summary.ts';
import { coverage } from './coverage.ts';
import { documentOf } from './document.ts';
import { anchor, article, name, nodeOf, statesOf, time } from './finding.ts';
import { nodeMap } from './map.ts';
import { drawings } from './pod-path.ts';
import { script } from './script.ts';
import { trends } from './trends.ts';

/** Findings shown in full, worst first; with more a browser on a phone gives up. */
const FULL = 3000;
/** Lines of a list of changes before the rest is counted. */
const LISTED = 30;

/**
 * @param why - of checks, why they matter: a finding links to it
 * @param past - earlier runs, oldest first; null where there is no store to know any from
 */
export function writeHtml(
  report: ClusterReport,
  why: ReadonlyMap<string, string>,
  past: readonly Totals[] | null = null,
): string {
  const all = groups(report).toSorted((a, b) => rank(a) - rank(b));
  const shown = all.slice(0, FULL);
  const counted = report.findings.filter(
    (finding) => finding.suppressed === null && finding.state !== 'pending',
  );
  const counts = severityCounts(report);
  const title = `${text(report.cluster.name, 300)}: ${report.verdict}`;
  return documentOf({
    title,
    script,
    body: `<a class="skip" href="#findings">Skip to the findings</a>
<header><h1><span class="tag ${report.verdict}">${report.verdict}</span> <bdi>${text(report.cluster.name, 300)}</bdi></h1>
<p>${counts === '' ? 'No findings that count' : counts}${uncounted(report)}. ${text(coverageLine(report))}.${youngPods(report) === null ? '' : ` ${youngPods(report)}`}</p>
<p class="muted">Audited ${time(report.startedAt)} in ${duration(report)}; Kubernetes ${text(report.cluster.version, 60)}; run ${text(report.runId, 60)}${report.scope === 'part' ? '; a part of the cluster' : ''}</p>
<nav aria-label="Parts of the report"><ul><li><a href="#changes">What changed</a></li><li><a href="#map">Map</a></li>${past === null ? '' : '<li><a href="#trends">Trends</a></li>'}<li><a href="#findings">Findings</a></li><li><a href="#coverage">Coverage</a></li></ul></nav></header>
<main>
<section aria-labelledby="changes"><h2 id="changes">What changed</h2>
${changes(report, counted)}</section>
<section aria-labelledby="map"><h2 id="map">Map</h2>
${nodeMap(report, counted)}</section>
${past === null ? '' : `<section aria-labelledby="trends"><h2 id="trends">Trends</h2>\n${trends(report, past)}</section>\n`}<section aria-labelledby="findings"><h2 id="findings">Findings</h2>
${shown.length === 0 ? '<p>None.</p>' : `${filter(shown, report)}${articles(shown, why)}`}${all.length > FULL ? `<p>${plural(all.length - FULL, 'more finding')}, no worse than these, left out: -o json has them all.</p>` : ''}</section>
<section aria-labelledby="coverage"><h2 id="coverage">Coverage</h2>
${coverage(report)}</section>
${meanings(report, why)}</main>
${drawings()}`,
  });
}

/** What is shown and does not count, and why. */
function uncounted({ findings }: ClusterReport): string {
  const suppressed = findings.filter((finding) => finding.suppressed !== null).length;
  const pending = findings.filter(({ state, suppressed: by }) => state === 'pending' && by === null).length;
  const parts = [
    ...(pending > 0 ? [`${pending} pending (seen for the first time)`] : []),
    ...(suppressed > 0 ? [`${suppressed} suppressed by exceptions`] : []),
  ];
  return parts.length === 0 ? '' : `; not counted: ${parts.join(', ')}`;
}

const apart = ['', 'Seen for the first time: not counted yet', 'Suppressed by exceptions: not counted'];

/** Articles in the order of {@link rank}; what does not count stands below a heading of its own. */
function articles(shown: readonly Group[], why: ReadonlyMap<string, string>): string {
  return shown
    .map((group, index) => {
      const before = shown[index - 1];
      const begins = rank(group) > 0 && (before === undefined || rank(before) !== rank(group));
      return `${begins ? `<h3>${apart[rank(group)]}</h3>` : ''}${article(group, why)}`;
    })
    .join('');
}

/** What counts stands before what waits for a second observation, and that before what exceptions cover. */
function rank({ lead }: Group): number {
  return lead.suppressed !== null ? 2 : lead.state === 'pending' ? 1 : 0;
}

function changes(report: ClusterReport, counted: readonly Finding[]): string {
  const fresh = new Map(
    counted.filter((finding) => finding.state === 'new').map((finding) => [finding.fingerprint, finding]),
  );
  // What a new finding explains is told with it.
  const appeared = [...fresh.values()].filter(({ partOf }) => partOf === null || !fresh.has(partOf));
  const unseen = counted.filter((finding) => finding.notSeen);
  if (appeared.length + report.resolved.length + unseen.length === 0)
    return `<p>Nothing${counted.length === 0 ? '' : `; ${plural(counted.length, 'finding')} still open`}.</p>\n`;
  const linked = (finding: Finding, words: string): string => `<a href="#${anchor(finding)}">${words}</a>`;
  const back = ({ flaps }: Finding): string => (flaps > 0 ? ' (it came back)' : '');
  return `<div class="changes">${list(`${appeared.length} new`, appeared, linked, back)}${list(
    `${report.resolved.length} resolved`,
    report.resolved,
    (_, words) => words,
    ({ resolution }) => ` (${text(resolution ?? '', 200)})`,
  )}${list(`${unseen.length} not examined this time`, unseen, linked, back)}</div>\n`;
}

/** More of a check and severity than this are one line, which leads to the first of them. */
const ALIKE = 5;

/**
 * @param linked - the words of a line, leading to its finding where the page has it
 * @param ended - what is said at the end of a line about one finding
 */
function list(
  title: string,
  findings: readonly Finding[],
  linked: (finding: Finding, words: string) => string,
  ended: (finding: Finding) => string,
): string {
  if (findings.length === 0) return '';
  const sets = Map.groupBy(findings, ({ check, severity }) => `${check}|${severity}`);
  const lines = [...sets.values()].flatMap((set) => {
    const [first] = set;
    if (set.length > ALIKE && first !== undefined)
      return [line(first, linked(first, `${text(first.title, 200)}: ${placesOf(set)}`), '')];
    return set.map((finding) =>
      line(finding, linked(finding, `${text(finding.title, 200)}: ${name(finding)}`), ended(finding)),
    );
  });
  const rest = lines.length - LISTED;
  return `<div><h3>${title}</h3><ul>${lines.slice(0, LISTED).join('')}</ul>${rest > 0 ? `<p>and ${plural(rest, 'more line')}: the findings below have them all</p>` : ''}</div>`;
}

function line({ severity }: Finding, words: string, end: string): string {
  return `<li><span class="tag ${severity}">${severity}</span> ${words}${end}</li>`;
}

/** `14 pods on 9 nodes`. */
function placesOf(findings: readonly Finding[]): string {
  const kinds = new Set(findings.map(({ object }) => object.kind));
  const [kind = 'object'] = kinds.size === 1 ? kinds : [];
  const nodes = new Set(findings.map(nodeOf)).size;
  const what = plural(findings.length, kind);
  return kind === 'node' ? what : `${what} on ${plural(nodes, 'node')}`;
}

function filter(shown: readonly Group[], report: ClusterReport): string {
  const leads = shown.map(({ lead }) => lead);
  const present = new Set(report.findings.map((finding) => finding.topic));
  const nodes = [...new Set(leads.map(nodeOf))].filter((node) => node !== '').sort();
  const choice = (id: string, label: string, values: readonly string[]): string =>
    `<label>${label}<select id="filter-${id}"><option value="">all</option>${values.map((value) => `<option value="${text(value, 253)}">${text(value, 100)}</option>`).join('')}</select></label>`;
  return `<div class="filter" role="search" aria-label="Filter the findings"><label>Text<input id="filter-text" type="search" autocomplete="off"></label>${choice(
    'severity',
    'Severity',
    severities.filter((severity) => leads.some((lead) => lead.severity === severity)),
  )}${choice(
    'topic',
    'Topic',
    topics.filter((topic) => present.has(topic)),
  )}${choice('state', 'State', [...new Set(leads.flatMap(statesOf))])}${choice('node', 'Node', nodes)}<button type="button" id="reset">Show all</button><span id="shown" role="status"></span></div>
`;
}

function meanings(report: ClusterReport, why: ReadonlyMap<string, string>): string {
  const failed = [...new Set(report.findings.map((finding) => finding.check))]
    .filter((check) => why.has(check))
    .sort();
  if (failed.length === 0) return '';
  const terms = failed.map(
    (check) =>
      `<h3 id="check-${text(check)}">${text(check)}</h3><p>${text(why.get(check) ?? '')}</p><pre><code>netns-audit checks ${text(check)}</code></pre><button type="button" class="copy">Copy</button>`,
  );
  return `<section aria-labelledby="checks"><h2 id="checks">What the checks mean</h2>\n${terms.join('\n')}</section>\n`;
}
