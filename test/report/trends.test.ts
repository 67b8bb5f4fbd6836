import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publish } from '../../lib/audit/index.ts';
import { DirectoryStore, keys, pastTotals } from '../../lib/history/index.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import type { Totals } from '../../lib/model/totals.ts';
import { trends } from '../../lib/report/html/trends.ts';
import { aReport } from './sample.ts';

/** A report of a day of October at an hour, with this many leaked namespaces on each node. */
function october(day: number, orphans: readonly (number | null)[], hour = 2): ClusterReport {
  const date = `2026-10-${String(day).padStart(2, '0')}`;
  const time = `${String(hour).padStart(2, '0')}`;
  const [facts] = aReport().nodes;
  if (facts === undefined) throw new Error('the sample has no node');
  return aReport({
    runId: `${date.replaceAll('-', '')}T${time}0000Z-0a1b2c3d`,
    startedAt: `${date}T${time}:00:00Z`,
    nodes: orphans.map((each, n) => ({ ...facts, node: `node-${n}`, orphans: each })),
  });
}

describe('what a page draws of earlier runs', () => {
  let store: DirectoryStore;
  beforeEach(async () => {
    store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-audit-past-')));
  });
  afterEach(async () => await rm(store.location, { recursive: true }));

  it('is the last run of each day of the whole cluster, in thirty days before it', async () => {
    await publish(store, october(1, [9]));
    await publish(store, october(2, [1, 2]));
    await publish(store, october(2, [2, 3], 20));
    await publish(store, { ...october(2, [50], 21), scope: 'part' });
    await publish(store, october(4, [null]));
    const report = october(5, [7]);
    await publish(store, report);
    const past = await pastTotals(store, report);
    expect(past?.map(({ at, orphans, nodes }) => [at.slice(5, 13), orphans, nodes])).toEqual([
      ['10-01T02', 9, 1],
      ['10-02T20', 5, 2],
      ['10-04T02', null, 1],
    ]);
    const page = await store.get(keys.reportPage({ cluster: report.cluster.name, runId: report.runId }));
    const html = Buffer.from(page?.body ?? []).toString();
    expect(html).toContain('9 on 2026-10-01, 7 on 2026-10-05');
    expect(html).toContain(
      '"../../../../reports/cluster%3Dprod-eu/dt%3D2026-10-04/20261004T020000Z-0a1b2c3d/report.html">← Previous audit<',
    );
    expect(html).not.toContain('>Fleet</a>');
  });

  it('leaves out a run whose rows are damaged, and the report is kept all the same', async () => {
    await publish(store, october(1, [9]));
    await store.putOnce(
      'nodes/dt=2026-10-03/cluster=prod-eu/20261003T020000Z-0a1b2c3d.ndjson.gz',
      Buffer.from('x'),
    );
    const report = october(5, [7]);
    await publish(store, report);
    expect((await pastTotals(store, report))?.map(({ at }) => at.slice(5, 13))).toEqual(['10-01T02']);
    expect(await store.get(keys.report({ cluster: 'prod-eu', runId: report.runId }))).not.toBeNull();
  });

  it('is nothing for a part: its nodes are no sum of the cluster', async () => {
    await publish(store, october(4, [1]));
    expect(await pastTotals(store, { ...october(5, [7]), scope: 'part' })).toBeNull();
  });
});

describe('the drawing', () => {
  const past = (values: readonly (number | null)[]): Totals[] =>
    values.map((orphans, n) => ({
      at: `2026-10-0${n + 1}T02:00:00.000Z`,
      nodes: 3,
      pods: 30,
      namespaces: 40,
      orphans,
      usage: null,
    }));

  it('says in words what it shows, and has the numbers beside it', () => {
    const html = trends(october(5, [4]), past([1, 12_000, 3]));
    expect(html).toContain(
      'aria-label="Leaked network namespaces: 1 on 2026-10-01, 4 on 2026-10-05, at most 12,000 on 2026-10-02"',
    );
    expect(html).toContain('3 more than on 2026-10-01');
    expect(html).toContain('Show data: 4 audits');
    expect(html).toMatch(/2026-10-02 02:00<\/th><td>12,000<\/td>/);
  });

  it('has a gap, and not a line, where nobody knows', () => {
    const html = trends(october(5, [4]), past([1, null, 3, 3]));
    const line = /class="trend" d="([^"]*)"/.exec(html)?.[1] ?? '';
    expect(line.match(/M/g)).toHaveLength(2);
    expect(html).toContain('<td>unknown</td>');
  });

  it('tells when the fullest node reaches its limit', () => {
    const growing = past([0, 0, 0, 0]).map((totals, n) => ({ ...totals, usage: 50 + 10 * n }));
    const [facts] = aReport().nodes;
    const report = october(5, [0]);
    report.nodes = [
      { ...(facts ?? report.nodes[0]), namespaces: 900, limit: 1000 } as (typeof report.nodes)[number],
    ];
    expect(trends(report, growing)).toContain(
      'Namespaces of the fullest node, in percent of its limit: <strong>90%</strong>, 40% more than on 2026-10-01. <span class="warn">At this rate it reaches the limit on 2026-10-06, in 1 day.</span>',
    );
    expect(trends(report, past([0, 0, 0, 0]))).toContain('does not reach the limit within a year');
  });

  it('is level at zero, and holds where no node ever told it', () => {
    expect(trends(october(5, [0]), past([0, 0]))).toContain(', as on 2026-10-01');
    expect(trends(october(5, [null]), past([null]))).toContain('Leaked network namespaces: no data.');
    expect(trends(october(5, [1]), [])).toContain('No audit of the whole cluster');
  });
});
