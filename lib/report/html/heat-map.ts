/**
 * All nodes of a large cluster as small pictures, one per topic: every node is a cell at the same place in each, in
 * bands by zone (or AMI). It stays readable at 5,000 nodes, on a phone and on paper.
 */
import {
  type Finding,
  isAtLeast,
  nodeOf,
  type Severity,
  severities,
  type Topic,
} from '../../model/finding.ts';
import type { ClusterReport } from '../../model/report.ts';
import { xmlText as text } from '../escape.ts';
import { plural } from '../summary.ts';
import { tag } from './finding.ts';

const WIDTH = 340;
/** Approximate height of a picture. */
const HEIGHT = 200;
const [SMALLEST, LARGEST] = [4, 16];
const HEAD = 14;
const GAP = 6;
/** Bands to draw before the rest is merged into one. */
const BANDS = 8;

type Band = { readonly name: string; readonly nodes: readonly string[]; readonly top: number };
type Layout = {
  readonly bands: readonly Band[];
  readonly cell: number;
  readonly columns: number;
  readonly height: number;
  readonly by: string;
};

/**
 * @param shown - active findings
 * @param columns - topics with findings
 */
export function heatMap(report: ClusterReport, shown: readonly Finding[], columns: readonly Topic[]): string {
  const layout = layoutOf(report);
  const names = layout.bands.flatMap((band) => band.nodes);
  const failed = new Map(
    report.coverage.nodes
      .filter(({ result }) => result === 'failed' || result === 'partial')
      .map(({ node, result }) => [node, result]),
  );
  const pictures = [null, ...(columns.length > 1 ? columns : [])].map((topic) =>
    picture(layout, topic, worstOf(shown.filter((each) => topic === null || each.topic === topic)), failed),
  );
  const legend = [
    ...severities.map((each) => tag(each)),
    ...(failed.size > 0 ? [tag('failed', 'not (fully) audited')] : []),
  ];
  return `<p>Each cell is a node, at the same place in every picture${layout.by === '' ? '' : `, grouped by ${layout.by}`}. Click a cell to see its findings. ${legend.join(' ')}</p>
<div class="heat" data-nodes="${names.map((name) => text(name, 253)).join('&#10;')}" data-layout="${[layout.cell, layout.columns, ...layout.bands.flatMap(({ top, nodes }) => [top, nodes.length])].join(' ')}">${pictures.join('\n')}</div>
`;
}

function layoutOf({ coverage, nodes }: ClusterReport): Layout {
  const facts = new Map(nodes.map((node) => [node.node, node]));
  const kinds = [
    ['zone', (node: string) => facts.get(node)?.zone ?? null],
    ['AMI', (node: string) => facts.get(node)?.ami ?? null],
  ] as const;
  const all = coverage.nodes.map(({ node }) => node).toSorted();
  const found = kinds
    .map(([by, of]) => ({ by, groups: Map.groupBy(all, of) }))
    .find(({ groups }) => [...groups.keys()].filter((key) => key !== null).length > 1);
  const largest = [...(found?.groups ?? new Map([[null, all]]))].toSorted(
    ([a, x], [b, y]) => Number(a === null) - Number(b === null) || y.length - x.length,
  );
  const sets = [
    ...largest
      .slice(0, BANDS)
      .map(([name, set]) => ({ name: name ?? `${found?.by ?? ''} unknown`, nodes: set })),
    ...(largest.length > BANDS
      ? [{ name: 'others', nodes: largest.slice(BANDS).flatMap(([, set]) => set) }]
      : []),
  ];
  const cell = Math.max(
    SMALLEST,
    Math.min(LARGEST, Math.floor(Math.sqrt((WIDTH * HEIGHT) / Math.max(1, all.length)))),
  );
  const columns = Math.floor(WIDTH / cell);
  let height = 0;
  const bands = sets.map((set) => {
    const top = height + (found === undefined ? 0 : HEAD);
    height = top + Math.ceil(set.nodes.length / columns) * cell + GAP;
    return { ...set, top };
  });
  return { bands, cell, columns, height: Math.max(cell, height - GAP), by: found?.by ?? '' };
}

function worstOf(findings: readonly Finding[]): Map<string, Severity> {
  const worst = new Map<string, Severity>();
  for (const finding of findings) {
    const node = nodeOf(finding);
    const known = worst.get(node);
    if (known === undefined || !isAtLeast(known, finding.severity)) worst.set(node, finding.severity);
  }
  return worst;
}

function picture(
  layout: Layout,
  topic: Topic | null,
  worst: ReadonlyMap<string, Severity>,
  failed: ReadonlyMap<string, string>,
): string {
  const { bands, cell, columns, height } = layout;
  const size = cell - 1;
  const cells = new Map<string, string[]>();
  const back: string[] = [];
  const heads: string[] = [];
  for (const { name, nodes, top } of bands) {
    if (layout.by !== '')
      heads.push(
        `<text x="0" y="${top - 4}">${text(name, 40)}: ${nodes.length.toLocaleString('en-US')}</text>`,
      );
    const whole = Math.floor(nodes.length / columns);
    const rest = nodes.length % columns;
    back.push(`M0 ${top}h${columns * cell}v${whole * cell}h${-columns * cell}z`);
    if (rest > 0) back.push(`M0 ${top + whole * cell}h${rest * cell}v${cell}h${-rest * cell}z`);
    for (const [index, node] of nodes.entries()) {
      // For an unread node, its earlier findings say little.
      const found = failed.get(node) === 'failed' ? undefined : worst.get(node);
      const kind = found ?? (failed.has(node) ? 'failed' : undefined);
      if (kind === undefined) continue;
      const place = `M${(index % columns) * cell} ${top + Math.floor(index / columns) * cell}`;
      const path = cells.get(kind) ?? [];
      path.push(`${place}h${size}v${size}h${-size}z`);
      cells.set(kind, path);
    }
  }
  const counts = severities
    .map(
      (severity) =>
        [[...worst].filter(([node, each]) => node !== '' && each === severity).length, severity] as const,
    )
    .filter(([count]) => count > 0)
    .map(([count, severity]) => `${count.toLocaleString('en-US')} ${severity}`)
    .join(', ');
  const title = topic ?? 'all topics';
  const drawn = ['low', 'medium', 'high', 'critical', 'failed'].flatMap((kind) =>
    cells.has(kind) ? [`<path class="cell-${kind}" d="${cells.get(kind)?.join('')}"/>`] : [],
  );
  return (
    `<figure${topic === null ? '' : ` data-t="${topic}"`}><figcaption><b>${title}</b>` +
    ` ${counts === '' ? 'no node has findings' : `nodes: ${counts}`}</figcaption>` +
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Nodes by their worst finding, ` +
    `${title}: ${counts || 'none'}` +
    `${failed.size > 0 ? `; ${plural(failed.size, 'node')} not fully audited` : ''}">` +
    `<path class="cells" d="${back.join('')}"/>${heads.join('')}${drawn.join('')}</svg></figure>`
  );
}
