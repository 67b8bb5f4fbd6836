/** The results of Athena's saved queries; DuckDB reads the same rows with the same SQL. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { publish } from '../../lib/audit/index.ts';
import { DirectoryStore } from '../../lib/history/index.ts';
import { query } from '../../lib/history/query.ts';
import { NAMED_QUERIES } from '../../lib/infra/queries.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { nothingDamaged } from '../history/nothing-damaged.ts';
import { aFinding, aReport } from '../report/sample.ts';

const DAY = 86_400_000;
const ago = (days: number): string => new Date(Date.now() - days * DAY).toISOString().slice(0, 10);

let store: DirectoryStore;
beforeAll(async () => {
  store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-auditor-')));
  const open = aFinding({ state: 'open' });
  const ofNode = aFinding({
    fingerprint: 'a-node',
    check: 'namespace-count-near-limit',
    severity: 'high',
    object: { kind: 'node', name: 'node-1' },
  });
  const resolved = aFinding({
    fingerprint: 'gone',
    state: 'resolved',
    check: 'veth-peer-missing',
    firstSeen: `${ago(9)}T02:00:00Z`,
    lastSeen: `${ago(5)}T02:00:00Z`,
  });
  await keep(4, '02', { findings: [open], resolved: [resolved] }, 10);
  // The hourly runs of the day are compared with the same report, and so resolve the same again.
  await keep(4, '03', { scope: 'part', findings: [open], resolved: [resolved] }, 15);
  await keep(3, '02', { findings: [open, ofNode] }, 18);
  // A run by hand on the same day.
  await keep(3, '09', { findings: [open, ofNode] }, 20);
});
afterAll(async () => await rm(store.location, { recursive: true }));

async function keep(
  days: number,
  hour: string,
  changes: Partial<ClusterReport>,
  namespaces: number,
): Promise<void> {
  const runId = `${ago(days).replaceAll('-', '')}T${hour}0000Z-0a1b2c3d`;
  const nodes = aReport().nodes.map((node) => ({ ...node, namespaces }));
  await publish(store, aReport({ runId, nodes, ...changes }));
}

async function ask(name: keyof typeof NAMED_QUERIES): Promise<object[]> {
  const { columns, rows } = await query(store, NAMED_QUERIES[name], { since: null }, nothingDamaged);
  return rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]])));
}

it.each([
  ['worst-nodes', [{ cluster: 'prod-eu', node: 'node-1', findings: 2, critical: 1 }]],
  ['namespace-growth', [{ node: 'node-1', at_first: 10, at_last: 20, growth: 10 }]],
  ['time-to-resolve', [{ check: 'veth-peer-missing', resolved: 1, mean_days: 4 }]],
  // No pods twice: neither those of the hourly run, nor of two runs of a day.
  [
    'coverage',
    [
      { dt: ago(3), nodes: 1, pods: 12 },
      { dt: ago(4), nodes: 1, pods: 12 },
    ],
  ],
] as const)('%s', async (name, rows) => {
  expect(await ask(name)).toMatchObject(rows);
});

it.each(Object.entries(NAMED_QUERIES))(
  '%s can be pasted into a command line, and asks for days',
  (_, sql) => {
    expect(sql).not.toMatch(/^-/);
    expect(sql).toMatch(/dt >= date_format/);
  },
);

it('first-seen', async () => {
  expect((await ask('first-seen')).map((row) => Object.values(row)[1]).toSorted()).toEqual([
    'namespace-count-near-limit',
    'pod-interface-missing',
    'veth-peer-missing',
  ]);
});
