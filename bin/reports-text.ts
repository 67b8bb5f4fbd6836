/** Runs, differences and trends for a terminal. Pure; report content is printed as text only. */
import { last, type ReportDiff, type RunSummary, type Series } from '../lib/history/index.ts';
import { type Finding, objectName, severities } from '../lib/model/finding.ts';
import { printable } from '../lib/model/printable.ts';
import { type Fleet, plural, table, worstClusterFirst } from '../lib/report/index.ts';
import { sparkline } from './sparkline.ts';

/** A table, newest run first. */
export function listText(found: readonly RunSummary[], width?: number): string {
  if (found.length === 0) return 'No runs.\n';
  const rows = found.map((run) => [
    `${run.startedAt.slice(0, 16).replace('T', ' ')}`,
    `${printable(run.cluster, 60)}${run.scope === 'part' ? ' (part)' : ''}`,
    run.verdict,
    countsText(run.findings),
    String(run.resolved),
    nodesText(run),
    run.runId,
  ]);
  return table(
    [['started (UTC)', 'cluster', 'verdict', 'findings', 'resolved', 'nodes', 'run'], ...rows],
    width,
  );
}

function nodesText({ nodes }: Pick<RunSummary, 'nodes'>): string {
  const rest = (['partial', 'failed', 'skipped'] as const)
    .filter((result) => nodes[result] > 0)
    .map((result) => `, ${nodes[result]} ${result}`);
  return `${nodes.audited}${rest.join('')}`;
}

/** All clusters, worst first. */
export function fleetText(
  { rows }: Fleet,
  options: { readonly ascii: boolean; readonly width?: number | undefined },
): string {
  const scale = rows
    .flatMap((row) => row.orphans)
    .reduce<number>((most, each) => Math.max(most, each ?? 0), 0);
  const lines = rows
    .toSorted(worstClusterFirst)
    .map((row) => [
      printable(row.cluster, 60),
      row.verdict,
      String(row.new),
      String(row.resolved),
      countsText(row.findings),
      row.startedAt === null ? '' : nodesText(row),
      `${sparkline(row.orphans, { ascii: options.ascii, scale })} ${row.orphans.at(-1) ?? ''}`,
      row.startedAt?.slice(0, 16).replace('T', ' ') ?? '',
      row.note === null ? '' : printable(row.note, 200),
    ]);
  const heads = [
    'cluster',
    'verdict',
    'new',
    'resolved',
    'findings',
    'nodes',
    'leaked namespaces',
    'started (UTC)',
    '',
  ];
  return table([heads, ...lines], options.width);
}

function countsText(findings: RunSummary['findings']): string {
  return (
    severities
      .filter((severity) => findings[severity] > 0)
      .map((severity) => `${findings[severity]} ${severity}`)
      .join(', ') || '-'
  );
}

/** What `reports diff` prints. */
export function diffText(difference: ReportDiff): string {
  const { before, after, appeared, gone, changed, same, nodes, newChecks } = difference;
  const line = (finding: Finding): string =>
    `${finding.severity} ${printable(finding.check, 100)}  ${printable(objectName(finding.object), 300)}: ${printable(finding.title, 200)}`;
  const out = [
    heading(before),
    heading(after),
    ...(difference.otherCluster
      ? ['These are two clusters under one name: kube-system has another uid.']
      : []),
    ...(newChecks.length > 0
      ? [`The earlier audit did not have ${newChecks.map((each) => printable(each, 100)).join(', ')}.`]
      : []),
    ...(before.auditorVersion === after.auditorVersion
      ? []
      : [
          `By versions ${printable(before.auditorVersion, 40)} and ${printable(after.auditorVersion, 40)} of netns-auditor.`,
        ]),
    '',
    ...appeared.map((finding) => `+ ${line(finding)}`),
    ...changed.map((pair) => `! ${line(pair.after)} (was ${pair.before.severity})`),
    ...gone.map(
      (finding) =>
        `- ${line(finding)}${finding.resolution === null ? '' : ` (${printable(finding.resolution, 200)})`}`,
    ),
    ...nodes.map(
      (node) =>
        `  node ${printable(node.node, 253)}: ${node.before ?? 'not there'} -> ${node.after ?? 'not there'}`,
    ),
  ];
  if (appeared.length + gone.length + changed.length + nodes.length === 0) out.push('No difference.');
  if (same > 0) out.push('', `${plural(same, 'finding')} in both.`);
  return `${out.join('\n')}\n`;
}

function heading({ startedAt, verdict, runId, scope }: ReportDiff['before']): string {
  return `${startedAt} ${verdict} (${printable(runId, 60)}${scope === 'part' ? ', a part of the cluster' : ''})`;
}

/** One line per series, on one scale. */
export function trendText(
  title: string,
  all: readonly Series[],
  options: { readonly ascii: boolean; readonly limit: number; readonly width?: number | undefined },
): string {
  const shown = all.slice(0, options.limit);
  if (shown.length === 0)
    return 'No rows of nodes in that time (a sum leaves out audits of a part: --by node has them).\n';
  const known = shown.flatMap((each) => each.values.filter((value) => value !== null));
  const scale = known.reduce((most, value) => Math.max(most, value), 0);
  const rows = shown.map((each) => {
    const values = each.values.filter((value) => value !== null);
    const first = values[0] ?? 0;
    return [
      printable(each.name, 60),
      sparkline(each.values, { ascii: options.ascii, scale }),
      `${first} -> ${last(each)}`,
      `max ${values.reduce((most, value) => Math.max(most, value), 0)}`,
    ];
  });
  const rest = all.length - shown.length;
  return `${title}\n${table(rows, options.width)}${rest > 0 ? `and ${rest} more: --limit shows them\n` : ''}`;
}
