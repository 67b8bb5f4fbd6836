import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { concludeFleet, latestOfEach } from '../../../lib/audit/fleet/index.ts';
import type { Conclusion } from '../../../lib/audit/fleet/messages.ts';
import { publish } from '../../../lib/audit/index.ts';
import { DirectoryStore, keys, type Store } from '../../../lib/history/index.ts';
import { nothingDamaged } from '../../history/nothing-damaged.ts';
import { aFinding, aReport } from '../../report/sample.ts';

const ARN = 'arn:aws:eks:eu-west-1:1:cluster/prod.eu';

let store: DirectoryStore;
beforeEach(async () => {
  store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-audit-fleet-page-')));
});
afterEach(async () => await rm(store.location, { recursive: true }));

const runOf = (day: string): string => `${day.replaceAll('-', '')}T020000Z-0a1b2c3d`;

/** A cluster's audit on a day, in the store, and how the run's last state learns of it. */
async function audited(cluster: string, day: string, orphans: number): Promise<Conclusion> {
  const runId = runOf(day);
  const nodes = aReport().nodes.map((node) => ({ ...node, orphans }));
  const report = aReport({
    runId,
    startedAt: `${day}T02:00:00Z`,
    cluster: { name: cluster, uid: cluster, version: 'v1.36.0' },
    verdict: 'critical',
    findings: [aFinding()],
    nodes,
  });
  await publish(store, report);
  return {
    cluster,
    verdict: 'critical',
    report: keys.report({ cluster, runId }),
    nodes: { audited: 1, partial: 0, failed: 0, skipped: 0 },
    coverage: 1,
    findings: { critical: 1, high: 0, medium: 0, low: 0 },
    new: 1,
    resolved: 0,
    orphans,
    reached: true,
    told: true,
  };
}

const pageOf = async (day: string, of: Store = store): Promise<string> =>
  Buffer.from((await of.get(keys.fleetPage(runOf(day))))?.body ?? []).toString();

describe('the page of a run', () => {
  it('leads to the report of each cluster, whatever its name', async () => {
    await concludeFleet(store, {
      runId: runOf('2026-10-02'),
      clusters: [await audited(ARN, '2026-10-02', 3), await audited('prod-us', '2026-10-02', 0)],
    });
    const html = await pageOf('2026-10-02');
    const from = pathToFileURL(join(store.location, keys.fleetPage(runOf('2026-10-02'))));
    const links = [...html.matchAll(/<th scope="row"><a href="([^"]+)"/g)].map(([, href = '']) => href);
    expect(links).toHaveLength(2);
    for (const link of links) expect(existsSync(fileURLToPath(new URL(link, from))), link).toBe(true);
  });

  it('draws what leaked in the runs before, and says what has no report', async () => {
    for (const [day, orphans] of [
      ['2026-10-01', 4],
      ['2026-10-02', 9],
    ] as const)
      await concludeFleet(store, { runId: runOf(day), clusters: [await audited(ARN, day, orphans)] });
    await store.putOnce('fleet/dt=2026-09-30/20260930T020000Z-0a1b2c3d.json', Buffer.from('damaged'));
    await concludeFleet(store, {
      runId: runOf('2026-10-03'),
      clusters: [
        await audited(ARN, '2026-10-03', 7),
        { cluster: 'lost', reason: 'States.Timeout' },
        { ...(await audited('away', '2026-10-03', 0)), reached: false, verdict: 'incomplete' },
      ],
    });
    const html = await pageOf('2026-10-03');
    expect(html).toContain('Leaked namespaces: 4 at first, 7 at last, at most 9');
    expect(html).toContain('no report: States.Timeout');
    expect(html).toContain('the cluster was not reached');
  });

  it('leads to the console where the store is a bucket', async () => {
    const bucket: Store = Object.assign(Object.create(store) as Store, { location: 's3://audits/netns' });
    const written = new Map<string, Uint8Array>();
    bucket.putOnce = async (key, body) => {
      written.set(key, body);
      return 'written';
    };
    bucket.list = (prefix) => store.list(prefix);
    bucket.get = async (key) => await store.get(key);
    const clusters = [await audited(ARN, '2026-10-02', 3)];
    await concludeFleet(
      bucket,
      { runId: runOf('2026-10-02'), clusters },
      { notifiers: [], consoleRegion: 'eu-west-1' },
    );
    const html = Buffer.from(written.get(keys.fleetPage(runOf('2026-10-02'))) ?? []).toString();
    const report = keys.reportPage({ cluster: ARN, runId: runOf('2026-10-02') });
    expect(html).toContain(
      `https://eu-west-1.console.aws.amazon.com/s3/object/audits?region=eu-west-1&amp;prefix=${encodeURIComponent(`netns/${report}`)}`,
    );
  });
});

describe('the latest audit of each cluster', () => {
  it('tells which was audited long ago, and which only in part', async () => {
    await audited(ARN, '2026-10-01', 4);
    await audited(ARN, '2026-10-02', 5);
    await audited('old', '2026-09-20', 1);
    await publish(
      store,
      aReport({
        runId: runOf('2026-10-02'),
        startedAt: '2026-10-02T02:00:00Z',
        scope: 'part',
        cluster: { name: 'part', uid: 'u', version: 'v1.36.0' },
      }),
    );
    const now = new Date('2026-10-02T12:00:00Z');
    const { rows } = await latestOfEach(
      store,
      [ARN, 'old', 'part', 'nothing'],
      now,
      (key) => key,
      nothingDamaged,
    );
    expect(rows).toMatchObject([
      { cluster: ARN, note: null, new: 1, orphans: [4, 5], startedAt: '2026-10-02T02:00:00Z' },
      { cluster: 'old', note: 'not audited for 12 days' },
      { cluster: 'part', note: 'only a part of it was ever audited' },
      { cluster: 'nothing', note: 'no audit within a year', verdict: 'incomplete', href: null },
    ]);
    expect(rows[0]?.href).toBe(keys.reportPage({ cluster: ARN, runId: runOf('2026-10-02') }));
  });
});
