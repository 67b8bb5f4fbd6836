/** The words of a message about one cluster. Pure; what a node says is text and nothing else. */
import type { Finding, Severity } from '../model/finding.ts';
import { severities } from '../model/finding.ts';
import type { ClusterReport } from '../model/report.ts';
import { coverageLine, type Group, groups, objectName, plural, printable } from '../report/index.ts';
import { type Changes, type Reason, worstOf } from './changes.ts';
import { chatOf } from './chat.ts';
import { COLUMNS, clipped, mailOf, type Section, subjectOf, wrap } from './mail.ts';
import type { Told } from './record.ts';
import { AUDIT } from './thresholds.ts';

/** Where the report is to be read. */
export type Links = {
  /** Of the console; the one line of a mail that may be longer than others. */
  readonly page: string | null;
  readonly command: string;
};

export type Message = {
  readonly subject: string;
  readonly text: string;
  /** For programs; one text of JSON. */
  readonly json: string;
  /** For Slack and Teams, as AWS's chat service takes it; one text of JSON. */
  readonly chat: string;
  readonly attributes: {
    readonly kind: 'change' | 'digest';
    readonly severity: string;
    readonly cluster: string;
    readonly newFindings: number;
    readonly checks: readonly string[];
  };
};

/** SNS takes 256 KiB for all bodies together. */
const JSON_FINDINGS = 50;

const reasons: readonly (readonly [Reason, title: string, short: string])[] = [
  ['new', 'New:', 'new'],
  ['back', 'Came back:', 'came back'],
  ['worse', 'Worse than told before:', 'worse'],
  ['notExcepted', 'No longer excepted:', 'no longer excepted'],
  ['untold', 'Open, and not told before:', 'not told before'],
  ['flapping', 'Comes and goes; told again when it was stable for a week:', 'flapping'],
];

export function messageOf(report: ClusterReport, changes: Changes, links: Links): Message {
  const cluster = printable(report.cluster.name, 100);
  const headline = headlineOf(changes);
  const sections = sectionsOf(report, changes);
  const head = [
    `${cluster} is ${report.verdict}: ${headline}.`,
    `${coverageLine(report)}.${changes.others.length > 0 ? ` Also open: ${countsOf(changes.others)}.` : ''}`,
    ...(changes.replaced === null ? [] : [replacedText(changes.replaced)]),
    ...(changes.gapSince === null
      ? []
      : [`No audit since ${minute(changes.gapSince)}: what happened in between was not seen.`]),
  ];
  const [worst] = changes.fresh.map(({ finding }) => finding).toSorted(bySeverity);
  const subject = subjectOf(
    `${cluster}: ${report.verdict}: ${headline}${worst === undefined ? '' : `: ${printable(worst.title, 100)}`}`,
  );
  return {
    subject,
    text: mailOf(head, sections, [
      'Report:',
      `  ${links.command}`,
      ...(links.page === null ? [] : [`  ${links.page}`]),
    ]),
    json: jsonOf(report, changes, links),
    chat: chatOf({
      title: subject,
      head,
      sections,
      commands: changes.fresh.flatMap(({ finding }) => commandOf(finding) ?? []),
      cluster,
      severity: worstOf(changes),
      runId: report.runId,
      links,
    }),
    attributes: {
      kind: 'change',
      severity: worstOf(changes),
      cluster,
      newFindings: changes.fresh.length,
      checks: [...new Set(changes.fresh.map(({ finding }) => finding.check))].slice(0, 20),
    },
  };
}

function headlineOf(changes: Changes): string {
  const { fresh, resolved, steady, crossed, back, reminder, thresholdReminder } = changes;
  const wasAudited = (keys: Changes['crossed']): boolean => !keys.some(({ key }) => key === AUDIT);
  const thresholds = (list: Changes['crossed'], word: string): string => {
    const count = list.filter(({ key }) => key !== AUDIT).length;
    return count === 0 ? '' : `${plural(count, 'threshold')} ${word}`;
  };
  return [
    wasAudited(crossed) ? '' : 'not audited',
    wasAudited(thresholdReminder) ? '' : 'still not audited',
    wasAudited(back) ? '' : 'audited again',
    ...reasons.map(([reason, , short]) => {
      const findings = fresh.filter((each) => each.reason === reason).map(({ finding }) => finding);
      return findings.length === 0 ? '' : `${countsOf(findings)} ${short}`;
    }),
    thresholds(crossed, 'crossed'),
    resolved.length > 0 ? `${resolved.length} resolved` : '',
    steady.length > 0 ? `${steady.length} stays` : '',
    thresholds(back, 'back to normal'),
    reminder.length > 0 ? `${countsOf(reminder)} still open` : '',
    thresholds(thresholdReminder, 'still crossed'),
    changes.gapSince === null ? '' : 'audits were missed',
    changes.replaced === null ? '' : 'another cluster',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function sectionsOf(report: ClusterReport, changes: Changes): Section[] {
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
    entries: findings.toSorted(bySeverity).map((finding) => ({
      line: `${clipped(`  ${line(finding)}`, COLUMNS - 19)} since ${finding.firstSeen.slice(0, 10)}`,
      more: [],
    })),
  });
  return [
    values('Not audited:', crossed, true),
    ...reasons.map(([reason, title]): Section => {
      const chosen = fresh.filter((each) => each.reason === reason);
      const was = new Map(chosen.map((each) => [each.finding.fingerprint, each.was]));
      const findings = chosen.map(({ finding }) => finding).toSorted(bySeverity);
      return {
        title,
        // Symptoms are folded already; `groups` puts the same fault of many pods together.
        entries: groups({ ...report, findings }).map((group) =>
          inFull(group, report, reason === 'worse' ? (was.get(group.lead.fingerprint) ?? null) : null),
        ),
      };
    }),
    values('Thresholds crossed:', crossed),
    { title: 'Resolved:', entries: resolvedEntries(resolved) },
    open('Came and went, and stays for a week now:', steady),
    values('Audited again:', back, true),
    values('Back to normal:', back),
    values('Still not audited:', thresholdReminder, true),
    open('Still open:', reminder),
    values('Thresholds still crossed:', thresholdReminder),
  ].filter(({ entries }) => entries.length > 0);
}

/** The finding, what was read, and the command that repairs it where it fits: half a command helps nobody. */
function inFull(
  { lead, alike }: Group,
  report: ClusterReport,
  was: Severity | null,
): Section['entries'][number] {
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
      ...(lead.state === 'new' || lead.firstSeen === lead.lastSeen
        ? []
        : [`    First seen ${minute(lead.firstSeen)}.`]),
      ...indented(printable(lead.detail, 200)),
      ...(children.length === 0
        ? []
        : indented(`Explains ${plural(children.length, 'more finding')}: ${checks.slice(0, 3).join(', ')}.`)),
      ...(command === null || command.length > COLUMNS - 6 ? [] : [`    $ ${command}`]),
      ...(command === null || alike.length === 0 ? [] : ['    and so for each of them.']),
    ],
  };
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

function jsonOf(report: ClusterReport, changes: Changes, links: Links): string {
  const { fresh, resolved, steady, crossed, back, reminder, thresholdReminder, gapSince, replaced } = changes;
  const texts = (list: Changes['crossed']): string[] =>
    list.slice(0, JSON_FINDINGS).map(({ text }) => printable(text, 500));
  return JSON.stringify({
    schemaVersion: 1,
    kind: 'Alert',
    cluster: report.cluster,
    runId: report.runId,
    verdict: report.verdict,
    severity: worstOf(changes),
    new: fresh
      .toSorted((a, b) => bySeverity(a.finding, b.finding))
      .slice(0, JSON_FINDINGS)
      .map(({ finding, reason, was }) => ({ reason, was, ...forPrograms(finding) })),
    resolved: resolved.slice(0, JSON_FINDINGS),
    stays: steady.slice(0, JSON_FINDINGS).map(forPrograms),
    crossed: texts(crossed),
    backToNormal: texts(back),
    stillOpen: reminder.length,
    stillCrossed: texts(thresholdReminder),
    noAuditSince: gapSince,
    otherCluster: replaced !== null,
    truncated: Math.max(fresh.length, resolved.length, crossed.length, back.length) > JSON_FINDINGS,
    report: links,
  });
}

function forPrograms(finding: Finding): Record<string, unknown> {
  const { fingerprint, check, severity, confidence, object, title, firstSeen, flapping } = finding;
  const detail = printable(finding.detail, 500);
  const remedy = finding.remedy.slice(0, 3).map((step) => ({
    text: printable(step.text, 300),
    ...(step.command === undefined ? {} : { command: printable(step.command, 300) }),
  }));
  return { fingerprint, check, severity, confidence, object, title, detail, firstSeen, flapping, remedy };
}

function replacedText(told: number): string {
  return `This is another cluster than the one before under this name (kube-system has another uid): its history begins anew.${told === 0 ? '' : ` ${plural(told, 'finding')} that you were told of ${told === 1 ? 'ends' : 'end'} with the old one; nobody saw ${told === 1 ? 'it' : 'them'} repaired.`}`;
}

function commandOf(finding: Finding): string | null {
  const command = finding.remedy.find((step) => step.command !== undefined)?.command;
  return command === undefined || command.includes('\n') ? null : printable(command, 400);
}

function countsOf(findings: readonly { readonly severity: Severity }[]): string {
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

function bySeverity(a: { readonly severity: Severity }, b: { readonly severity: Severity }): number {
  return severities.indexOf(a.severity) - severities.indexOf(b.severity);
}

function indented(text: string, indent = '    '): string[] {
  return wrap(text, COLUMNS - indent.length).map((each) => `${indent}${each}`);
}

function minute(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')} UTC`;
}
