import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publish } from '../../lib/audit/index.ts';
import {
  clusters,
  columnsOf,
  DirectoryStore,
  type Run,
  type RunSummary,
  runs,
  type Store,
  series,
  summaries,
  trendRows,
} from '../../lib/history/index.ts';
import type { Narrowing } from '../../lib/model/narrowing.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { aFinding, aReport } from '../report/sample.ts';
import { nothingDamaged } from './nothing-damaged.ts';

let store: DirectoryStore;
beforeEach(async () => {
  store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-audit-trend-')));
});
afterEach(async () => await rm(store.location, { recursive: true }));

/** A report of a day with this many orphans on each node. */
async function keep(
  day: string,
  orphans: readonly (number | null)[],
  changes: Partial<ClusterReport> = {},
): Promise<ClusterReport> {
  const [facts] = aReport().nodes;
  if (facts === undefined) throw new Error('the sample has no node');
  const report = aReport({
    runId: `${day.replaceAll('-', '')}T020000Z-0a1b2c3d`,
    startedAt: `${day}T02:00:00Z`,
    finishedAt: `${day}T02:01:00Z`,
    nodes: orphans.map((each, index) => ({
      ...facts,
      node: `node-${index}`,
      orphans: each,
      ami: index === 0 ? 'ami-1' : null,
    })),
    ...changes,
  });
  await publish(store, report);
  return report;
}

/** The store, and which keys were read. */
function watched(): { store: Store; read: string[] } {
  const read: string[] = [];
  const watching: Store = {
    location: store.location,
    putOnce: async (key, body) => await store.putOnce(key, body),
    replace: async (key, body, etag) => await store.replace(key, body, etag),
    list: (prefix) => store.list(prefix),
    get: async (key) => {
      read.push(key);
      return await store.get(key);
    },
  };
  return { store: watching, read };
}

const october = columnsOf(new Date('2026-10-01'), new Date('2026-10-05'), 4);

describe('a trend', () => {
  it('has the sum of all nodes in each column, and gaps where nothing was audited', async () => {
    await keep('2026-10-01', [1, 2]);
    await keep('2026-10-02', [4, null]);
    await keep('2026-10-04', [0, 9]);
    const rows = await trendRows(store, 'prod-eu', october, false, nothingDamaged);
    expect(series(rows, 'orphans', 'cluster')).toEqual([{ name: 'prod-eu', values: [3, 4, null, 9] }]);
    expect(series(rows, 'nodes', 'cluster')).toEqual([{ name: 'prod-eu', values: [2, 2, null, 2] }]);
  });

  it('never takes the nodes of a part for the cluster', async () => {
    await keep('2026-10-01', [1, 2]);
    await keep('2026-10-01', [50], { scope: 'part', runId: '20261001T090000Z-ffffffff' });
    expect(
      series(await trendRows(store, 'prod-eu', october, false, nothingDamaged), 'orphans', 'cluster')[0]
        ?.values[0],
    ).toBe(3);
    expect(
      series(await trendRows(store, 'prod-eu', october, true, nothingDamaged), 'orphans', 'node')[0]
        ?.values[0],
    ).toBe(50);
  });

  it('says which AMI leaks, worst first', async () => {
    await keep('2026-10-01', [7, 2]);
    const rows = await trendRows(store, 'prod-eu', october, false, nothingDamaged);
    expect(series(rows, 'orphans', 'ami').map(({ name }) => name)).toEqual(['ami-1', 'unknown']);
  });

  it('reads one file of nodes for each column, and no report', async () => {
    for (let day = 1; day <= 28; day += 1) await keep(`2026-09-${String(day).padStart(2, '0')}`, [day]);
    const { store: watching, read } = watched();
    const columns = columnsOf(new Date('2026-09-01'), new Date('2026-09-29'), 4);
    const rows = await trendRows(watching, 'prod-eu', columns, false, nothingDamaged);
    expect(series(rows, 'orphans', 'cluster')[0]?.values).toEqual([7, 14, 21, 28]);
    expect(read.filter((key) => key.startsWith('nodes/'))).toHaveLength(4);
    expect(read.some((key) => key.startsWith('reports/'))).toBe(false);
  });

  it('reads few of the hourly runs beside the nightly audit', async () => {
    for (let day = 1; day <= 3; day += 1) {
      const date = `2026-10-0${day}`;
      await keep(date, [day]);
      for (let hour = 10; hour < 24; hour += 1)
        await keep(date, [50], { scope: 'part', runId: `${date.replaceAll('-', '')}T${hour}3000Z-ffffffff` });
    }
    const { store: watching, read } = watched();
    const rows = await trendRows(watching, 'prod-eu', october, false, nothingDamaged);
    expect(series(rows, 'orphans', 'cluster')[0]?.values).toEqual([1, 2, 3, null]);
    expect(read.filter((key) => key.startsWith('nodes/'))).toHaveLength(3);
  });

  it('names a file that is damaged, and takes another run of its time', async () => {
    const report = await keep('2026-10-01', [1]);
    const key = `nodes/dt=2026-10-01/cluster=prod-eu/${report.runId.replace('T02', 'T03')}.ndjson.gz`;
    const damages: string[] = [];
    for (const text of ['no gzip', gzipSync('{"cluster":"prod-eu"}\n'), gzipSync('{}\n').subarray(0, 15)]) {
      await rm(join(store.location, key), { force: true });
      await store.putOnce(key, Buffer.from(text));
      damages.length = 0;
      const rows = await trendRows(store, 'prod-eu', october, false, (damage) =>
        damages.push(damage.message),
      );
      expect(rows.flat().map(({ orphans }) => orphans)).toEqual([1]);
      expect(damages).toEqual([expect.stringContaining(key)]);
    }
  });
});

describe('the list of runs', () => {
  const lineOf = async (run: Run, only: Narrowing): Promise<RunSummary | undefined> => {
    const lines = summaries(store, Readable.from([run]), only, nothingDamaged);
    return (await lines.next()).value ?? undefined;
  };
  const all = async (since: string, until: string): Promise<string[]> => {
    const found = [];
    for await (const run of runs(store, await clusters(store), since, until, nothingDamaged))
      found.push(`${run.cluster} ${run.runId.slice(0, 8)}`);
    return found;
  };

  it('is newest first over all clusters and months, within the days that were asked for', async () => {
    await keep('2026-10-31', [0]);
    await keep('2026-11-02', [0]);
    await keep('2025-12-31', [0]);
    await keep('2026-11-01', [0], {
      cluster: { name: 'arn:aws:eks/prod-us', uid: 'u2', version: 'v1.36.0' },
    });
    expect(await all('2025-12-01', '2026-11-02')).toEqual([
      'prod-eu 20261102',
      'arn:aws:eks/prod-us 20261101',
      'prod-eu 20261031',
      'prod-eu 20251231',
    ]);
    expect(await all('2026-11-01', '2026-11-01')).toEqual(['arn:aws:eks/prod-us 20261101']);
  });

  it('counts what counts: neither pending nor suppressed, and of a check only its own', async () => {
    const report = await keep('2026-11-02', [0], {
      findings: [
        aFinding(),
        aFinding({ fingerprint: 'f2', check: 'veth-peer-missing', severity: 'high' }),
        aFinding({ fingerprint: 'f3', state: 'pending' }),
        aFinding({ fingerprint: 'f4', suppressed: { reason: 'known', owner: 'sre', expires: '2027-01-01' } }),
      ],
    });
    const run = { cluster: 'prod-eu', runId: report.runId };
    expect((await lineOf(run, {}))?.findings).toEqual({ critical: 1, high: 1, medium: 0, low: 0 });
    expect((await lineOf(run, { check: 'veth-peer-missing' }))?.findings.critical).toBe(0);
    expect(await lineOf(run, { node: 'node-9' })).toBeUndefined();
    expect(await lineOf({ cluster: 'prod-eu', runId: '20000101T000000Z-00000000' }, {})).toBeUndefined();
  });

  it('keeps its order though reports are read ahead, and reads no more than it has to', async () => {
    for (let day = 1; day <= 28; day += 1) await keep(`2026-09-${String(day).padStart(2, '0')}`, [0]);
    const { store: watching, read } = watched();
    const all = runs(watching, ['prod-eu'], '2026-09-01', '2026-09-30', nothingDamaged);
    const days: string[] = [];
    for await (const { runId } of summaries(watching, all, {}, nothingDamaged)) {
      days.push(runId.slice(6, 8));
      if (days.length === 3) break;
    }
    expect(days).toEqual(['28', '27', '26']);
    expect(read.length).toBeLessThan(20);
    const rest = [];
    for await (const { runId } of summaries(
      store,
      runs(store, ['prod-eu'], '2026-09-01', '2026-09-30', nothingDamaged),
      {},
      nothingDamaged,
    ))
      rest.push(runId);
    expect(rest).toEqual(rest.toSorted().toReversed());
    expect(rest).toHaveLength(28);
  });

  it('goes on behind a report that is damaged, and names it, though it was read ahead', async () => {
    await keep('2026-09-03', [0]);
    await keep('2026-09-01', [0]);
    const key = 'reports/cluster=prod-eu/dt=2026-09-02/20260902T020000Z-0a1b2c3d/report.json';
    await store.putOnce(key, Buffer.from('{'));
    const damages: string[] = [];
    const all = runs(store, ['prod-eu'], '2026-09-01', '2026-09-03', nothingDamaged);
    const found: string[] = [];
    for await (const { runId } of summaries(store, all, {}, (damage) => damages.push(damage.message)))
      found.push(runId.slice(0, 8));
    expect(found).toEqual(['20260903', '20260901']);
    expect(damages).toEqual([expect.stringContaining(key)]);
  });
});
