/** Nodes × topics in words: the nodes with the worst findings, each cell linked to its worst finding. */
import { type Finding, isAtLeast, nodeOf, topics } from '../../model/finding.ts';
import type { ClusterReport } from '../../model/report.ts';
import { xmlText as text } from '../escape.ts';
import { plural } from '../summary.ts';
import { anchor, tag } from './finding.ts';
import { heatMap } from './heat-map.ts';

/** More rows become a picture: {@link heatMap}. */
const ROWS = 20;

/** @param shown - active findings, worst first */
export function nodeMap(report: ClusterReport, shown: readonly Finding[]): string {
  const gaps = new Map(
    report.coverage.nodes.filter((node) => node.result !== 'audited').map((node) => [node.node, node.result]),
  );
  const byNode = Map.groupBy(shown, nodeOf);
  // Map.groupBy keeps the order of first appearance: the node with the worst finding is first.
  const names = [...new Set([...byNode.keys(), ...gaps.keys()])];
  const clean = report.coverage.nodes.length - names.filter((name) => name !== '').length;
  if (names.length === 0)
    return `<p>No findings on ${clean === 1 ? 'the one node' : `any of ${plural(clean, 'node')}`}.</p>\n`;
  const columns = topics.filter((topic) => shown.some((finding) => finding.topic === topic));
  const rows = names.slice(0, ROWS).map((name) => {
    const gap = gaps.get(name);
    const byTopic = Map.groupBy(byNode.get(name) ?? [], (finding) => finding.topic);
    const cells = columns.map((topic) => cell(name, byTopic.get(topic) ?? []));
    return (
      `<tr><th scope="row"><bdi>${text(name || 'the cluster', 253)}</bdi>` +
      `${gap === undefined ? '' : ` <a href="#coverage">${tag(gap)}</a>`}</th>${cells.join('')}</tr>`
    );
  });
  const heads = columns.map((topic) => `<th scope="col"><span>${topic}</span></th>`);
  const rest = [
    ...(names.length > ROWS
      ? [`${plural(names.length - ROWS, 'more node')} with findings, or not audited`]
      : []),
    ...(clean > 0 ? [`${plural(clean, 'node')} without findings`] : []),
  ];
  const legend =
    '<p class="muted">Each cell counts the findings with the worst severity, and after the + all others. ' +
    'Click a cell to see its findings.' +
    `${columns.length > 3 ? ' <span class="sideways">Scroll the map sideways to see all topics.</span>' : ''}</p>\n`;
  const table = `<table class="map" aria-label="Findings per node and topic"><thead><tr><th scope="col">Node</th>${heads.join('')}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table>
${rest.length === 0 ? '' : `<p class="muted">Not in the table: ${rest.join('; ')}.</p>`}`;
  if (report.coverage.nodes.length <= ROWS)
    return `${legend}<div class="scroll" role="region" aria-label="Map of nodes and topics" tabindex="0">${table}</div>\n`;
  return (
    `${heatMap(report, shown, columns)}<details class="worst">` +
    `<summary>The ${Math.min(ROWS, names.length)} worst nodes by name</summary>` +
    `${legend}<div class="scroll" role="region" aria-label="Map of nodes and topics" tabindex="0">${table}</div>` +
    `</details>\n`
  );
}

function cell(node: string, findings: readonly Finding[]): string {
  const [first, ...others] = findings;
  if (first === undefined) return '<td></td>';
  const worst = others.reduce((a, b) => (isAtLeast(a.severity, b.severity) ? a : b), first);
  const alike = findings.filter(({ severity }) => severity === worst.severity).length;
  const rest = findings.length - alike;
  const more = rest === 0 ? '' : ` +${rest.toLocaleString('en-US')}`;
  const count = alike.toLocaleString('en-US');
  const label = `${count} ${worst.severity}${more}: ${worst.topic} on ${node || 'the cluster'}`;
  return (
    `<td><a class="${worst.severity}" href="#${anchor(worst)}" data-t="${worst.topic}" data-n="` +
    `${text(node, 253)}" aria-label="${text(label, 400)}">${count} ` +
    `<small>${worst.severity}${more}</small></a></td>`
  );
}
