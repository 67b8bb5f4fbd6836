/** Runs, differences and trends for a terminal. Pure; what reports say is printed as text only. */
import { last, type ReportDiff, type RunSummary, type Series } from '../lib/history/index.ts';
import { type Finding, severities } from '../lib/model/finding.ts';
import { objectName, plural, printable } from '../lib/report/index.ts';
import { sparkline } from './sparkline.ts';

/** A table, newest run first. */
export function listText(found: readonly RunSummary[]): string {
  if (found.length === 0) return 'No runs.\n';
  const rows = found.map((run) => [
    `${run.startedAt.slice(0, 16).replace('T', ' ')}`,
    `${printable(run.cluster, 60)}${run.scope === 'part' ? ' (part)' : ''}`,
    run.verdict,
    severities
      .filter((severity) => run.findings[severity] > 0)
      .map((severity) => `${run.findings[severity]} ${severity}`)
      .join(', ') || '-',
    String(run.resolved),
    nodesText(run),
    run.runId,
  ]);
  return table([['started (UTC)', 'cluster', 'verdict', 'findings', 'resolved', 'nodes', 'run'], ...rows]);
}

function nodesText({ nodes }: RunSummary): string {
  const rest = (['partial', 'failed', 'skipped'] as const)
    .filter((result) => nodes[result] > 0)
    .map((result) => `, ${nodes[result]} ${result}`);
  return `${nodes.audited}${rest.join('')}`;
}

/** Cells in columns; what comes from reports has to be printable already. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (most, row) => row.map((cell, column) => Math.max(most[column] ?? 0, cell.length)),
    [],
  );
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

export function diffText(difference: ReportDiff): string {
  const { before, after, appeared, gone, changed, same, nodes } = difference;
  const line = (finding: Finding): string =>
    `${finding.severity} ${printable(finding.check, 100)}  ${printable(objectName(finding.object), 300)}: ${printable(finding.title, 200)}`;
  const out = [
    `${before.startedAt} ${before.verdict} (${printable(before.runId, 60)})`,
    `${after.startedAt} ${after.verdict} (${printable(after.runId, 60)})`,
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

/** One line for each series, on one scale. */
export function trendText(
  title: string,
  all: readonly Series[],
  options: { readonly ascii: boolean; readonly limit: number },
): string {
  const shown = all.slice(0, options.limit);
  if (shown.length === 0) return 'No rows of nodes in that time.\n';
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
  return `${title}\n${table(rows)}${rest > 0 ? `and ${rest} more: --limit shows them\n` : ''}`;
}
