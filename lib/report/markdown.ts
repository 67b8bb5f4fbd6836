/** The report for an issue, a pull request or a wiki page. */
import { objectName } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import type { ClusterReport } from '../model/report.ts';
import { markdownText as text } from './escape.ts';
import { firstFound } from './first-found.ts';
import { type Group, groups, membersOf, stepsOf, whatOf } from './group.ts';
import { type AffectedPods, affectedPods, impactOf, impactOfAll } from './impact.ts';
import { datedStates, stateWord } from './states.ts';
import { coverageLine, severityCounts, unjudgedPods, unknownServices } from './summary.ts';

/** GitHub-flavored Markdown, for job summaries and comments. */
export function writeMarkdown(report: ClusterReport): string {
  const counts = severityCounts(report);
  const unjudged = unjudgedPods(report);
  const services = unknownServices(report);
  const impact = impactOfAll(report.findings);
  const out = [
    `# ${text(report.cluster.name)}: ${report.verdict}${counts === '' ? '' : ` (${counts})`}`,
    '',
    `${coverageLine(report)}; ${report.startedAt}; run \`${report.runId}\``,
    ...(impact === null ? [] : ['', text(impact, 1000)]),
    ...(unjudged === null ? [] : ['', text(unjudged, 4000)]),
    ...(services === null ? [] : ['', text(services, 1000)]),
  ];
  const together = affectedPods(report.findings);
  for (const group of groups(report).filter(({ lead }) => lead.suppressed === null))
    out.push('', ...groupLines(group, together));
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
        `| ${severity} ${text(check)}, ${text(objectName(object), 300)} | ` +
          `${text(exception?.expires ?? '')} | ${text(exception?.owner ?? '')} | ` +
          `${text(exception?.reason ?? '')} |`,
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

/** Objects to name per group; nobody reads a longer page. */
const OBJECTS = 100;
/** Steps of a group to show, and commands of a step. */
const COMMANDS = 20;

function groupLines(group: Group, together: AffectedPods): string[] {
  const { lead, symptoms } = group;
  const members = membersOf(group);
  const out = [
    `## ${lead.severity}: ${text(lead.check)}, ${text(whatOf(group))}`,
    '',
    members.length === 1
      ? `${text(lead.title)} (${datedStates(members)}, ${lead.flapping ? 'flapping, ' : ''}${lead.confidence}). ${text(lead.detail)}`
      : `${text(lead.title)} (${datedStates(members)}).`,
  ];
  const impact = impactOf(members, together);
  if (impact !== null) out.push('', text(impact, 1000));
  const began = firstFound(members);
  if (began !== null) out.push('', began);
  if (members.length > 1) {
    out.push('', '| object | state | first seen | what |', '|---|---|---|---|');
    for (const { object, state, flapping, firstSeen, detail } of members.slice(0, OBJECTS))
      out.push(
        `| ${text(objectName(object), 300)} | ${stateWord(state)}${flapping ? ', flapping' : ''} | ` +
          `${text(firstSeen.slice(0, 10))} | ${text(detail, 300)} |`,
      );
    if (members.length > OBJECTS) out.push('', `And ${members.length - OBJECTS} more.`);
  }
  if (symptoms.length > 0)
    out.push(
      '',
      `Explains ${symptoms.map((finding) => `${text(finding.check)} (${text(objectName(finding.object), 300)})`).join(', ')}.`,
    );
  if (lead.evidence.length > 0) {
    if (members.length > 1) out.push('', `Of ${text(objectName(lead.object))}:`);
    out.push('', '| what | expected | found | where |', '|---|---|---|---|');
    for (const { what, expected, actual, source } of lead.evidence)
      out.push(
        `| ${text(what, 300)} | ${text(expected ?? '', 300)} | ${text(actual, 300)} | ${text(source, 300)} |`,
      );
  }
  const steps = stepsOf(group);
  for (const { text: step, commands } of steps.slice(0, COMMANDS)) {
    out.push('', text(step));
    // An indented block cannot be closed from inside, as a fence can.
    if (commands.length > 0)
      out.push('', ...commands.slice(0, COMMANDS).map((each) => `    ${printable(each, 4000)}`));
    if (commands.length > COMMANDS) out.push('', `And ${commands.length - COMMANDS} more such commands.`);
  }
  if (steps.length > COMMANDS)
    out.push('', `And ${steps.length - COMMANDS} more steps: the JSON report has them all.`);
  return out;
}
