/**
 * The report in Prometheus' text format 0.0.4, for a Pushgateway or node_exporter's textfile collector: gauges without
 * timestamps (both refuse them) and without the run's id (every run would create new series).
 */
import { findingStates, severities } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import { type ClusterReport, nodeResults, verdicts } from '../model/report.ts';

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** The whole exposition, with a HELP and TYPE line for each metric. Long, as it is the list of all metrics. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: see the docstring.
export function writePrometheus(report: ClusterReport): string {
  const cluster = { cluster: report.cluster.name };
  const perNode = (value: (node: ClusterReport['nodes'][number]) => number | null): Sample[] =>
    report.nodes.flatMap((node) => {
      const number = value(node);
      return number === null ? [] : [[{ ...cluster, node: node.node }, number] as const];
    });
  const perCheck = (value: (check: ClusterReport['coverage']['checks'][number]) => number): Sample[] =>
    report.coverage.checks.map((check) => [
      { ...cluster, check: check.check, topic: check.topic },
      value(check),
    ]);
  const counted = Map.groupBy(
    report.findings,
    (finding) => `${finding.severity} ${finding.suppressed === null ? finding.state : 'suppressed'}`,
  );
  const states = [...findingStates.filter((state) => state !== 'resolved'), 'suppressed'];
  return [
    family('netns_audit_last_run_timestamp_seconds', 'When the audit ended.', [
      [cluster, Date.parse(report.finishedAt) / 1000],
    ]),
    family('netns_audit_duration_seconds', 'How long the audit took.', [
      [cluster, (Date.parse(report.finishedAt) - Date.parse(report.startedAt)) / 1000],
    ]),
    family(
      'netns_audit_verdict',
      '1 for the verdict of the audit, 0 for the others.',
      verdicts.map((verdict) => [{ ...cluster, verdict }, report.verdict === verdict ? 1 : 0]),
    ),
    family(
      'netns_audit_findings',
      'Findings by severity and state.',
      severities.flatMap((severity) =>
        states.map(
          (state): Sample => [
            { ...cluster, severity, state },
            counted.get(`${severity} ${state}`)?.length ?? 0,
          ],
        ),
      ),
    ),
    family('netns_audit_resolved_findings', 'Findings resolved since the audit before.', [
      [cluster, report.resolved.length],
    ]),
    family(
      'netns_audit_nodes',
      'Nodes by how the audit of them ended.',
      nodeResults.map((result) => [
        { ...cluster, result },
        report.coverage.nodes.filter((node) => node.result === result).length,
      ]),
    ),
    family(
      'netns_audit_check_examined',
      'Objects that a check passed or failed.',
      perCheck((check) => check.examined),
    ),
    family(
      'netns_audit_check_failed',
      'Objects that a check failed.',
      perCheck((check) => check.failed),
    ),
    family(
      'netns_audit_check_unknown',
      'Objects that a check could not judge.',
      perCheck((check) => check.unknown),
    ),
    family(
      'netns_audit_node_pods',
      'Pods of a node.',
      perNode((node) => node.pods),
    ),
    family(
      'netns_audit_node_network_namespaces',
      'Network namespaces of a node, its own left out.',
      perNode((node) => node.namespaces),
    ),
    family(
      'netns_audit_node_orphaned_namespaces',
      'Network namespaces that no pod owns.',
      perNode((node) => node.orphans),
    ),
    family(
      'netns_audit_node_network_namespaces_limit',
      'user.max_net_namespaces of a node.',
      perNode((node) => node.limit),
    ),
    family(
      'netns_audit_node_probe_seconds',
      'How long the probe of a node took.',
      perNode((node) => (node.probeMs === null ? null : node.probeMs / 1000)),
    ),
  ].join('');
}

/** Lines of one metric; empty if it has no sample. */
function family(name: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(([labels, value]) => {
    const text = Object.entries(labels).map(([label, each]) => `${label}="${labelValue(each)}"`);
    return `${name}{${text.join(',')}} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

function labelValue(text: string): string {
  return printable(text.toWellFormed(), 300).replaceAll('\\', '\\\\').replaceAll('"', '\\"');
}
