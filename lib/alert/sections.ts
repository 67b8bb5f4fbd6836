/** The parts of a mail: each kind of news under its title, worst first. Pure. */
import { type Finding, type Severity, severities } from '../model/finding.ts';
import type { ClusterReport } from '../model/report.ts';
import { type Group, groups, objectName, plural, printable } from '../report/index.ts';
import type { Changes, Fresh, Reason } from './changes.ts';
import { COLUMNS, clipped, type Section, wrap } from './mail.ts';
import type { Told } from './record.ts';
import { AUDIT, minute } from './thresholds.ts';

/** In the order in which they are told. */
export const reasons: readonly (readonly [Reason, title: string, short: string])[] = [
  ['new', 'New:', 'new'],
  ['back', 'Came back:', 'came back'],
  ['worse', 'Worse than told before:', 'worse'],
  ['notExcepted', 'No longer excepted:', 'no longer excepted'],
  ['untold', 'Open, and not told before:', 'not told before'],
  ['flapping', 'Comes and goes; told again when it was stable for a week:', 'flapping'],
];

export function sectionsOf(report: ClusterReport, changes: Changes): Section[] {
  const { fresh, resolved, steady, crossed, back, reminder, thresholdReminder } = changes;
  const values = (title: string, list: Changes['crossed'], audit = false): Section => ({
    title,
    entries: list
      .filter(({ key }) => (key === AUDIT) === audit)
      .map(({ text }) => {
        const [line = '', ...more] = indented(printable(text, 300), '  ');
        return { line, more };
      }),
  });
  const open = (title: string, findings: readonly Finding[]): Section => ({
    title,
    entries: findings
      .toSorted((a, b) => bySeverity(a, b) || (a.firstSeen < b.firstSeen ? -1 : 1))
      .map((finding) => ({
        line: clipped(`  ${finding.firstSeen.slice(0, 10)} ${line(finding)}`, COLUMNS),
        more: [],
      })),
  });
  return [
    values('Not audited:', crossed, true),
    ...reasons.map(([reason, title]): Section => {
      const chosen = fresh.filter((each) => each.reason === reason);
      const byFingerprint = new Map(chosen.map((each) => [each.finding.fingerprint, each]));
      const findings = chosen.map(({ finding }) => finding).toSorted(bySeverity);
      return {
        title,
        // Symptoms are folded already; `groups` puts the same fault of many pods together.
        entries: groups({ ...report, findings }).map((group) =>
          inFull(group, report, byFingerprint.get(group.lead.fingerprint)),
        ),
      };
    }),
    values('Thresholds crossed:', crossed),
    { title: 'Resolved:', entries: resolvedEntries(resolved) },
    {
      title: 'Told of the cluster before, and ended with it:',
      entries: (changes.replaced ?? [])
        .toSorted(bySeverity)
        .map((each) => ({ line: clipped(`  ${line(each)}`, COLUMNS), more: [] })),
    },
    open('Came and went, and stays for a week now (first seen):', steady),
    values('Audited again:', back, true),
    values('Back to normal:', back),
    values('Still not audited:', thresholdReminder, true),
    open('Still open (first seen):', reminder),
    values('Thresholds still crossed:', thresholdReminder),
  ].filter(({ entries }) => entries.length > 0);
}

/** The finding, what was read, and the command that repairs it where it fits: half a command helps nobody. */
function inFull(
  { lead, alike }: Group,
  report: ClusterReport,
  fresh: Fresh | undefined,
): Section['entries'][number] {
  const was = fresh?.reason === 'worse' ? fresh.was : null;
  const children = report.findings.filter(({ partOf }) => partOf === lead.fingerprint);
  const checks = [...new Set(children.map(({ check }) => check))];
  const command = commandOf(lead);
  const others = alike
    .slice(0, 3)
    .map(({ object }) => printable(objectName({ ...object, node: undefined }), 60));
  const name =
    alike.length === 0
      ? line(lead)
      : `${lead.severity} ${lead.check} ${plural(alike.length + 1, lead.object.kind)} on ${printable(lead.object.node ?? 'the cluster', 100)}`;
  return {
    line: clipped(`  ${name}${was === null ? '' : ` (was ${was})`}`, COLUMNS),
    more: [
      ...(alike.length === 0
        ? []
        : indented(
            `${[printable(objectName({ ...lead.object, node: undefined }), 60), ...others].join(', ')}${alike.length > 3 ? ` and ${alike.length - 3} more` : ''}`,
          )),
      ...history(lead, fresh?.exception ?? null),
      ...indented(printable(lead.detail, 200)),
      ...(children.length === 0
        ? []
        : indented(`Explains ${plural(children.length, 'more finding')}: ${checks.slice(0, 3).join(', ')}.`)),
      ...commandLines(command),
      ...(command === null || alike.length === 0 ? [] : ['    and so for each of them.']),
    ],
  };
}

/** Since when, how often, and who excepted it. */
function history(finding: Finding, exception: Fresh['exception']): string[] {
  const { firstSeen, lastSeen, flaps } = finding;
  if (firstSeen === lastSeen && exception === null) return [];
  const back = flaps === 0 ? '' : `; came back ${flaps === 1 ? 'once' : `${flaps} times`}`;
  const until =
    exception === null
      ? ''
      : ` Excepted by ${printable(exception.owner, 100)} until ${printable(exception.expires, 20)}.`;
  return indented(`First seen ${minute(firstSeen)}${back}.${until}`);
}

/** Lines of a command that is too long for one: broken where a shell goes on. With quotes it is left out: they may hold spaces. */
function commandLines(command: string | null): string[] {
  if (command === null) return [];
  const room = COLUMNS - '    $  \\'.length;
  if (command.length <= room + 2) return [`    $ ${command}`];
  const lines = wrap(command, room - 2);
  const isWhole = lines.join(' ') === command;
  if (/['"\\`$]/.test(command) || !isWhole || lines.length > 3) return [];
  return lines.map(
    (part, index) => `    ${index === 0 ? '$' : ' '} ${part}${index < lines.length - 1 ? ' \\' : ''}`,
  );
}

/** More of a check on a node than this are told as a number. */
const ALIKE = 3;

function resolvedEntries(resolved: Changes['resolved']): Section['entries'] {
  const sets = Map.groupBy(resolved.toSorted(bySeverity), ({ check, severity, object }) =>
    [check, severity, object.node ?? ''].join('|'),
  );
  return [...sets.values()].flatMap((set) => {
    const [first] = set;
    if (first === undefined) return [];
    if (set.length <= ALIKE)
      return set.map((each) => ({
        line: clipped(`  ${line(each)}`, COLUMNS),
        more: indented(`${each.how}.`),
      }));
    const where = printable(first.object.node ?? 'the cluster', 100);
    return [
      {
        line: clipped(
          `  ${first.severity} ${first.check} ${plural(set.length, first.object.kind)} on ${where}`,
          COLUMNS,
        ),
        more: [],
      },
    ];
  });
}

export function commandOf(finding: Finding): string | null {
  const command = finding.remedy.find((step) => step.command !== undefined)?.command;
  return command === undefined || command.includes('\n') ? null : printable(command, 400);
}

export function countsOf(findings: readonly { readonly severity: Severity }[]): string {
  return severities
    .map(
      (severity) => [findings.filter((finding) => finding.severity === severity).length, severity] as const,
    )
    .filter(([count]) => count > 0)
    .map(([count, severity]) => `${count} ${severity}`)
    .join(', ');
}

function line(finding: Pick<Told, 'severity' | 'check' | 'object'>): string {
  return `${finding.severity} ${finding.check} ${printable(objectName(finding.object), 300)}`;
}

export function bySeverity(a: { readonly severity: Severity }, b: { readonly severity: Severity }): number {
  return severities.indexOf(a.severity) - severities.indexOf(b.severity);
}

function indented(text: string, indent = '    '): string[] {
  return wrap(text, COLUMNS - indent.length).map((each) => `${indent}${each}`);
}
