/** What in a report is worth a message, given earlier messages. Pure. docs/alerts.md gives the reason for each rule. */
import { isFlapping, isStable, returnsBy } from '../model/changing.ts';
import type { Thresholds } from '../model/config.ts';
import { daysBetween, HOUR } from '../model/days.ts';
import { type Finding, isAtLeast, isCounted, type Severity, severities } from '../model/finding.ts';
import type { ClusterReport } from '../model/report.ts';
import type { AlertRecord, ReportedFinding } from './record.ts';
import { AUDIT, type Crossed, thresholdNewsOf } from './thresholds.ts';

/**
 * Why a finding is reported now. `untold`: open for longer but never reported, for example because a message
 * was lost.
 */
export type Reason = 'new' | 'back' | 'worse' | 'flapping' | 'notExcepted' | 'untold';

export type Fresh = {
  readonly finding: Finding;
  readonly reason: Reason;
  /** The severity last reported. */
  readonly was: Severity | null;
  /** The exception that covered it until now. */
  readonly exception: AlertRecord['excepted'][number] | null;
};

export type Changes = {
  readonly fresh: readonly Fresh[];
  /** Reported findings that are over, each with the reason. */
  readonly resolved: readonly (ReportedFinding & { readonly how: string })[];
  /** Reported as flapping, and present for a week now. */
  readonly steady: readonly Finding[];
  readonly crossed: readonly Crossed[];
  readonly back: readonly Crossed[];
  /** Findings that are still open and due for a reminder. */
  readonly reminder: readonly Finding[];
  readonly thresholdReminder: readonly Crossed[];
  /** Time of the last run, if audits were missed since; null if none was. */
  readonly gapSince: string | null;
  /** What was reported for another cluster under the same name, and ends with it; null if it is the same cluster. */
  readonly replaced: readonly ReportedFinding[] | null;
  /** Open findings that the message does not mention. */
  readonly others: readonly Finding[];
  /** For the record of this run. */
  readonly next: Pick<AlertRecord, 'uid' | 'at' | 'auditedAt' | 'told' | 'excepted' | 'thresholds'>;
};

/**
 * @param last - the cluster's last record; null if no message was ever sent
 * @param expectedWithinHours - report a longer gap between two runs; null leaves that to others
 */
export function changesOf(
  report: ClusterReport,
  last: AlertRecord | null,
  thresholds: Thresholds,
  expectedWithinHours: number | null = null,
): Changes {
  const at = report.startedAt;
  const isOther =
    last !== null && last.uid !== '' && report.cluster.uid !== '' && last.uid !== report.cluster.uid;
  const before = isOther ? null : last;
  const worth = worthReporting(report, thresholds);
  const reported = new Map((before?.told ?? []).map((each) => [each.fingerprint, each]));
  const { fresh, steady, next: present } = presentOf(worth, reported, before?.excepted ?? [], at);
  const notWorth = [...reported.values()].filter(({ fingerprint }) => !present.has(fingerprint));
  const { resolved, next: absent } = absentOf(report, notWorth);
  const next = new Map([...present, ...absent]);
  const mentioned = new Set(
    [...fresh.map(({ finding }) => finding), ...steady].map(({ fingerprint }) => fingerprint),
  );
  const open = worth.filter(
    ({ fingerprint }) => !mentioned.has(fingerprint) && next.get(fingerprint)?.gone === false,
  );
  const reminder = reminderOf(open, next, report, thresholds);
  const now = new Set([...mentioned, ...reminder.map(({ fingerprint }) => fingerprint)]);
  const { next: states, ...thresholdNews } = thresholdNewsOf(report, before, thresholds);
  return {
    fresh,
    resolved,
    steady,
    crossed: thresholdNews.crossed,
    back: thresholdNews.back,
    reminder,
    thresholdReminder: thresholdNews.reminder,
    gapSince: before === null ? null : gap(before.at, at, expectedWithinHours),
    replaced: isOther ? last.told.filter(({ gone }) => !gone) : null,
    others: open.filter(({ fingerprint }) => !now.has(fingerprint)),
    next: {
      uid: report.cluster.uid === '' ? (before?.uid ?? '') : report.cluster.uid,
      at,
      auditedAt: isMissed(states) ? (before?.auditedAt ?? null) : at,
      told: [...next.values()].map((each) => (now.has(each.fingerprint) ? { ...each, at } : each)),
      excepted: report.findings.flatMap(({ fingerprint, suppressed }) =>
        suppressed === null ? [] : [{ fingerprint, owner: suppressed.owner, expires: suppressed.expires }],
      ),
      thresholds: [...states],
    },
  };
}

/** Active findings that are severe enough, except those reported with their cause. */
function worthReporting(report: ClusterReport, { minSeverity }: Thresholds): Finding[] {
  const isWorth = (finding: Finding): boolean =>
    isCounted(finding) && isAtLeast(finding.severity, minSeverity);
  const present = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  const isExplained = ({ partOf }: Finding): boolean => {
    const cause = partOf === null ? undefined : present.get(partOf);
    return cause !== undefined && isWorth(cause);
  };
  return report.findings.filter((finding) => isWorth(finding) && !isExplained(finding));
}

/** For present findings: which to report now, and what to record for each. */
function presentOf(
  worth: readonly Finding[],
  reported: ReadonlyMap<string, ReportedFinding>,
  exceptedBefore: AlertRecord['excepted'],
  at: string,
): { readonly fresh: Fresh[]; readonly steady: Finding[]; readonly next: Map<string, ReportedFinding> } {
  const excepted = new Map(exceptedBefore.map((each) => [each.fingerprint, each]));
  const fresh: Fresh[] = [];
  const steady: Finding[] = [];
  const next = new Map<string, ReportedFinding>();
  for (const finding of worth) {
    const earlier = reported.get(finding.fingerprint);
    const now = recordOf(finding, earlier, at);
    next.set(finding.fingerprint, now);
    const exception = excepted.get(finding.fingerprint) ?? null;
    const reason = reasonOf(finding, earlier, now, exception !== null);
    if (reason !== null) fresh.push({ finding, reason, was: earlier?.severity ?? null, exception });
    else if (earlier?.flapping === true && !now.flapping) steady.push(finding);
    else if (earlier !== undefined)
      next.set(finding.fingerprint, { ...now, severity: earlier.severity, at: earlier.at });
  }
  return { fresh, steady, next };
}

/** For reported findings not worth reporting now: which are over, and what to keep on record for each. */
function absentOf(
  report: ClusterReport,
  reported: readonly ReportedFinding[],
): { readonly resolved: (ReportedFinding & { how: string })[]; readonly next: Map<string, ReportedFinding> } {
  const at = report.startedAt;
  const present = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  const resolutions = new Map(report.resolved.map((finding) => [finding.fingerprint, finding]));
  const resolved: (ReportedFinding & { how: string })[] = [];
  const next = new Map<string, ReportedFinding>();
  for (const each of reported) {
    const finding = present.get(each.fingerprint);
    if (finding !== undefined) {
      // Whoever set the exception knows the finding; when it ends, the finding is reported again.
      if (finding.suppressed === null) next.set(each.fingerprint, each);
      continue;
    }
    // A partial report, or one of an unreachable cluster, says nothing about what it does not mention.
    const isOver = report.scope === 'cluster' || resolutions.has(each.fingerprint);
    if (!each.gone && !isOver) next.set(each.fingerprint, each);
    else if (!each.gone) {
      next.set(each.fingerprint, { ...each, gone: true, changedAt: at, returns: returnsBy(each, at) });
      if (!each.flapping) resolved.push({ ...each, how: howOf(resolutions.get(each.fingerprint)) });
    } else if (!isStable(each, at)) next.set(each.fingerprint, each);
    else if (each.flapping) resolved.push({ ...each, how: 'it came and went, and is gone for a week' });
  }
  return { resolved, next };
}

/** All open findings, if one of them is due for a reminder. */
function reminderOf(
  open: readonly Finding[],
  next: ReadonlyMap<string, ReportedFinding>,
  { scope, startedAt }: ClusterReport,
  { reminderDays }: Thresholds,
): Finding[] {
  // Unexamined findings may no longer be open; the next full audit decides.
  if (scope !== 'cluster') return [];
  // A flapping finding is reported again once it was stable.
  const steadily = open.filter(({ fingerprint }) => next.get(fingerprint)?.flapping === false);
  const isDue = steadily.some(({ fingerprint }) => {
    const since = next.get(fingerprint)?.at;
    return since !== undefined && daysBetween(since, startedAt) >= reminderDays;
  });
  return isDue ? steadily : [];
}

/** Whether anybody needs to know. */
export function isNews(changes: Changes): boolean {
  const lists = ['fresh', 'resolved', 'steady', 'crossed', 'back', 'reminder', 'thresholdReminder'] as const;
  return (
    lists.some((part) => changes[part].length > 0) ||
    changes.gapSince !== null ||
    (changes.replaced ?? []).length > 0
  );
}

/**
 * The highest severity in a message, including resolved findings: subscribers to critical ones only also
 * learn when those are over. Thresholds and missed audits are high.
 */
export function worstOf(changes: Changes): Severity {
  const { fresh, resolved, steady, reminder, crossed, back, thresholdReminder, gapSince, replaced } = changes;
  const found = new Set(
    [...fresh.map(({ finding }) => finding), ...resolved, ...steady, ...reminder].map(
      ({ severity }) => severity,
    ),
  );
  const isHigh =
    crossed.length + back.length + thresholdReminder.length > 0 ||
    gapSince !== null ||
    (replaced ?? []).length > 0;
  return severities.find((severity) => found.has(severity) || (isHigh && severity === 'high')) ?? 'low';
}

/** What to record about a present finding: how often it came back without a stable week in between. */
function recordOf(finding: Finding, earlier: ReportedFinding | undefined, at: string): ReportedFinding {
  const { fingerprint, severity, check, object } = finding;
  const now = { fingerprint, severity, check, object, at, gone: false };
  if (earlier === undefined) return { ...now, changedAt: at, returns: 0, flapping: finding.flapping };
  // Carried over from a report before it was resolved: nobody saw it come back.
  if (finding.notSeen) return { ...earlier, check };
  if (!earlier.gone) {
    const flapping = earlier.flapping && !isStable(earlier, at);
    return { ...now, changedAt: earlier.changedAt, returns: returnsBy(earlier, at), flapping };
  }
  const returns = returnsBy(earlier, at) + 1;
  const flapping = earlier.flapping || isFlapping(returns);
  return { ...now, changedAt: at, returns, flapping };
}

/** Why a finding is reported now; null if it was already reported in this state. */
function reasonOf(
  finding: Finding,
  earlier: ReportedFinding | undefined,
  now: ReportedFinding,
  wasExcepted: boolean,
): Reason | null {
  if (earlier === undefined) {
    if (wasExcepted) return 'notExcepted';
    if (finding.flapping) return 'flapping';
    if (finding.state === 'new') return finding.flaps > 0 ? 'back' : 'new';
    return 'untold';
  }
  if (now.gone) return null;
  if (severities.indexOf(finding.severity) < severities.indexOf(earlier.severity)) return 'worse';
  if (now.flapping && !earlier.flapping) return 'flapping';
  return earlier.gone && !now.flapping ? 'back' : null;
}

function howOf(resolved: Finding | undefined): string {
  if (resolved === undefined) return 'it is gone';
  return `${resolved.resolution ?? 'it is gone'}; first seen ${resolved.firstSeen.slice(0, 10)}`;
}

function gap(before: string, at: string, expectedWithinHours: number | null): string | null {
  if (expectedWithinHours === null) return null;
  return Date.parse(at) - Date.parse(before) > expectedWithinHours * HOUR ? before : null;
}

function isMissed(thresholds: readonly { readonly key: string; readonly crossed: boolean }[]): boolean {
  return thresholds.some(({ key, crossed }) => key === AUDIT && crossed);
}
