/** One message about all clusters of a run, for those who want a single one. Pure. */
import type { ClusterSummary } from '../model/cluster-summary.ts';
import { severities } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import { clipped, plural } from '../report/index.ts';
import { chatOf } from './chat.ts';
import type { ReportLinks } from './links.ts';
import { MAIL_COLUMNS, mailOf, type Section, subjectOf } from './mail.ts';
import type { Message } from './message.ts';

/** The outcome for one cluster. `lost`: it has no report, or its message was not sent. */
export type ClusterLine =
  | (Omit<ClusterSummary, 'nodes'> & { readonly lost: false; readonly reached: boolean })
  | { readonly cluster: string; readonly lost: true; readonly reason: string };

/** Worst first. */
const groups = ['without a report', 'not audited', 'critical', 'incomplete', 'degraded', 'healthy'] as const;

/** The message about all clusters of a run, worst first. */
export function digestOf(
  { runId, clusters }: { readonly runId: string; readonly clusters: readonly ClusterLine[] },
  links: ReportLinks,
): Message {
  const byGroup = Map.groupBy(clusters, groupOf);
  const counts = groups
    .map((group) => [byGroup.get(group)?.length ?? 0, group] as const)
    .filter(([count]) => count > 0)
    .map(([count, group]) => `${count} ${group}`)
    .join(', ');
  const sections = groups
    .map(
      (group): Section => ({
        title: `${group.slice(0, 1).toUpperCase()}${group.slice(1)}:`,
        entries: (byGroup.get(group) ?? [])
          .toSorted((a, b) => (a.cluster < b.cluster ? -1 : 1))
          .map((each) => ({ line: clipped(`  ${line(each)}`, MAIL_COLUMNS), more: [] })),
      }),
    )
    .filter(({ entries }) => entries.length > 0);
  const head = [`${plural(clusters.length, 'cluster')}: ${counts}.`];
  const severity = worstOf(clusters);
  const subject = subjectOf(`netns-audit: ${plural(clusters.length, 'cluster')}: ${counts}`);
  return {
    subject,
    text: mailOf(head, sections, [
      'Reports:',
      `  ${links.command}`,
      ...(links.page === null ? [] : [`  ${links.page}`]),
    ]),
    json: JSON.stringify({
      schemaVersion: 1,
      kind: 'Digest',
      runId,
      severity,
      clusters: clusters.map((each) => ({
        ...each,
        cluster: printable(each.cluster, 200),
        ...(each.lost ? { reason: printable(each.reason, 300) } : {}),
      })),
      report: links,
    }),
    chat: chatOf({
      title: subject,
      head,
      sections,
      commands: [],
      cluster: 'all clusters',
      severity,
      runId,
      links,
    }),
    alerts: [],
    attributes: {
      kind: 'digest',
      severity,
      cluster: '*',
      newFindings: clusters.reduce((sum, each) => sum + (each.lost ? 0 : each.new), 0),
      checks: [],
    },
  };
}

function groupOf(each: ClusterLine): (typeof groups)[number] {
  if (each.lost) return 'without a report';
  return each.reached ? each.verdict : 'not audited';
}

function line(each: ClusterLine): string {
  const name = printable(each.cluster, 100);
  if (each.lost) return `${name}: ${printable(each.reason, 200)}`;
  const parts = [
    ...severities
      .filter((severity) => each.findings[severity] > 0)
      .map((severity) => `${each.findings[severity]} ${severity}`),
  ];
  const fresh = each.new > 0 ? `${each.new} of them new` : '';
  const said = [parts.join(', '), fresh, each.resolved > 0 ? `${each.resolved} resolved` : ''];
  const words = said.filter((part) => part !== '').join('; ');
  return words === '' ? name : `${name}: ${words}`;
}

function worstOf(clusters: readonly ClusterLine[]): string {
  const found = clusters.map((each) =>
    each.lost || !each.reached
      ? severities.indexOf('high')
      : Math.max(
          0,
          severities.findIndex((severity) => each.findings[severity] > 0),
        ) + (severities.some((severity) => each.findings[severity] > 0) ? 0 : severities.length - 1),
  );
  return severities[Math.min(severities.length - 1, ...found)] ?? 'low';
}
