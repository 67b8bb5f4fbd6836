/**
 * The report as one self-contained page: it loads nothing, runs only its own script (by hash, in its content security
 * policy), and can be read, printed and navigated from the map to a finding without it too.
 */
import { isCounted, worstFirst } from '../../model/finding.ts';
import type { ClusterReport } from '../../model/report.ts';
import type { Totals } from '../../model/totals.ts';
import { xmlText as text } from '../escape.ts';
import { firstCommands } from '../first-commands.ts';
import { type Group, groups, membersOf } from '../group.ts';
import { affectedPods } from '../impact.ts';
import { plural } from '../summary.ts';
import { card } from './card.ts';
import { changes } from './changes.ts';
import { coverage } from './coverage.ts';
import { documentOf } from './document.ts';
import { filter } from './filter.ts';
import { firstList } from './first.ts';
import { header, type PageLinks } from './header.ts';
import { nodeMap } from './node-map.ts';
import { script } from './script.ts';
import { trends } from './trends.ts';

export type PageOptions = {
  /** Why each check matters. */
  readonly why: ReadonlyMap<string, string>;
  /** Pages of checks in Markdown, if available. */
  readonly pages?: ReadonlyMap<string, string>;
  /** Earlier runs, oldest first; null if there is no store to read them from. */
  readonly past?: readonly Totals[] | null;
  readonly links?: PageLinks;
};

/** Findings to list, worst first; more overload a browser on a phone. */
const LISTED = 5000;
/** Groups with all their evidence. */
const GROUPS = 500;

/**
 * The report as one HTML file, with styles and script inside and a policy that forbids loading anything.
 *
 * @param options - trends, links and times that the report itself lacks
 */
export function writeHtml(report: ClusterReport, options: PageOptions): string {
  const past = options.past ?? null;
  const all = groups(report).toSorted((a, b) => rank(a) - rank(b));
  const counted = report.findings.filter(isCounted).toSorted(worstFirst);
  const first = firstCommands(report);
  const parts: [string, string, string][] = [
    ['changes', 'What changed', changes(report, counted)],
    ...(first.commands.length === 0
      ? []
      : [['first', 'What to type first', firstList(first)] as [string, string, string]]),
    [
      'findings',
      'Findings',
      all.length === 0 ? '<p>None.</p>\n' : `${filter()}${cards(all, report, options)}`,
    ],
    ['map', 'Map', nodeMap(report, counted)],
    ...(past === null ? [] : [['trends', 'Trends', trends(report, past)] as [string, string, string]]),
    ['coverage', 'Coverage', coverage(report)],
  ];
  return documentOf({
    title: `${text(report.cluster.name, 300)}: ${report.verdict}`,
    script,
    body: `<a class="skip" href="#findings">Skip to the findings</a>
${header(
  report,
  options.links ?? { fleet: null, previous: null, next: null },
  parts.map(([id, label]) => [id, label] as const),
)}<main>
${parts.map(([id, label, html]) => `<section aria-labelledby="${id}"><h2 id="${id}">${label}</h2>\n${html}</section>`).join('\n')}
</main>
`,
  });
}

const apart = [
  '',
  'Pending: seen once, not counted until the next audit confirms it',
  'Suppressed by exceptions: not counted',
];

/** Cards in the order of {@link rank}; inactive findings are below a heading of their own. */
function cards(
  all: readonly Group[],
  { runId, startedAt, findings }: ClusterReport,
  { why, pages }: PageOptions,
): string {
  let left = LISTED;
  const together = affectedPods(findings);
  const shown = all.slice(0, GROUPS).map((group, index) => {
    const before = all[index - 1];
    const begins = rank(group) > 0 && (before === undefined || rank(before) !== rank(group));
    const { check } = group.lead;
    const most = Math.max(1, left);
    left -= membersOf(group).length + group.symptoms.length;
    return `${begins ? `<h3 class="apart">${apart[rank(group)]}</h3>` : ''}${card(group, {
      at: startedAt,
      most,
      open: index === 0 && rank(group) === 0,
      why: why.get(check) ?? null,
      page: pages?.get(check) ?? null,
      together,
      runId,
    })}`;
  });
  const rest = all
    .slice(GROUPS)
    .reduce((sum, group) => sum + membersOf(group).length + group.symptoms.length, 0);
  return `${shown.join('')}${rest > 0 ? `<p>${plural(rest, 'more finding')}, no worse than these, left out: <code>-o json</code> has them all.</p>\n` : ''}`;
}

/** Active findings come first, then pending ones, then those covered by exceptions. */
function rank({ lead }: Group): number {
  if (isCounted(lead)) return 0;
  return lead.suppressed === null ? 1 : 2;
}
