import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publish } from '../../lib/audit/index.ts';
import { DirectoryStore, expired, keys, kinds, type Run } from '../../lib/history/index.ts';
import type { AuditError } from '../../lib/model/errors.ts';
import { aReport } from '../report/sample.ts';

const DAYS = { evidence: 30, reports: 365, work: 7 };
const NOW = new Date('2026-06-01T12:00:00Z');
let store: DirectoryStore;
let damages: AuditError[];

beforeEach(async () => {
  store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-audit-retention-')));
  damages = [];
});
afterEach(async () => await rm(store.location, { recursive: true }));

/** A run of the day, with all its objects. */
async function audited(
  day: string,
  { cluster = 'prod-eu', scope = 'cluster' as 'cluster' | 'part' } = {},
): Promise<Run> {
  const run = { cluster, runId: `${day.replaceAll('-', '')}T033000Z-0a1b2c3d` };
  const body = Buffer.from('{}\n');
  await store.putOnce(keys.evidence(run, 'node-1'), body);
  await store.putOnce(keys.alerts(run), body);
  await store.putOnce(keys.work(run, 'plan.json'), body);
  await store.putOnce(keys.fleet(run.runId), body);
  const report = aReport({ runId: run.runId, startedAt: `${day}T03:30:00Z`, scope });
  await publish(store, { ...report, cluster: { ...report.cluster, name: cluster } });
  return run;
}

async function remove(): Promise<string[]> {
  const gone: string[] = [];
  for (const kind of kinds)
    for await (const key of expired(store, kind, DAYS, NOW, (damage) => damages.push(damage))) {
      await store.remove(key);
      gone.push(key);
    }
  return gone;
}

async function left(): Promise<string[]> {
  const found: string[] = [];
  for await (const key of store.list('')) found.push(key);
  return found;
}

describe('what is old', () => {
  it('goes by its kind: evidence first, reports and what is made of them later, work in days', async () => {
    const ancient = await audited('2025-05-01');
    const old = await audited('2026-03-01');
    const last = await audited('2026-05-31');
    await remove();
    const rest = await left();
    expect(rest.filter((key) => key.includes(ancient.runId))).toEqual([]);
    expect(rest).toEqual(expect.arrayContaining([keys.report(old), keys.alerts(old), keys.findings(old)]));
    expect(rest).not.toContain(keys.evidence(old, 'node-1'));
    expect(rest.filter((key) => key.startsWith('work/'))).toEqual([keys.work(last, 'plan.json')]);
    expect(rest).toContain(keys.evidence(last, 'node-1'));
  });

  it('stays where it is the latest that is known of a cluster, with its evidence and its message', async () => {
    const run = await audited('2024-01-01');
    await store.putOnce(keys.lastAlert(run.cluster), Buffer.from(JSON.stringify({ runId: run.runId })));
    await audited('2024-02-01', { scope: 'part' });
    await remove();
    const rest = await left();
    for (const key of [
      keys.report(run),
      keys.evidence(run, 'node-1'),
      keys.alerts(run),
      keys.latest(run.cluster),
    ])
      expect(rest).toContain(key);
  });

  it('stays where the pointer cannot be read, which is said; other clusters are cleared all the same', async () => {
    const run = await audited('2024-01-01');
    await audited('2024-01-01', { cluster: 'other' });
    await audited('2026-05-30', { cluster: 'other' });
    await writeFile(join(store.location, keys.latest(run.cluster)), '{');
    const gone = await remove();
    expect(gone.filter((key) => key.includes('cluster=prod-eu'))).toEqual([]);
    expect(gone.some((key) => key.includes('cluster=other'))).toBe(true);
    expect(damages[0]?.message).toContain(keys.latest(run.cluster));
  });

  it('of others is not touched, and of directories none is left empty', async () => {
    await audited('2026-05-31');
    await audited('2024-01-01');
    await store.putOnce('reports/notes/old.json', Buffer.from('{}'));
    await store.putOnce('evidence/cluster=prod-eu/dt=2020-01-01/hand-made/x.json', Buffer.from('{}'));
    await remove();
    const rest = await left();
    expect(rest).toContain('reports/notes/old.json');
    expect(rest).toContain('evidence/cluster=prod-eu/dt=2020-01-01/hand-made/x.json');
    await expect(rm(join(store.location, 'evidence/cluster=prod-eu/dt=2024-01-01'))).rejects.toThrow(
      'ENOENT',
    );
  });
});
