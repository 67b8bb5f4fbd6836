/** The report for an issue, a pull request or a wiki page. */

import { printable } from '../model/printable.ts';
import type { ClusterReport } from '../model/report.ts';
import { markdownText as text } from './escape.ts';
import { groups, objectName } from './group.ts';
import { coverageLine, severityCounts, youngPods } from './summary.ts';

export function writeMarkdown(report: ClusterReport): string {
  const counts = severityCounts(report);
  const out = [
    `# ${text(report.cluster.name)}: ${report.verdict}${counts === '' ? '' : ` (${counts})`}`,
    '',
    `${coverageLine(report)}; ${report.startedAt}; run \`${report.runId}\``,
    ...(youngPods(report) === null ? [] : ['', youngPods(report)]),
  ];
  const all = groups(report);
  for (const { lead, alike, symptoms } of all.filter((group) => group.lead.suppressed === null)) {
    out.push(
      '',
      `## ${lead.severity}: ${text(lead.check)}, ${text(objectName(lead.object))}`,
      '',
      `${text(lead.title)} (${lead.state}, ${lead.flapping ? 'flapping, ' : ''}${lead.confidence}). ${text(lead.detail)}`,
    );
    if (alike.length > 0)
      out.push(
        '',
        `The same on ${alike.map((finding) => text(objectName(finding.object), 300)).join(', ')}.`,
      );
    if (symptoms.length > 0)
      out.push(
        '',
        `Explains ${symptoms.map((finding) => `${text(finding.check)} (${text(objectName(finding.object), 300)})`).join(', ')}.`,
      );
    if (lead.evidence.length > 0) {
      out.push('', '| what | expected | found | where |', '|---|---|---|---|');
      for (const { what, expected, actual, source } of lead.evidence)
        out.push(
          `| ${text(what, 300)} | ${text(expected ?? '', 300)} | ${text(actual, 300)} | ${text(source, 300)} |`,
        );
    }
    for (const step of lead.remedy) {
      out.push('', text(step.text));
      // An indented block cannot be closed from inside, as a fence can.
      if (step.command !== undefined) out.push('', `    ${printable(step.command, 4000)}`);
    }
  }
  const suppressed = report.findings.filter((finding) => finding.suppressed !== null);
  if (suppressed.length > 0) {
    out.push(
      '',
      '## Suppressed by exceptions',
      '',
      '| finding | until | owner | reason |',
      '|---|---|---|---|',
    );
    for (const { severity, check, object, suppressed: exception } of suppressed)
      out.push(
        `| ${severity} ${text(check)}, ${text(objectName(object), 300)} | ${text(exception?.expires ?? '')} | ${text(exception?.owner ?? '')} | ${text(exception?.reason ?? '')} |`,
      );
  }
  const gaps = report.coverage.nodes.filter((node) => node.result !== 'audited');
  if (gaps.length > 0) {
    out.push(
      '',
      '## Not (fully) audited',
      '',
      '| node | result | reason | what to do |',
      '|---|---|---|---|',
    );
    for (const node of gaps)
      out.push(
        `| ${text(node.node)} | ${node.result} | ${text(node.reason ?? '')} | ${text(node.remedy ?? '')} |`,
      );
  }
  const unknown = report.coverage.checks.filter((check) => check.unknown > 0);
  if (unknown.length > 0)
    out.push(
      '',
      '## Could not be decided',
      '',
      ...unknown.map(
        (check) => `- ${text(check.check)} (${check.unknown}): ${text(check.reasons.join('; '))}`,
      ),
    );
  if (report.resolved.length > 0)
    out.push(
      '',
      '## Resolved',
      '',
      ...report.resolved.map(
        (finding) =>
          `- ${text(finding.check)}, ${text(objectName(finding.object))}: ${text(finding.resolution ?? '')}`,
      ),
    );
  return `${out.join('\n')}\n`;
}
