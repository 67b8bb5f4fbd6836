/** The text of a message about one cluster. Pure; text from a node stays plain text. */
import { bySeverity, objectName } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import type { ClusterReport } from '../model/report.ts';
import { coverageLine, impactOfAll, minute, openSince, plural, STILL_OPEN } from '../report/index.ts';
import { type Alert, alertsOf } from './alerts.ts';
import { type Changes, worstOf } from './changes.ts';
import { chatOf } from './chat.ts';
import { jsonOf } from './json.ts';
import type { ReportLinks } from './links.ts';
import { mailOf, subjectOf } from './mail.ts';
import { commandOf } from './remedy.ts';
import { countedAs, countsOf, foldedWorstFirst, objectsOf, reasons, sectionsOf } from './sections.ts';
import { AUDIT } from './thresholds.ts';

export type Message = {
  readonly subject: string;
  readonly text: string;
  /** For programs; one JSON text. */
  readonly json: string;
  /** For Slack and Teams, in the format of AWS's chat service; one JSON text. */
  readonly chat: string;
  /** All reported findings, open or over: for Alertmanager. */
  readonly alerts: readonly Alert[];
  readonly attributes: {
    readonly kind: 'change' | 'digest';
    readonly severity: string;
    readonly cluster: string;
    readonly newFindings: number;
    readonly checks: readonly string[];
  };
};

/**
 * @param notes - sentences on what the message is based on, if that is unusual
 * @param reminderDays - open findings are reported again after this many days at most
 * @param why - why each check matters
 */
export function clusterMessage(
  report: ClusterReport,
  changes: Changes,
  links: ReportLinks,
  notes: readonly string[] = [],
  reminderDays = 7,
  why: ReadonlyMap<string, string> = new Map(),
): Message {
  const cluster = printable(report.cluster.name, 100);
  const headline = headlineOf(changes);
  const sections = sectionsOf(report, changes, why);
  const impact = impactOfAll(report.findings);
  const [first, causes] = spoken(cluster, changes);
  const verdict = `${cluster} is ${report.verdict}: ${headline}.`;
  const head = [
    ...stateLines(report, changes),
    ...(impact === null || changes.fresh.length === 0 ? [] : [printable(impact, 600)]),
    ...notes,
    ...(changes.replaced === null
      ? []
      : ['A different cluster now has this name (kube-system has a new uid): its history starts again.']),
    ...(changes.gapSince === null
      ? []
      : [`No audit since ${minute(changes.gapSince)}: what happened in between was not seen.`]),
  ];
  const subject = subjectOf(`${cluster} ${report.verdict}: ${shortNews(changes, headline)}`);
  return {
    subject,
    text: mailOf([...(causes.length > 0 ? [verdict, ...causes] : [...first, verdict]), ...head], sections, [
      'Report:',
      `  ${links.command}`,
      ...(links.page === null ? [] : [`  ${links.page}`]),
    ]),
    json: jsonOf(report, changes, links),
    chat: chatOf({
      title: subject,
      head: [...first, verdict, ...head],
      sections,
      commands: changes.fresh
        .map(({ finding }) => finding)
        .toSorted(bySeverity)
        .flatMap((finding) => commandOf(finding) ?? []),
      cluster,
      severity: worstOf(changes),
      runId: report.runId,
      links,
    }),
    alerts: alertsOf(report, changes, links, reminderDays),
    attributes: {
      kind: 'change',
      severity: worstOf(changes),
      cluster,
      newFindings: changes.fresh.length,
      checks: [...new Set(changes.fresh.map(({ finding }) => finding.check))].slice(0, 20),
    },
  };
}

/** Faults in the first lines of a mail: these are what a phone shows of it. */
const CAUSES = 8;

/**
 * What one would say on the phone: the worst new finding, its object, and how many others there are. If there
 * are others, also a line for each of them.
 */
function spoken(cluster: string, { fresh }: Changes): readonly [first: string[], causes: string[]] {
  const all = foldedWorstFirst(fresh.map(({ finding }) => finding));
  const [worst, ...others] = all;
  if (worst === undefined) return [[], []];
  const said = (set: (typeof all)[number]): string => `${printable(set[0].title, 100)}: ${objectsOf(set)}`;
  if (others.length === 0) return [[`${cluster}: ${said(worst)}.`], []];
  const rest = all.length - CAUSES;
  return [
    [`${cluster}: ${said(worst)}, and ${plural(others.length, 'other fault')}.`],
    [
      ...all.slice(0, CAUSES).map((set) => `- ${set[0].severity}: ${said(set)}`),
      ...(rest > 0 ? [`and ${plural(rest, 'more', 'more')}, below`] : []),
    ],
  ];
}

/** The state of the cluster besides the news. */
function stateLines(report: ClusterReport, changes: Changes): string[] {
  const isMissed = changes.next.thresholds.some(({ key, crossed }) => key === AUDIT && crossed);
  return [
    ...(isMissed ? [] : [`${minute(report.startedAt)}: ${coverageLine(report)}.`]),
    ...othersOf(changes, isMissed ? ', as of the last audit' : ''),
  ];
}

/** Faults among other open findings to name. */
const NAMED = 3;

/** `Open since 2026-11-05: 1 high (Route inside the pod drops its traffic).` */
function othersOf({ others }: Changes, asOf: string): string[] {
  if (others.length === 0) return [];
  const titles = [...new Set(others.toSorted(bySeverity).map(({ title }) => printable(title, 100)))];
  const rest = titles.length - NAMED;
  const names = `${titles.slice(0, NAMED).join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`;
  return [`${openSince(others).replace('open', 'Open')}${asOf}: ${countsOf(others)} (${names}).`];
}

/** The part of a subject that a phone shows: the worst new finding; else the threshold, or what is over. */
function shortNews(changes: Changes, headline: string): string {
  const { fresh, resolved, steady, reminder, crossed, back, thresholdReminder } = changes;
  const [worst] = foldedWorstFirst(fresh.map(({ finding }) => finding))[0] ?? [];
  if (worst !== undefined) return `${headline}: ${printable(worst.title, 100)}`;
  const others = [...resolved, ...steady, ...reminder].toSorted(bySeverity);
  const [first, second] = [...crossed, ...back, ...thresholdReminder].filter(({ key }) => key !== AUDIT);
  if (first !== undefined)
    return second === undefined && others.length === 0
      ? printable(first.text, 100)
      : `${headline}: ${printable(first.text, 100)}`;
  const missed = crossed.find(({ key }) => key === AUDIT);
  if (missed !== undefined) return `${headline}: ${printable(missed.text, 100)}`;
  const [other] = others;
  return other === undefined
    ? headline
    : `${headline}: ${other.check} ${printable(objectName(other.object), 100)}`;
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
      return findings.length === 0 ? '' : countedAs(findings, short);
    }),
    thresholds(crossed, 'crossed'),
    resolved.length > 0 ? `${resolved.length} resolved` : '',
    steady.length > 0 ? countedAs(steady, 'no longer flapping') : '',
    thresholds(back, 'back to normal'),
    reminder.length > 0 ? countedAs(reminder, STILL_OPEN) : '',
    thresholds(thresholdReminder, 'still crossed'),
    changes.gapSince === null ? '' : 'audits were missed',
    changes.replaced === null ? '' : 'another cluster',
  ]
    .filter((part) => part !== '')
    .join(', ');
}
