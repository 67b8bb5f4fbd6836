import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DirectoryStore } from '../../lib/history/index.ts';
import { keys, PREFIXES } from '../../lib/history/keys.ts';
import { expired, kinds } from '../../lib/history/retention.ts';
import { nothingDamaged } from './nothing-damaged.ts';

it('every key is below a prefix that retention, doctor --store and the bucket know', () => {
  const source = readFileSync(new URL('../../lib/history/keys.ts', import.meta.url), 'utf8');
  const used = new Set([...source.matchAll(/[`'"]([a-z]+)\//g)].map(([, prefix]) => prefix));
  expect([...used].toSorted()).toEqual(Object.keys(PREFIXES).toSorted());
});

it('every object of a run ends when its kind does, and no longer lies in a directory for good', async () => {
  const run = { cluster: 'prod', runId: '20200102T020000Z-00000000' };
  const objects = [
    keys.report(run),
    keys.reportPage(run),
    keys.findings(run),
    keys.nodes(run),
    keys.evidence(run, 'node-1'),
    keys.alerts(run),
    keys.repair(run, 'plan'),
    keys.fleet(run.runId),
    keys.fleetPage(run.runId),
    keys.claim(run.runId),
    keys.exceptions(run.runId),
    keys.found(run.runId),
    keys.tasks(run.runId),
    keys.work(run, 'plan.json'),
  ];
  expect([...new Set(objects.map((key) => key.split('/')[0]))].toSorted()).toEqual(kinds.toSorted());
  const store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-audit-keys-')));
  for (const key of objects) await store.putOnce(key, Buffer.from('{}'));
  // The newest run of a cluster stays, whatever its age.
  await store.putOnce(keys.report({ ...run, runId: '20260101T020000Z-00000000' }), Buffer.from('{}'));
  const gone: string[] = [];
  for (const kind of kinds)
    for await (const key of expired(
      store,
      kind,
      { reports: 30, evidence: 30, work: 30 },
      new Date('2026-01-02T00:00:00Z'),
      nothingDamaged,
    ))
      gone.push(key);
  expect(gone.toSorted()).toEqual(objects.toSorted());
});
