/** Events for programs that act on single findings: one per changed finding, and one for the audit. Pure. */
import * as z from 'zod';
import { clusterSummary } from '../model/cluster-summary.ts';
import { auditedObjectSchema, bySeverity, confidences, type Finding, severities } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import { type ClusterReport, reportSchema, verdicts } from '../model/report.ts';
import type { Changes } from './changes.ts';
import { objectOf } from './json.ts';
import type { ReportLinks } from './links.ts';

/** Findings of one run that get an event, worst first: a function has no time for more. */
const MOST_EVENTS = 5_000;

const common = {
  schemaVersion: z.literal(1),
  id: z
    .string()
    .describe(
      'The same if the event is sent again, which can happen when a function fails after sending it.',
    ),
  cluster: z.object({ name: z.string(), uid: z.string().describe('UID of the namespace kube-system.') }),
  runId: z.string(),
  at: z.string().describe('When the audit began, as ISO 8601.'),
  report: z.object({
    page: z.string().nullable().describe('URL of the page in the AWS console.'),
    command: z.string().describe('A command that shows the report.'),
  }),
};

const changeKinds = ['new', 'back', 'worse', 'flapping', 'notExcepted', 'untold', 'resolved'] as const;

export const findingEventSchema = z.object({
  ...common,
  change: z
    .enum(changeKinds)
    .describe(
      '`back`: it was resolved before. `worse`: its severity rose. `flapping`: it comes and goes. ' +
        '`notExcepted`: its exception ended. `untold`: open for longer, but no event was sent. `resolved`: ' +
        'it is gone or excepted; `how` says which.',
    ),
  was: z.enum(severities).nullable().describe('Severity that was reported before.'),
  how: z.string().nullable().describe('Why it is resolved.'),
  finding: z.object({
    fingerprint: z.string().describe('The same for as long as the fault lasts.'),
    check: z.string(),
    severity: z.enum(severities),
    object: auditedObjectSchema,
    confidence: z.enum(confidences).optional(),
    title: z.string().optional(),
    detail: z.string().optional(),
    firstSeen: z.string().optional(),
  }),
});

export const auditEventSchema = z.object({
  ...common,
  verdict: z.enum(verdicts),
  scope: reportSchema.shape.scope,
  findings: z.record(z.enum(severities), z.number().int()).describe('Open findings by severity.'),
  changed: z.number().int().describe('Findings that changed.'),
  sent: z.number().int().describe('Those with an event of their own: 5,000 at most.'),
});

/** An entry for the default event bus: `detail-type` and `detail`; the source is `netns-auditor`. */
export type BusEvent =
  | { readonly type: 'Finding changed'; readonly detail: z.infer<typeof findingEventSchema> }
  | { readonly type: 'Cluster audited'; readonly detail: z.infer<typeof auditEventSchema> };

/** Events of one run, in sending order: findings, worst first, then the audit. */
export function eventsOf(report: ClusterReport, changes: Changes, links: ReportLinks): BusEvent[] {
  const { runId, startedAt: at, cluster } = report;
  const head = (id: string) => ({
    schemaVersion: 1 as const,
    id: `${runId}/${id}`,
    cluster: { name: printable(cluster.name, 200), uid: printable(cluster.uid, 100) },
    runId,
    at,
    report: { page: links.page, command: links.command },
  });
  const found = changes.fresh.map(({ finding, reason, was }) => ({
    ...head(`${finding.fingerprint}/${reason}`),
    change: reason,
    was,
    how: null,
    finding: findingOf(finding),
  }));
  const over = changes.resolved.map(({ fingerprint, check, severity, object, how }) => ({
    ...head(`${fingerprint}/resolved`),
    change: 'resolved' as const,
    was: severity,
    how: printable(how, 500),
    finding: { fingerprint, check, severity, object: objectOf(object) },
  }));
  const all = [...found, ...over].toSorted((a, b) => bySeverity(a.finding, b.finding));
  const sent = all.slice(0, MOST_EVENTS);
  return [
    ...sent.map((detail) => ({ type: 'Finding changed' as const, detail })),
    {
      type: 'Cluster audited',
      detail: {
        ...head('audit'),
        verdict: report.verdict,
        scope: report.scope,
        findings: clusterSummary(report).findings,
        changed: all.length,
        sent: sent.length,
      },
    },
  ];
}

function findingOf(finding: Finding): z.infer<typeof findingEventSchema>['finding'] {
  const { fingerprint, check, severity, confidence, firstSeen } = finding;
  return {
    fingerprint,
    check,
    severity,
    object: objectOf(finding.object),
    confidence,
    title: printable(finding.title, 200),
    detail: printable(finding.detail, 1000),
    firstSeen,
  };
}
