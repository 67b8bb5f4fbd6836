/** The words of a message: subject, mail and JSON. Pure; what a node says is text and nothing else. */
import type { Finding } from '../model/finding.ts';
import { severities } from '../model/finding.ts';
import type { ClusterReport } from '../model/report.ts';
import { coverageLine, objectName, plural, printable } from '../report/index.ts';
import { type Changes, type Told, worstOf } from './changes.ts';

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
  readonly attributes: {
    readonly severity: string;
    readonly cluster: string;
    readonly newFindings: number;
    readonly checks: readonly string[];
  };
};

const LINES = 40;
const COLUMNS = 72;
/** SNS takes 256 KiB for all bodies together. */
const JSON_FINDINGS = 50;

export function messageOf(report: ClusterReport, changes: Changes, links: Links): Message {
  const { fresh, resolved, crossed, reminder } = changes;
  const headline = [
    fresh.length > 0 ? `${countsOf(fresh)} new` : '',
    resolved.length > 0 ? `${resolved.length} resolved` : '',
    crossed.length > 0 ? plural(crossed.length, 'threshold') : '',
    reminder.length > 0 ? `${reminder.length} still open` : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
  const cluster = printable(report.cluster.name, 100);
  const end = ['', 'Report:', `  ${links.command}`, ...(links.page === null ? [] : [`  ${links.page}`])];
  const body = [
    ...crossed.flatMap((text) => wrap(`! ${printable(text, 300)}`)),
    ...(fresh.length > 0 ? ['', 'New:'] : []),
    ...worstFirst(fresh).flatMap(inFull),
    ...(reminder.length > 0 ? ['', 'Still open:'] : []),
    ...worstFirst(reminder).map((finding) => `  ${line(finding)}`),
    ...(resolved.length > 0 ? ['', 'Resolved:'] : []),
    ...worstFirst(resolved).map((finding) => `  ${line(finding)}`),
  ];
  const head = [
    `${cluster} is ${report.verdict}: ${headline}.`,
    `${coverageLine(report)}.`,
    `Run ${report.runId}.`,
    '',
  ].flatMap((text) => wrap(text));
  const room = LINES - head.length - end.length - 2;
  const shown = body.length <= room + 2 ? body : body.slice(0, room);
  const left = body.length - shown.length;
  const cut = left > 0 ? ['', `… and ${plural(left, 'line')} more, in the report.`] : [];
  return {
    subject: subjectOf(`${cluster}: ${report.verdict}: ${headline}`),
    text: `${[...head, ...[...shown, ...cut].map((text) => text.slice(0, COLUMNS)), ...end].join('\n')}\n`,
    json: JSON.stringify({
      schemaVersion: 1,
      kind: 'Alert',
      cluster: report.cluster,
      runId: report.runId,
      verdict: report.verdict,
      severity: worstOf(changes),
      new: worstFirst(fresh).slice(0, JSON_FINDINGS).map(forPrograms),
      resolved: resolved.slice(0, JSON_FINDINGS),
      crossed: crossed.slice(0, JSON_FINDINGS),
      stillOpen: reminder.length,
      truncated: Math.max(fresh.length, resolved.length, crossed.length) > JSON_FINDINGS,
      report: links,
    }),
    attributes: {
      severity: worstOf(changes),
      cluster,
      newFindings: fresh.length,
      checks: [...new Set(fresh.map((finding) => finding.check))].slice(0, 20),
    },
  };
}

/** Printable ASCII of at most 99 characters, as SNS takes it everywhere. */
function subjectOf(text: string): string {
  const ascii = text.normalize('NFKD').replaceAll(/[^\x20-\x7e]/g, '');
  return (ascii.length <= 99 ? ascii : `${ascii.slice(0, 96)}...`).trim() || 'netns-audit';
}

function countsOf(findings: readonly Finding[]): string {
  return severities
    .map(
      (severity) => [findings.filter((finding) => finding.severity === severity).length, severity] as const,
    )
    .filter(([count]) => count > 0)
    .map(([count, severity]) => `${count} ${severity}`)
    .join(', ');
}

/** The finding, what was read, and the command that repairs it where it fits: half a command helps nobody. */
function inFull(finding: Finding): string[] {
  const command = finding.remedy.find((step) => step.command !== undefined)?.command;
  const fits = command !== undefined && !command.includes('\n') && command.length <= COLUMNS - 6;
  return [
    `  ${line(finding)}`,
    ...wrap(printable(finding.detail, 200), COLUMNS - 4).map((text) => `    ${text}`),
    ...(fits ? [`    $ ${printable(command)}`] : []),
  ];
}

function line(finding: Pick<Told, 'severity' | 'check' | 'object'>): string {
  return `${finding.severity} ${finding.check} ${printable(objectName(finding.object))}`;
}

function forPrograms(finding: Finding): Record<string, unknown> {
  const { fingerprint, check, severity, confidence, object, title, firstSeen, remedy } = finding;
  const detail = printable(finding.detail, 500);
  return {
    fingerprint,
    check,
    severity,
    confidence,
    object,
    title,
    detail,
    firstSeen,
    remedy: remedy.slice(0, 3),
  };
}

function worstFirst<T extends Pick<Told, 'severity'>>(findings: readonly T[]): T[] {
  return findings.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

function wrap(text: string, columns = COLUMNS): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > columns) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current].map((each) => each.slice(0, columns));
}
