/** Namespaces, leaked ones and the fullest node of the last month, as charts, and as numbers for blind readers. */
import { DAY } from '../../model/days.ts';
import type { ClusterReport } from '../../model/report.ts';
import { timeOf } from '../../model/run-id.ts';
import { type Totals, totalsOf } from '../../model/totals.ts';
import { type Point as Known, reaches } from '../forecast.ts';
import { plural } from '../summary.ts';

const [WIDTH, HEIGHT, TOP, BOTTOM, LEFT, RIGHT] = [480, 150, 22, 24, 8, 60];

type Point = { readonly at: number; readonly value: number | null };

/** @param past - earlier runs, oldest first; the report itself is the last point */
export function trends(report: ClusterReport, past: readonly Totals[]): string {
  const all = [...past, totalsOf(timeOf(report.runId), report.nodes)];
  if (past.length === 0) return '<p>No audit of the whole cluster in the thirty days before.</p>\n';
  const of = (metric: 'namespaces' | 'orphans' | 'usage'): Point[] =>
    all.map((totals) => ({ at: Date.parse(totals.at), value: totals[metric] }));
  return `<div class="charts">${chart('Leaked network namespaces', of('orphans'))}${chart('Network namespaces', of('namespaces'))}${chart('Namespaces of the fullest node, in percent of its limit', of('usage'), PERCENT)}</div>
${nodesNote(all)}${numbers(all)}`;
}

/** A sum over fewer nodes is smaller, whatever happened on each. */
function nodesNote(all: readonly Totals[]): string {
  const [fewest, most] = [
    Math.min(...all.map((each) => each.nodes)),
    Math.max(...all.map((each) => each.nodes)),
  ];
  return fewest === most
    ? ''
    : `<p class="muted">Sums over the nodes that were audited: between ${grouped(fewest)} and ${grouped(most)}.</p>\n`;
}

/**
 * A trend in a table row, from zero; empty with fewer than two points.
 *
 * @param top - shared scale of all rows of the table, so that they can be compared
 */
export function sparklineSvg(values: readonly (number | null)[], what: string, top: number): string {
  const known = values.filter((value) => value !== null);
  const [first] = known;
  const last = known.at(-1);
  if (first === undefined || last === undefined || known.length < 2) return '';
  const step = 100 / (values.length - 1);
  let drawing = false;
  const path = values.map((value, index) => {
    const point =
      value === null
        ? ''
        : `${drawing ? 'L' : 'M'}${(2 + index * step).toFixed(1)} ${(22 - (value / Math.max(1, top)) * 20).toFixed(1)}`;
    drawing = value !== null;
    return point;
  });
  return (
    `<svg class="spark" viewBox="0 0 104 24" role="img" aria-label="${what}: ${grouped(first)}` +
    ` at first, ${grouped(last)} at last, at most ${grouped(Math.max(...known))}">` +
    `<path class="trend" d="${path.join('')}"/></svg>`
  );
}

type Scale = {
  /** Upper end of the chart; null for its highest value. */
  readonly limit: number | null;
  readonly say: (value: number) => string;
};
const COUNT: Scale = { limit: null, say: grouped };
const PERCENT: Scale = { limit: 100, say: percent };

function chart(title: string, points: readonly Point[], { limit, say }: Scale = COUNT): string {
  const known = points.flatMap(({ at, value }) => (value === null ? [] : [{ at, value }]));
  const [first] = known;
  const last = known.at(-1);
  if (first === undefined || last === undefined)
    return `<figure><figcaption>${title}: no data.</figcaption></figure>`;
  const highest = known.reduce((a, b) => (b.value > a.value ? b : a));
  const top = Math.max(limit ?? 1, highest.value);
  const [from, to] = [points[0]?.at ?? 0, points.at(-1)?.at ?? 0];
  const x = (at: number): string =>
    (LEFT + ((at - from) / Math.max(1, to - from)) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const y = (value: number): string => (HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const line = stretches(points).map((stretch) =>
    stretch.map(({ at, value }, index) => `${index === 0 ? 'M' : 'L'}${x(at)} ${y(value)}`).join(''),
  );
  const dots = known.map(
    ({ at, value }) =>
      `<circle class="dot" cx="${x(at)}" cy="${y(value)}" r="2.5"><title>${day(at)}: ${say(value)}</title></circle>`,
  );
  const said =
    `${say(first.value)} on ${day(first.at)}, ${say(last.value)} on ${day(last.at)}, at most ` +
    `${say(highest.value)} on ${day(highest.at)}`;
  const base = HEIGHT - BOTTOM;
  const edge = limit === null ? 'axis dashed' : 'limit';
  const highestLabel = limit === null ? compact(top) : say(top);
  return (
    `<figure><figcaption>${title}: <strong>${say(last.value)}</strong>` +
    `${change(first, last, say)}${limit === null ? '' : forecast(known, limit)}</figcaption>` +
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}: ${said}">` +
    `<path class="axis" d="M${LEFT} ${base}H${WIDTH - RIGHT}"/>` +
    `<path class="${edge}" d="M${LEFT} ${y(limit ?? top)}H${WIDTH - RIGHT}"/>` +
    `<path class="trend" d="${line.join('')}"/>${dots.join('')}` +
    `<text class="tick" x="${WIDTH - RIGHT + 8}" y="${Number(y(top)) + 4}">${highestLabel}</text>` +
    `<text class="tick" x="${WIDTH - RIGHT + 8}" y="${base + 4}">0</text>` +
    `<text class="tick" x="${LEFT}" y="${HEIGHT - 6}">${day(from)}</text>` +
    `<text class="tick end" x="${WIDTH - RIGHT}" y="${HEIGHT - 6}">${day(to)}</text></svg></figure>`
  );
}

/** When the limit is reached at this rate; a node at its limit starts no more pods. */
function forecast(known: readonly Known[], limit: number): string {
  const last = known.at(-1);
  if (last !== undefined && last.value >= limit) return '. <span class="warn">The limit is reached.</span>';
  const time = reaches(known, limit);
  if (time === null || last === undefined) return '. At this rate it does not reach the limit within a year.';
  const days = Math.ceil((time - last.at) / DAY);
  return `. <span class="warn">At this rate it reaches the limit on ${day(time)}, in ${plural(days, 'day')}.</span>`;
}

/** Runs of points without a gap: a line across a night without an audit would invent data. */
function stretches(points: readonly Point[]): { at: number; value: number }[][] {
  const all: { at: number; value: number }[][] = [[]];
  for (const { at, value } of points) {
    if (value === null) all.push([]);
    else all.at(-1)?.push({ at, value });
  }
  return all.filter((stretch) => stretch.length > 0);
}

function change(first: Known, last: Known, say: (value: number) => string): string {
  const more = last.value - first.value;
  if (more === 0) return `, as on ${day(first.at)}`;
  return `, ${say(Math.abs(more))} ${more > 0 ? 'more' : 'fewer'} than on ${day(first.at)}`;
}

function numbers(all: readonly Totals[]): string {
  const cell = (value: number | null): string => `<td>${value === null ? 'unknown' : grouped(value)}</td>`;
  const rows = all
    .toReversed()
    .map(
      (totals) =>
        `<tr><th scope="row">${totals.at.slice(0, 16).replace('T', ' ')}</th>` +
        `${cell(totals.orphans)}${cell(totals.namespaces)}` +
        `<td>${totals.usage === null ? 'unknown' : percent(totals.usage)}</td>` +
        `${cell(totals.pods)}${cell(totals.nodes)}</tr>`,
    );
  return (
    `<details><summary>Show data: ${plural(all.length, 'audit')}</summary>` +
    '<div class="scroll" role="region" aria-label="Trend data" tabindex="0"><table class="numbers">' +
    `<thead><tr>${['Audit (UTC)', 'Leaked', 'Namespaces', 'Fullest node', 'Pods', 'Nodes'].map((head) => `<th scope="col">${head}</th>`).join('')}` +
    `</tr></thead><tbody>${rows.join('\n')}</tbody></table></div></details>\n`
  );
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** `12K`: fits beside a chart, even on a phone. */
function compact(value: number): string {
  return value.toLocaleString('en-US', { notation: 'compact', maximumFractionDigits: 1 });
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

function percent(value: number): string {
  return `${value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 1 : 0 })}%`;
}
