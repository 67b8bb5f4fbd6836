/** What of a report is worth a message, given what was said before. Pure. docs/alerts.md says why each rule is. */
import { isFlapping, isStable, returnsBy } from '../model/changing.ts';
import type { Thresholds } from '../model/config.ts';
import { daysBetween } from '../model/days.ts';
import { counts, type Finding, isAtLeast, type Severity, severities } from '../model/finding.ts';
import type { ClusterReport } from '../model/report.ts';
import type { AlertRecord, Told } from './record.ts';
import { AUDIT, type Crossed, crossingsOf } from './thresholds.ts';

/** Why a finding is told now. `untold`: open for longer, but nobody was told, as when a message was lost. */
export type Reason = 'new' | 'back' | 'worse' | 'flapping' | 'notExcepted' | 'untold';

export type Fresh = {
  readonly finding: Finding;
  readonly reason: Reason;
  /** The severity that was told before. */
  readonly was: Severity | null;
  /** The exception that covered it until now. */
  readonly exception: AlertRecord['excepted'][number] | null;
};

export type Changes = {
  readonly fresh: readonly Fresh[];
  /** Of those that somebody was told of, each with why it is over. */
  readonly resolved: readonly (Told & { readonly how: string })[];
  /** Told as coming and going, and there for a week now. */
  readonly steady: readonly Finding[];
  readonly crossed: readonly Crossed[];
  readonly back: readonly Crossed[];
  /** What is open all the same, where it is time to say so again. */
  readonly reminder: readonly Finding[];
  readonly thresholdReminder: readonly Crossed[];
  /** When the last run was, where audits were left out since; null where none was. */
  readonly gapSince: string | null;
  /** What was told of another cluster under the same name, and ends with it; null where it is the same. */
  readonly replaced: readonly Told[] | null;
  /** Findings that are open and not mentioned. */
  readonly others: readonly Finding[];
  /** Of the record of this run. */
  readonly next: Pick<AlertRecord, 'uid' | 'at' | 'auditedAt' | 'told' | 'excepted' | 'thresholds'>;
};

/**
 * @param last - the cluster's last record; null when nothing was ever said
 * @param expectedWithinHours - a longer time between two runs is told; null leaves that to others
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
  const worth = worthTelling(report, thresholds);
  const told = new Map((before?.told ?? []).map((each) => [each.fingerprint, each]));
  const { fresh, steady, next: present } = presentOf(worth, told, before?.excepted ?? [], at);
  const notWorth = [...told.values()].filter(({ fingerprint }) => !present.has(fingerprint));
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
  const { next: crossings, ...thresholdNews } = crossingsOf(report, before, thresholds);
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
      auditedAt: isMissed(crossings) ? (before?.auditedAt ?? null) : at,
      told: [...next.values()].map((each) => (now.has(each.fingerprint) ? { ...each, at } : each)),
      excepted: report.findings.flatMap(({ fingerprint, suppressed }) =>
        suppressed === null ? [] : [{ fingerprint, owner: suppressed.owner, expires: suppressed.expires }],
      ),
      thresholds: [...crossings],
    },
  };
}

/** What counts and is bad enough, without what is told with its cause. */
function worthTelling(report: ClusterReport, { minSeverity }: Thresholds): Finding[] {
  const isWorth = (finding: Finding): boolean => counts(finding) && isAtLeast(finding.severity, minSeverity);
  const present = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  const isExplained = ({ partOf }: Finding): boolean => {
    const cause = partOf === null ? undefined : present.get(partOf);
    return cause !== undefined && isWorth(cause);
  };
  return report.findings.filter((finding) => isWorth(finding) && !isExplained(finding));
}

/** Of what is there: what is told now, and what the record says of each. */
function presentOf(
  worth: readonly Finding[],
  told: ReadonlyMap<string, Told>,
  exceptedBefore: AlertRecord['excepted'],
  at: string,
): { readonly fresh: Fresh[]; readonly steady: Finding[]; readonly next: Map<string, Told> } {
  const excepted = new Map(exceptedBefore.map((each) => [each.fingerprint, each]));
  const fresh: Fresh[] = [];
  const steady: Finding[] = [];
  const next = new Map<string, Told>();
  for (const finding of worth) {
    const earlier = told.get(finding.fingerprint);
    const now = toldOf(finding, earlier, at);
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

/** Of what was told and is not worth telling now: what is over, and what the record goes on to say of each. */
function absentOf(
  report: ClusterReport,
  told: readonly Told[],
): { readonly resolved: (Told & { how: string })[]; readonly next: Map<string, Told> } {
  const at = report.startedAt;
  const present = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  const resolutions = new Map(report.resolved.map((finding) => [finding.fingerprint, finding]));
  const resolved: (Told & { how: string })[] = [];
  const next = new Map<string, Told>();
  for (const each of told) {
    const finding = present.get(each.fingerprint);
    if (finding !== undefined) {
      // Who excepts a finding knows of it; when the exception ends it is told anew.
      if (finding.suppressed === null) next.set(each.fingerprint, each);
      continue;
    }
    // A report of a part, or of a cluster that was not reached, says nothing of what it does not mention.
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

/** All that is open, where one of them was told so long ago that it is time to say so again. */
function reminderOf(
  open: readonly Finding[],
  next: ReadonlyMap<string, Told>,
  { scope, startedAt }: ClusterReport,
  { reminderDays }: Thresholds,
): Finding[] {
  // Who was not looked at cannot be said to be open still; the next audit of the whole says it.
  if (scope !== 'cluster') return [];
  // What comes and goes is told again when it was stable.
  const steadily = open.filter(({ fingerprint }) => next.get(fingerprint)?.flapping === false);
  const isDue = steadily.some(({ fingerprint }) => {
    const since = next.get(fingerprint)?.at;
    return since !== undefined && daysBetween(since, startedAt) >= reminderDays;
  });
  return isDue ? steadily : [];
}

/** Whether anybody needs to hear of it. */
export function isNews(changes: Changes): boolean {
  const lists = ['fresh', 'resolved', 'steady', 'crossed', 'back', 'reminder', 'thresholdReminder'] as const;
  return (
    lists.some((part) => changes[part].length > 0) ||
    changes.gapSince !== null ||
    (changes.replaced ?? []).length > 0
  );
}

/**
 * The worst of what a message speaks of, also of what is resolved: whoever asked for critical ones only hears when they
 * are over. Thresholds and missing audits are high.
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

/** What is remembered of a finding that is there: how often it came back without being stable for a week in between. */
function toldOf(finding: Finding, earlier: Told | undefined, at: string): Told {
  const { fingerprint, severity, check, object } = finding;
  const now = { fingerprint, severity, check, object, at, gone: false };
  if (earlier === undefined) return { ...now, changedAt: at, returns: 0, flapping: finding.flapping };
  // Carried on from a report before it was resolved: it was not seen to be back.
  if (finding.notSeen) return { ...earlier, check };
  if (!earlier.gone) {
    const flapping = earlier.flapping && !isStable(earlier, at);
    return { ...now, changedAt: earlier.changedAt, returns: returnsBy(earlier, at), flapping };
  }
  const returns = returnsBy(earlier, at) + 1;
  const flapping = earlier.flapping || isFlapping(returns);
  return { ...now, changedAt: at, returns, flapping };
}

/** Why a finding is told now; null when it was told as it is. */
function reasonOf(
  finding: Finding,
  earlier: Told | undefined,
  now: Told,
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
  return Date.parse(at) - Date.parse(before) > expectedWithinHours * 3_600_000 ? before : null;
}

function isMissed(thresholds: readonly { readonly key: string; readonly crossed: boolean }[]): boolean {
  return thresholds.some(({ key, crossed }) => key === AUDIT && crossed);
}
