/**
 * The report for a terminal: all findings as a table, then new or critical ones with evidence and repair, then what was
 * not judged. The verdict is last, where the terminal ends.
 */
import { type Finding, isAtLeast, isCounted, severities } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import type { ClusterReport } from '../model/report.ts';
import { command } from '../model/shell.ts';
import { firstCommands } from './first-commands.ts';
import { type Group, groups, membersOf, shortWhatOf } from './group.ts';
import { affectedPods, impactOfAll } from './impact.ts';
import { datedStates, statesInWords } from './states.ts';
import {
  ACTIVE,
  coverageLine,
  duration,
  minute,
  plural,
  severityCounts,
  unjudgedPods,
  unknownServices,
  unsent,
} from './summary.ts';
import { table } from './table.ts';
import { toTypeFirst } from './text-first.ts';
import { groupHead, groupLines, name, namesWithMore } from './text-group.ts';
import { paint, type TextOptions } from './text-style.ts';
import { hanging, indented, widthOf } from './width.ts';

/** Rows of a list to show before the rest is counted. */
const ROWS = 20;
/** Lines of groups to show in full; the first always is, however long. */
const DETAILED = 38;
/** Columns that an object's name needs beside the others. */
const LEAST = 24;
/** Nodes to name. */
const WORST = 3;

/** The report for a terminal: plain text, with colors if requested. */
export function writeText(report: ClusterReport, options: TextOptions): string {
  const shown = groups(report);
  const counting = shown.filter(({ lead }) => isCounted(lead));
  const last = toTypeFirst(firstCommands(report), options);
  const parts = [
    [heading(report), ...comparison(report)].flatMap((line) =>
      hanging(line.split(' '), options.width, ['', '  ']),
    ),
    overview(counting, options),
    together(report, options),
    ...details(counting, report, last.length, options),
    pending(shown, options),
    suppressed(shown, options),
    notAudited(report, options),
    undecided(report, options),
    resolved(report, options),
    last,
    summary(report, options),
  ].filter((lines) => lines.length > 0);
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function heading({ cluster, startedAt, runId, scope }: ClusterReport): string {
  return (
    `Audit of ${printable(cluster.name, 100)}, ${minute(startedAt)}, run ` +
    `${printable(runId, 100)}${scope === 'part' ? ', a part of the cluster' : ''}`
  );
}

/** Since when what is new can be there. */
function comparison({ previous, findings }: ClusterReport): string[] {
  if (!findings.some(({ state }) => state === 'new')) return [];
  return [
    previous === undefined
      ? 'There is no earlier audit to compare with, so every finding is new.'
      : `New means: not counted by the audit of ${minute(previous.startedAt)}.`,
  ];
}

/** A line for each group. Cloud nodes share their domain; names too long for a line appear in full further down. */
function overview(counting: readonly Group[], options: TextOptions): string[] {
  if (counting.length === 0) return [];
  const shown = counting.slice(0, ROWS);
  const heads = ['SEVERITY', 'CHECK', 'STATE', 'WHAT'];
  const cells = shown.map((group) => [
    group.lead.severity,
    group.lead.check,
    statesInWords(membersOf(group)),
  ]);
  const taken = [0, 1, 2].reduce(
    (sum, column) => sum + 2 + Math.max(...[heads, ...cells].map((row) => widthOf(row[column] ?? ''))),
    0,
  );
  // With less room the names go below the other columns, where they have a line of their own.
  const room = options.width - taken < LEAST ? options.width - 4 : options.width - taken;
  const rows = shown.map((group, index) => [
    paint(group.lead.severity, group.lead.severity, options),
    ...(cells[index]?.slice(1) ?? []),
    shortWhatOf(group, room),
  ]);
  const rest = counting.slice(rows.length);
  return [
    ...table([heads, ...rows], options.width)
      .trimEnd()
      .split('\n'),
    ...(rest.length > 0
      ? [
          `and ${plural(rest.length, 'more entry', 'more entries')} (${severitiesOf(rest)}): -o json lists them all`,
        ]
      : []),
  ];
}

/** A workload that several entries name. */
function together({ findings }: ClusterReport, { width }: TextOptions): string[] {
  const impact = impactOfAll(findings);
  return impact === null ? [] : indented(printable(impact), width, '');
}

/** How many groups of each severity, worst first: `1 high, 2 medium`. */
function severitiesOf(rest: readonly Group[]): string {
  return severities
    .map((severity) => [rest.filter(({ lead }) => lead.severity === severity).length, severity] as const)
    .filter(([count]) => count > 0)
    .map(([count, severity]) => `${count} ${severity}`)
    .join(', ');
}

/**
 * What is new, critical or high in full, up to a screen or two, or all on request; beyond that, what is critical or
 * high with its title. Then how to show the rest, and how bad that is.
 *
 * @param taken - lines of the list of commands, which needs room too
 */
function details(
  counting: readonly Group[],
  report: ClusterReport,
  taken: number,
  options: TextOptions,
): string[][] {
  const [first] = counting;
  if (first === undefined) return [];
  const shown: string[][] = [];
  const rest: Group[] = [];
  let lines = taken;
  const told = { runId: report.runId, together: affectedPods(report.findings) };
  for (const group of counting) {
    const isBad = isAtLeast(group.lead.severity, 'high');
    const wanted = options.details === true || isBad || group.lead.state === 'new';
    const next = wanted ? groupLines(group, told, options) : [];
    if (wanted && (options.details === true || shown.length === 0 || lines + next.length < DETAILED)) {
      shown.push(next);
      lines += next.length + 1;
      continue;
    }
    rest.push(group);
    if (isBad) shown.push(groupHead(group, options));
  }
  const show = ['reports', 'show', report.runId, '--details'];
  const all = command('netns-audit', ...show, ...(options.store == null ? [] : ['--store', options.store]));
  const inStore = options.inPod === true ? command(...show) : '--details';
  const asides = [
    ...(rest.length === 0
      ? []
      : [
          `Listed above without details: ${severitiesOf(rest)}. See them: ${options.store === null ? inStore : all}`,
        ]),
    `Explain a finding: netns-audit checks ${first.lead.check}`,
    ...(options.checkAgain == null ? [] : [`Check a repair: ${options.checkAgain}`]),
  ];
  return [...shown, asides.map((line) => paint('aside', line, options))];
}

function pending(shown: readonly Group[], { width }: TextOptions): string[] {
  const found = shown.filter(({ lead }) => lead.state === 'pending' && lead.suppressed === null);
  if (found.length === 0) return [];
  return [
    'Pending (may go away by itself; counts if the next audit finds it too):',
    ...found.flatMap((group) =>
      indented(`${group.lead.severity} ${group.lead.check}  ${namesWithMore(membersOf(group))}`, width, '  '),
    ),
  ];
}

function suppressed(shown: readonly Group[], { width, verbose }: TextOptions): string[] {
  const found = shown.filter(({ lead }) => lead.suppressed !== null);
  const count = found.reduce((sum, group) => sum + membersOf(group).length, 0);
  if (count === 0) return [];
  if (verbose !== true)
    return [`${plural(count, 'finding')} suppressed by exceptions: -v names ${count === 1 ? 'it' : 'them'}`];
  return [
    'Suppressed by exceptions:',
    ...found.flatMap((group) =>
      indented(
        `${group.lead.severity} ${group.lead.check}  ${namesWithMore(membersOf(group))}${exception(group.lead)}`,
        width,
        '  ',
      ),
    ),
  ];
}

function exception({ suppressed }: Finding): string {
  if (suppressed === null) return '';
  const { reason, owner, expires } = suppressed;
  return ` (${printable(reason, 200)}; ${printable(owner, 100)}, until ${printable(expires, 40)})`;
}

function notAudited({ coverage }: ClusterReport, options: TextOptions): string[] {
  const found = coverage.nodes.filter((node) => node.result !== 'audited');
  return listOf('Not (fully) audited:', found, ({ node, result, reason, remedy }) => [
    ...indented(
      `${paint(result, result, options)} ${printable(node, 253)}: ${printable(reason ?? 'no reason given')}`,
      options.width,
      '  ',
    ),
    ...(remedy === null ? [] : indented(printable(remedy), options.width, '    ')),
  ]);
}

function undecided({ coverage }: ClusterReport, { width }: TextOptions): string[] {
  const found = coverage.checks.filter((check) => check.unknown > 0);
  return listOf('Could not be decided:', found, ({ check, unknown, reasons }) =>
    indented(`${check} (${plural(unknown, 'object')}): ${printable(reasons.join('; '), 300)}`, width, '  '),
  );
}

function resolved(report: ClusterReport, options: TextOptions): string[] {
  const title = `${paint('resolved', 'Resolved', options)} since the last audit:`;
  return listOf(title, report.resolved, (finding) =>
    indented(
      `${finding.check}  ${name(finding)}: ${printable(finding.resolution ?? '')}`,
      options.width,
      '  ',
    ),
  );
}

function listOf<T>(title: string, items: readonly T[], lines: (item: T) => readonly string[]): string[] {
  if (items.length === 0) return [];
  return [
    title,
    ...items.slice(0, ROWS).flatMap(lines),
    ...(items.length > ROWS ? [`  and ${items.length - ROWS} more: -o json lists them all`] : []),
  ];
}

/** What was audited, what was not tried, and the verdict. */
function summary(report: ClusterReport, options: TextOptions): string[] {
  const asides = [
    worstNodes(report),
    unjudgedPods(report, options.inPod),
    unknownServices(report),
    unsent(report, options.inPod),
  ].filter((line) => line !== null);
  const counts = severityCounts(report);
  const changed = [
    ...(['new', 'open'] as const).flatMap((state) => {
      const found = report.findings.filter((each) => each.state === state && each.suppressed === null);
      return found.length === 0 ? [] : `${found.length.toLocaleString('en-US')} ${datedStates(found)}`;
    }),
    ...(report.resolved.length === 0 ? [] : [`${report.resolved.length.toLocaleString('en-US')} resolved`]),
  ];
  const words =
    `${printable(report.cluster.name, 100)}${counts === '' ? '' : `: ${counts}`}` +
    `${changed.length === 0 ? '' : `; ${changed.join(', ')}`}`;
  return [
    // Text from a node never starts a line.
    ...asides.flatMap((line) => hanging(withCommandWhole(line), options.width, ['', '  '])),
    ...indented(`${coverageLine(report)}; ${duration(report)}`, options.width, ''),
    ...hanging(
      [paint(report.verdict, report.verdict.toUpperCase(), options), ...` ${words}`.split(/(?<=\S) /)],
      options.width,
      ['', '  '],
    ),
  ];
}

/** Words of a line; a command at its end is one of them, to be copied from one line. */
function withCommandWhole(line: string): string[] {
  return line.endsWith(ACTIVE)
    ? [...line.slice(0, -ACTIVE.length).trimEnd().split(' '), ACTIVE]
    : line.split(' ');
}

/** Nodes with the most findings, if there are several nodes. */
function worstNodes({ findings }: ClusterReport): string | null {
  const counting = findings.filter(isCounted);
  const byNode = [...Map.groupBy(counting, ({ object }) => object.node ?? '')].filter(
    ([node]) => node !== '',
  );
  const sorted = byNode.toSorted(([, a], [, b]) => b.length - a.length);
  // If all have the same number, there is no worst.
  if ((sorted[0]?.[1].length ?? 0) === (sorted.at(-1)?.[1].length ?? 0)) return null;
  const worst = sorted.slice(0, WORST);
  const rest = byNode.length - worst.length;
  return (
    `Most findings: ${worst.map(([node, found]) => `${printable(node, 253)} (${found.length})`).join(', ')}` +
    `${rest > 0 ? ` and ${plural(rest, 'more node')}` : ''}.`
  );
}
