/** The report for a terminal: verdict first, worst first, each finding with its proof and its repair. */
import { styleText } from 'node:util';
import type { Finding, Severity } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import type { ClusterReport, Verdict } from '../model/report.ts';
import { command } from '../model/shell.ts';
import { type Group, groups, objectName } from './group.ts';
import { coverageLine, duration, plural, severityCounts, youngPods } from './summary.ts';
import { widthOf, wrapped } from './width.ts';

export type TextOptions = {
  readonly colour: boolean;
  /** Columns of the terminal; commands are never wrapped, as somebody will copy them. */
  readonly width: number;
  /** Names what exceptions cover; else it is counted. */
  readonly verbose?: boolean;
  /** Where the report is kept, as `--store` names it; null where it is not. @default the directory that needs no naming */
  readonly store?: string | null;
};

type Style = Parameters<typeof styleText>[0];
const severityStyle: Record<Severity, Style> = {
  critical: ['bold', 'red'],
  high: 'red',
  medium: 'yellow',
  low: 'cyan',
};
const verdictStyle: Record<Verdict, Style> = {
  healthy: ['bold', 'green'],
  degraded: ['bold', 'yellow'],
  incomplete: ['bold', 'magenta'],
  critical: ['bold', 'red'],
};

/** Members of a group that are named before the rest is counted. */
const NAMED = 10;

export function writeText(report: ClusterReport, options: TextOptions): string {
  const paint = (style: Style, text: string): string =>
    options.colour ? styleText(style, text, { validateStream: false }) : text;
  const out: string[] = [];
  const wrap = (text: string, indent: string): void => {
    out.push(...indented(text, options.width, indent));
  };

  const counts = severityCounts(report);
  const verdict = paint(verdictStyle[report.verdict], report.verdict.toUpperCase());
  out.push(
    ...hanging(
      [verdict, ` ${printable(report.cluster.name, 100)}${counts === '' ? '' : `: ${counts}`}`],
      options.width,
      ['', '  '],
    ),
  );
  wrap(`${coverageLine(report)}; ${duration(report)}`, '');
  const young = youngPods(report);
  if (young !== null) wrap(young, '');

  const shown = groups(report);
  const standing = shown.filter(({ lead }) => lead.suppressed === null && lead.state !== 'pending');
  for (const group of standing) {
    out.push('', ...findingLines(group, options.width, paint), ...ofOthers(group, report.runId, options));
  }
  const pending = shown.filter(({ lead }) => lead.state === 'pending' && lead.suppressed === null);
  section(out, pending, 'Seen for the first time; told if the next audit sees it again:', options.width);
  const suppressed = report.findings.filter((finding) => finding.suppressed !== null);
  if (options.verbose === true)
    section(
      out,
      shown.filter(({ lead }) => lead.suppressed !== null),
      'Suppressed by exceptions:',
      options.width,
    );
  else if (suppressed.length > 0) {
    const count = `${plural(suppressed.length, 'finding')} suppressed by exceptions`;
    out.push('', `${count}: -v names ${suppressed.length === 1 ? 'it' : 'them'}`);
  }

  const gaps = report.coverage.nodes.filter((node) => node.result !== 'audited');
  if (gaps.length > 0) {
    out.push('', 'Not (fully) audited:');
    for (const node of gaps.slice(0, 20)) {
      wrap(
        `${paint(node.result === 'skipped' ? 'dim' : 'magenta', node.result)} ${printable(node.node, 253)}: ${printable(node.reason ?? 'no reason given')}`,
        '  ',
      );
      if (node.remedy !== null) wrap(printable(node.remedy), '    ');
    }
    if (gaps.length > 20) out.push(`  and ${gaps.length - 20} more: -o json lists them all`);
  }
  const unknown = report.coverage.checks.filter((check) => check.unknown > 0);
  if (unknown.length > 0) {
    out.push('', 'Could not be decided:');
    for (const check of unknown)
      wrap(
        `${check.check} (${plural(check.unknown, 'object')}): ${printable(check.reasons.join('; '), 300)}`,
        '  ',
      );
  }
  if (report.resolved.length > 0) {
    out.push('', `${paint('green', 'Resolved')} since the last audit:`);
    for (const finding of report.resolved.slice(0, 20))
      wrap(`${finding.check}  ${name(finding)}: ${printable(finding.resolution ?? '')}`, '  ');
    if (report.resolved.length > 20)
      out.push(`  and ${report.resolved.length - 20} more: -o json lists them all`);
  }
  const [first] = standing;
  if (first !== undefined)
    out.push('', paint('dim', `More about one: netns-audit checks ${first.lead.check}`));
  return `${out.join('\n')}\n`;
}

function findingLines(
  { lead, alike, symptoms }: Group,
  width: number,
  paint: (style: Style, text: string) => string,
): string[] {
  const severity = paint(severityStyle[lead.severity], lead.severity.toUpperCase());
  const state = [
    lead.state,
    ...(lead.confidence === 'confirmed' ? [] : [lead.confidence]),
    ...(lead.flapping ? [`flapping: came back ${plural(lead.flaps, 'time')}`] : []),
    ...(lead.notSeen ? ['not seen this time'] : []),
  ].join(', ');
  const what =
    alike.length === 0
      ? name(lead)
      : `${plural(alike.length + 1, lead.object.kind)} on ${printable(lead.object.node ?? 'the cluster', 253)}`;
  const out = [
    ...hanging([`${severity}  ${paint('bold', lead.check)}`, ...apart(what)], width, ['', '  ']),
    ...indented(`${printable(lead.title)} (${state})`, width, '  '),
    ...indented(printable(lead.detail), width, '  '),
    ...(lead.notSeen
      ? indented('This audit did not look at it, so it stays open until one that does.', width, '  ')
      : []),
  ];
  for (const { what: label, expected, actual, source } of lead.evidence) {
    const compared =
      expected === undefined
        ? printable(actual, 300)
        : `expected ${printable(expected, 300)}, found ${printable(actual, 300)}`;
    // Where it was read stands in one piece, if a line has room for it.
    const where = `[${printable(source, 200)}]`;
    const words = [
      ...`${printable(label, 200)}: ${compared}`.split(' '),
      ...(widthOf(where) <= width - 6 ? [` ${where}`] : apart(where)),
    ];
    out.push(...hanging(words, width, ['    - ', '      ']));
  }
  if (alike.length > 0) out.push(...indented(`also: ${named(alike)}`, width, '  '));
  if (symptoms.length > 0) out.push(...indented(`explains: ${named(symptoms, true)}`, width, '  '));
  for (const step of lead.remedy) {
    out.push(...hanging(printable(step.text).split(' '), width, ['  > ', '    ']));
    if (step.command !== undefined) out.push(`    $ ${printable(step.command, 4000)}`);
  }
  return out;
}

/** How to have the commands of all that is told as one; what an exception covers or the next audit may not see stays. */
function ofOthers({ lead, alike }: Group, runId: string, { width, store }: TextOptions): string[] {
  if (alike.length === 0 || lead.remedy.length === 0 || store === null) return [];
  const { node } = lead.object;
  const show = command(
    ...['netns-audit', 'reports', 'show', runId, '--check', lead.check],
    ...(node === undefined ? [] : ['--node', node]),
    ...(store === undefined ? [] : ['--store', store]),
    ...['-o', 'json'],
  );
  const filter =
    '.findings[] | select(.state != "pending" and .suppressed == null) | .remedy[] | "# " + (.text | gsub("[\\r\\n]"; " ")), (.command // empty)';
  return [
    ...indented(
      `> Each of the other ${alike.length} has such commands of its own. All of them, as a script to read first:`,
      width,
      '  ',
    ),
    `    $ ${printable(`${show} | jq -r '${filter}'`, 4000)}`,
  ];
}

function section(out: string[], shown: readonly Group[], title: string, width: number): void {
  if (shown.length === 0) return;
  out.push('', title);
  for (const { lead, alike } of shown) {
    const why =
      lead.suppressed === null
        ? ''
        : ` (${printable(lead.suppressed.reason, 200)}; ${printable(lead.suppressed.owner, 100)}, until ${printable(lead.suppressed.expires, 40)})`;
    out.push(...indented(`${lead.severity} ${lead.check}  ${named([lead, ...alike])}${why}`, width, '  '));
  }
}

function named(findings: readonly Finding[], withCheck = false): string {
  const names = findings
    .slice(0, NAMED)
    .map((finding) => (withCheck ? `${finding.check} ${name(finding)}` : name(finding)));
  return `${names.join(', ')}${findings.length > NAMED ? ` and ${findings.length - NAMED} more` : ''}`;
}

function name(finding: Finding): string {
  return printable(objectName(finding.object), 400);
}

/** Words, the first of which stands two spaces off what is before it. */
function apart(text: string): string[] {
  const [first, ...others] = text.split(' ');
  return [` ${first}`, ...others];
}

function indented(text: string, width: number, indent: string): string[] {
  return hanging(text.split(' '), width, [indent, indent]);
}

/** @param indents - of the first line, and of those after it */
function hanging(
  words: readonly string[],
  width: number,
  [first, others]: readonly [string, string],
): string[] {
  return wrapped(words, Math.max(20, width - others.length)).map(
    (line, index) => `${index === 0 ? first : others}${line}`,
  );
}
