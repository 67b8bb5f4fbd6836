/** What was audited and what was not, and why: an all-green page must say what it covers. */
import type { ClusterReport } from '../../model/report.ts';
import { xmlText as text } from '../escape.ts';
import { plural } from '../summary.ts';

/** Most rows of a list that grows with the cluster. */
const ROWS = 500;

/** The page section on what was examined, and what was not and why. */
export function coverage(report: ClusterReport): string {
  const gaps = report.coverage.nodes.filter((node) => node.result !== 'audited');
  const unknown = report.coverage.checks.filter((check) => check.unknown > 0);
  return [
    gaps.length === 0 ? '<p>Every node was audited.</p>\n' : nodes(gaps),
    unknown.length === 0
      ? ''
      : '<h3>Could not be decided</h3>' +
        `<ul>${unknown.map((check) => `<li>${text(check.check)} (${plural(check.unknown, 'object')}): ${text(check.reasons.join('; '), 600)}</li>`).join('')}</ul>\n`,
    checks(report.coverage.checks),
    fullest(report.nodes),
  ].join('');
}

function nodes(gaps: ClusterReport['coverage']['nodes']): string {
  const rows = gaps
    .slice(0, ROWS)
    .map(
      ({ node, result, reason, remedy }) =>
        `<tr><td data-label="Node"><bdi>${text(node, 253)}</bdi></td><td data-label="Result">` +
        `<span class="tag ${result}">${result}</span></td>` +
        `<td data-label="Why">${text(reason ?? '', 600)}</td>` +
        `<td data-label="What to do">${text(remedy ?? '', 600)}</td></tr>`,
    );
  const more =
    gaps.length > ROWS
      ? `<p>And ${plural(gaps.length - ROWS, 'more node')}: -o json lists them all.</p>`
      : '';
  return (
    '<h3>Not (fully) audited</h3><table class="stack"><thead><tr><th scope="col">Node</th>' +
    '<th scope="col">Result</th><th scope="col">Why</th><th scope="col">What to do</th></tr></thead>' +
    `<tbody>${rows.join('\n')}</tbody></table>${more}\n`
  );
}

function checks(all: ClusterReport['coverage']['checks']): string {
  const rows = all.map(
    (check) =>
      `<tr><th scope="row">${text(check.check)}</th><td>${check.topic}</td><td>${check.examined}</td>` +
      `<td>${check.failed}</td><td>${check.notApplicable}</td><td>${check.unknown}</td></tr>`,
  );
  return (
    '<details id="checks-examined">' +
    `<summary>All ${plural(all.length, 'check')}, and how many objects each examined</summary>` +
    '<div class="scroll" role="region" aria-label="Checks" tabindex="0"><table><thead><tr>' +
    '<th scope="col">Check</th><th scope="col">Topic</th><th scope="col">Examined</th>' +
    '<th scope="col">Failed</th><th scope="col">Not applicable</th><th scope="col">Unknown</th></tr>' +
    `</thead><tbody>${rows.join('\n')}</tbody></table></div></details>\n`
  );
}

/** Twenty nodes with the most leaked namespaces, then with the most namespaces in total. */
function fullest(facts: ClusterReport['nodes']): string {
  const rows = facts
    .toSorted(
      (a, b) =>
        (b.orphans ?? 0) - (a.orphans ?? 0) ||
        (b.namespaces ?? 0) - (a.namespaces ?? 0) ||
        (a.node < b.node ? -1 : 1),
    )
    .slice(0, 20)
    .map(
      (node) =>
        `<tr><th scope="row"><bdi>${text(node.node, 253)}</bdi></th><td>${node.orphans ?? 'unknown'}</td>` +
        `<td>${node.namespaces ?? 'unknown'}</td><td>${node.limit ?? 'unknown'}</td><td>${node.pods}</td>` +
        `<td>${text(node.kernel, 100)}</td><td>${text(node.runtime, 100)}</td>` +
        `<td>${text(node.cni ?? '', 100)}</td></tr>`,
    );
  if (rows.length === 0) return '';
  const heads = ['Node', 'Leaked', 'Namespaces', 'Limit', 'Pods', 'Kernel', 'Runtime', 'CNI'];
  return (
    '<details><summary>Network namespaces of nodes, most leaked first</summary>' +
    '<div class="scroll" role="region" aria-label="Network namespaces of nodes" tabindex="0"><table>' +
    `<thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>` +
    `<tbody>${rows.join('\n')}</tbody></table></div></details>\n`
  );
}
