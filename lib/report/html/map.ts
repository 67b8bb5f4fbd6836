/** Nodes × topics: where the faults are, each cell a link to the worst of them. */
import { type Finding, isAtLeast, topics } from '../../model/finding.ts';
import type { ClusterReport } from '../../model/report.ts';
import { xmlText as text } from '../escape.ts';
import { plural } from '../summary.ts';
import { anchor, nodeOf } from './finding.ts';

/** More rows help nobody, and each is up to fifteen cells. */
const ROWS = 300;

/** @param shown - findings that count, worst first */
export function nodeMap(report: ClusterReport, shown: readonly Finding[]): string {
  const gaps = new Map(
    report.coverage.nodes.filter((node) => node.result !== 'audited').map((node) => [node.node, node.result]),
  );
  const byNode = Map.groupBy(shown, nodeOf);
  // Map.groupBy keeps the order of first appearance: the node with the worst finding stands first.
  const names = [...new Set([...byNode.keys(), ...gaps.keys()])];
  const columns = topics.filter((topic) => shown.some((finding) => finding.topic === topic));
  const clean = report.coverage.nodes.length - names.filter((name) => name !== '').length;
  if (names.length === 0) return `<p>All ${plural(clean, 'node')}: no findings.</p>\n`;
  const rows = names.slice(0, ROWS).map((name) => {
    const gap = gaps.get(name);
    const byTopic = Map.groupBy(byNode.get(name) ?? [], (finding) => finding.topic);
    const cells = columns.map((topic) => cell(name, byTopic.get(topic) ?? []));
    return `<tr><th scope="row"><bdi>${text(name || 'the cluster', 253)}</bdi>${gap === undefined ? '' : ` <a href="#coverage" class="tag ${gap}">${gap}</a>`}</th>${cells.join('')}</tr>`;
  });
  const heads = columns.map((topic) => `<th scope="col">${topic}</th>`);
  const rest = [
    ...(names.length > ROWS
      ? [`${plural(names.length - ROWS, 'more node')} with findings, or not audited, left out here`]
      : []),
    ...(clean > 0 ? [`${plural(clean, 'node')} without findings`] : []),
  ];
  return `<p class="muted">Number of findings, and the severity of the worst: C critical, H high, M medium, L low. A cell leads to it.</p>
<div class="scroll" role="region" aria-label="Map of nodes and topics" tabindex="0"><table class="map"><thead><tr><th scope="col">Node</th>${heads.join('')}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div>
${rest.length === 0 ? '' : `<p class="muted">${rest.join('; ')}.</p>`}
`;
}

function cell(node: string, findings: readonly Finding[]): string {
  const [first, ...others] = findings;
  if (first === undefined) return '<td></td>';
  const worst = others.reduce((a, b) => (isAtLeast(a.severity, b.severity) ? a : b), first);
  const short = `${findings.length} ${worst.severity[0]?.toUpperCase()}`;
  const label = `${short}: ${worst.topic} on ${node || 'the cluster'}, worst ${worst.severity}`;
  return `<td><a class="${worst.severity}" href="#${anchor(worst)}" data-t="${worst.topic}" data-n="${text(node, 253)}" aria-label="${text(label, 400)}">${short}</a></td>`;
}
