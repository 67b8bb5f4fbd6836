/** A message for programs: one JSON text that always fits into SNS. Pure. */
import type { AuditedObject, Finding } from '../model/finding.ts';
import { bySeverity } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import type { ClusterReport } from '../model/report.ts';
import { type Changes, worstOf } from './changes.ts';
import type { ReportLinks } from './links.ts';

/** Entries of each kind; fewer if those are too large. */
const ENTRIES = [50, 20, 5, 0];
/**
 * Size as text inside the JSON of SNS, which allows 256 KiB for all bodies together and holds this one up to
 * three times.
 */
const LARGEST_BYTES = 60_000;

/** The message for programs, as JSON within the size limit of SNS. */
export function jsonOf(report: ClusterReport, changes: Changes, links: ReportLinks): string {
  const texts = ENTRIES.map((entries) => JSON.stringify(bodyOf(report, changes, links, entries)));
  return (
    texts.find((text) => Buffer.byteLength(JSON.stringify(text)) <= LARGEST_BYTES) ?? texts.at(-1) ?? '{}'
  );
}

function bodyOf(report: ClusterReport, changes: Changes, links: ReportLinks, entries: number): object {
  const { fresh, resolved, steady, crossed, back, reminder, thresholdReminder, gapSince, replaced } = changes;
  const lists = [fresh, resolved, steady, crossed, back, thresholdReminder];
  const texts = (list: Changes['crossed']): string[] =>
    list.slice(0, entries).map(({ text }) => printable(text, 500));
  const { name, uid, version } = report.cluster;
  return {
    schemaVersion: 1,
    kind: 'Alert',
    cluster: { name: printable(name, 200), uid: printable(uid, 100), version: printable(version, 100) },
    runId: report.runId,
    verdict: report.verdict,
    severity: worstOf(changes),
    new: fresh
      .toSorted((a, b) => bySeverity(a.finding, b.finding))
      .slice(0, entries)
      .map(({ finding, reason, was }) => ({ reason, was, ...findingOf(finding) })),
    resolved: resolved
      .toSorted(bySeverity)
      .slice(0, entries)
      .map(({ fingerprint, check, severity, object, how }) => ({
        fingerprint,
        check,
        severity,
        object: objectOf(object),
        how: printable(how, 500),
      })),
    stays: steady.toSorted(bySeverity).slice(0, entries).map(findingOf),
    crossed: texts(crossed),
    backToNormal: texts(back),
    stillOpen: reminder.length,
    stillCrossed: texts(thresholdReminder),
    noAuditSince: gapSince,
    otherCluster: replaced !== null,
    truncated: lists.some(({ length }) => length > entries),
    report: links,
  };
}

function findingOf(finding: Finding): object {
  const { fingerprint, check, severity, confidence, title, firstSeen, flapping } = finding;
  return {
    fingerprint,
    check,
    severity,
    confidence,
    object: objectOf(finding.object),
    title: printable(title, 200),
    detail: printable(finding.detail, 500),
    ...(finding.serves === undefined
      ? {}
      : { serves: finding.serves.slice(0, 10).map((service) => printable(service, 320)) }),
    firstSeen,
    flapping,
    remedy: finding.remedy.slice(0, 3).map(({ purpose, text, command }) => ({
      purpose,
      text: printable(text, 300),
      // Half a command is worse than none.
      ...(command === undefined || command.length > 400 ? {} : { command: printable(command, 4000) }),
    })),
  };
}

/** An object with printable names, whatever a node calls things. */
export function objectOf(object: AuditedObject): AuditedObject {
  const { kind, namespace, name, node, path } = object;
  return {
    kind,
    ...(namespace === undefined ? {} : { namespace: printable(namespace, 300) }),
    name: printable(name, 300),
    ...(node === undefined ? {} : { node: printable(node, 300) }),
    ...(path === undefined ? {} : { path: printable(path, 300) }),
  };
}
