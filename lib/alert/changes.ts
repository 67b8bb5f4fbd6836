/** What of a report is worth a message, given what was said before. Pure. */
import { z } from 'zod';
import type { Thresholds } from '../model/config.ts';
import { type Finding, findingSchema, isAtLeast, type Severity, severities } from '../model/finding.ts';
import type { ClusterReport } from '../model/report.ts';

const toldSchema = findingSchema.pick({ fingerprint: true, severity: true, check: true, object: true });

/** What the store keeps of each run's message, or of its silence. */
export const alertRecordSchema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal('AlertRecord'),
  runId: z.string(),
  cluster: z.string(),
  at: z.iso.datetime().describe('When the run began.'),
  message: z
    .object({ id: z.string(), to: z.string(), subject: z.string(), text: z.string() })
    .nullable()
    .describe('Null when there was nothing to say.'),
  lastMessageAt: z.iso.datetime().nullable(),
  told: z.array(toldSchema).describe('Findings that somebody was told of and that are open.'),
  crossed: z.array(z.string()).describe('Thresholds that are crossed.'),
});
export type AlertRecord = z.infer<typeof alertRecordSchema>;
export type Told = z.infer<typeof toldSchema>;

export type Changes = {
  /** New, worsened, or of an earlier run whose message was not delivered. */
  readonly fresh: readonly Finding[];
  /** Of those that somebody was told of. */
  readonly resolved: readonly Told[];
  /** Thresholds crossed since the last message, in words. */
  readonly crossed: readonly string[];
  /** What is open all the same, where it is time to say so again. */
  readonly reminder: readonly Finding[];
  /** Of the record of this run. */
  readonly next: Pick<AlertRecord, 'told' | 'crossed'>;
};

const DAY_MILLISECONDS = 86_400_000;

/** @param before - the cluster's last record; null when nothing was ever said */
export function changesOf(
  report: ClusterReport,
  before: AlertRecord | null,
  thresholds: Thresholds,
): Changes {
  const told = new Map((before?.told ?? []).map((each) => [each.fingerprint, each]));
  const open = report.findings.filter(
    (finding) => finding.state !== 'pending' && finding.suppressed === null,
  );
  const worth = open.filter((finding) => isAtLeast(finding.severity, thresholds.minSeverity));
  const fresh = worth.filter((finding) => {
    const earlier = told.get(finding.fingerprint);
    return (
      earlier === undefined || severities.indexOf(finding.severity) < severities.indexOf(earlier.severity)
    );
  });
  const still = new Set(report.findings.map((finding) => finding.fingerprint));
  const gone = new Set(report.resolved.map((finding) => finding.fingerprint));
  // A report of a part, or of a cluster that was not reached, says nothing of what it does not mention.
  const isOver = (each: Told): boolean =>
    report.scope === 'cluster' ? !still.has(each.fingerprint) : gone.has(each.fingerprint);
  const resolved = [...told.values()].filter(isOver);
  const now = crossings(report, thresholds);
  const crossed = [...now].filter(([key]) => !(before?.crossed ?? []).includes(key)).map(([, text]) => text);
  const quietSince = before?.lastMessageAt ?? null;
  const due =
    quietSince !== null &&
    Date.parse(report.startedAt) - Date.parse(quietSince) >= thresholds.reminderDays * DAY_MILLISECONDS;
  const reminder = due ? worth.filter((finding) => !fresh.includes(finding)) : [];
  const kept = [...told.values()].filter(
    (each) => !isOver(each) && !fresh.some((finding) => finding.fingerprint === each.fingerprint),
  );
  return {
    fresh,
    resolved,
    crossed,
    reminder,
    next: { told: [...kept, ...fresh.map(asTold)], crossed: [...now.keys()] },
  };
}

export function isNews(changes: Changes): boolean {
  return (['fresh', 'resolved', 'crossed', 'reminder'] as const).some((part) => changes[part].length > 0);
}

/** The worst of what a message says; a resolved finding is good news, a crossed threshold at least high. */
export function worstOf(changes: Changes): Severity {
  const worst = Math.min(
    ...[...changes.fresh, ...changes.reminder].map((finding) => severities.indexOf(finding.severity)),
    changes.crossed.length > 0 ? severities.indexOf('high') : severities.length - 1,
  );
  return severities[worst] ?? 'low';
}

/** Thresholds that are crossed: a key that stays the same from run to run, and the values in words. */
function crossings(report: ClusterReport, thresholds: Thresholds): Map<string, string> {
  const found = new Map<string, string>();
  for (const node of report.nodes) {
    if (node.orphans !== null && node.orphans > thresholds.orphansPerNode) {
      found.set(
        `orphans ${node.node}`,
        `${node.node} has ${node.orphans} orphaned namespaces (more than ${thresholds.orphansPerNode})`,
      );
    }
    const { namespaces, limit } = node;
    if (namespaces !== null && limit !== null && namespaces > limit * thresholds.namespaceShare) {
      found.set(
        `namespaces ${node.node}`,
        `${node.node} has ${namespaces} network namespaces of at most ${limit}`,
      );
    }
  }
  const wanted = report.coverage.nodes.filter((node) => node.result !== 'skipped');
  const share = coverageShare(report);
  if (share < thresholds.coverage) {
    const first = wanted.find((node) => node.result !== 'audited');
    const why = first === undefined ? '' : `: ${first.node}: ${first.reason ?? first.result}`;
    found.set(
      'coverage',
      `${wanted.filter((node) => node.result === 'audited').length} of ${wanted.length} nodes were fully audited (less than ${thresholds.coverage * 100} %)${why}`,
    );
  }
  return found;
}

/** Share of the nodes that were to be audited and were, in whole: 0 to 1. */
export function coverageShare(report: ClusterReport): number {
  const wanted = report.coverage.nodes.filter((node) => node.result !== 'skipped');
  if (wanted.length === 0) return 1;
  return wanted.filter((node) => node.result === 'audited').length / wanted.length;
}

function asTold({ fingerprint, severity, check, object }: Finding): Told {
  return { fingerprint, severity, check, object };
}
