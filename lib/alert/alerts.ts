/** The current state, for Alertmanager: one alert per reported finding and per crossed threshold. Pure. */
import { DAY } from '../model/days.ts';
import { objectName } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import type { ClusterReport } from '../model/report.ts';
import type { Changes } from './changes.ts';
import type { ReportLinks } from './links.ts';
import type { ReportedFinding } from './record.ts';

/** The body of `POST /api/v2/alerts`: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml */
export type Alert = {
  /** Together they identify the alert in Alertmanager: they stay the same while it is open. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly startsAt: string;
  /** ISO 8601; in the future for open alerts, in the past for resolved ones. */
  readonly endsAt: string;
  readonly generatorURL?: string;
};

/**
 * @param reminderDays - open alerts are sent again sooner; when no run sends one for longer, Alertmanager
 *   drops it a day later
 */
export function alertsOf(
  report: ClusterReport,
  changes: Changes,
  links: ReportLinks,
  reminderDays: number,
): Alert[] {
  const { at, told, thresholds } = changes.next;
  const cluster = printable(report.cluster.name, 200);
  const later = new Date(Date.parse(at) + (reminderDays + 1) * DAY).toISOString();
  const findings = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  const link = links.page === null ? {} : { generatorURL: links.page };
  const alertOf = (each: ReportedFinding, endsAt: string): Alert => {
    const { fingerprint, check, severity, object } = each;
    const finding = findings.get(fingerprint);
    const [remedy] = finding?.remedy ?? [];
    return {
      labels: {
        alertname: check,
        source: 'netns-audit',
        cluster,
        severity,
        kind: object.kind,
        ...(object.namespace === undefined ? {} : { namespace: printable(object.namespace, 300) }),
        // A pod may move, so its node is not part of its identity.
        object: printable(object.name, 300),
        fingerprint,
      },
      annotations: {
        summary: printable(`${finding?.title ?? check}: ${objectName(object)}`, 300),
        ...(finding === undefined ? {} : { description: printable(finding.detail, 1000) }),
        ...(object.node === undefined ? {} : { node: printable(object.node, 300) }),
        ...(remedy === undefined ? {} : { remedy: printable(remedy.command ?? remedy.text, 1000) }),
        report: links.command,
      },
      startsAt: finding?.firstSeen ?? each.changedAt,
      endsAt,
      ...link,
    };
  };
  return [
    ...told.map((each) => alertOf(each, each.gone ? each.changedAt : later)),
    // A new severity makes a new alert: the one before ends.
    ...changes.fresh.flatMap(({ finding, was }) =>
      was === null || was === finding.severity
        ? []
        : [alertOf({ ...recordOf(finding, at), severity: was }, at)],
    ),
    ...(changes.replaced ?? []).map((each) => alertOf(each, at)),
    ...thresholds.map(({ key, crossed, changedAt }) => ({
      labels: {
        alertname: 'threshold-crossed',
        source: 'netns-audit',
        cluster,
        severity: 'high',
        threshold: printable(key, 300),
      },
      annotations: { summary: printable(`Threshold crossed: ${key}`, 300), report: links.command },
      startsAt: changedAt,
      endsAt: crossed ? later : changedAt,
      ...link,
    })),
  ];
}

function recordOf(
  { fingerprint, severity, check, object }: ClusterReport['findings'][number],
  at: string,
): ReportedFinding {
  return { fingerprint, severity, check, object, at, gone: true, changedAt: at, returns: 0, flapping: false };
}
