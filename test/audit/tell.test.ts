import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tell } from '../../lib/audit/tell.ts';
import { DirectoryStore } from '../../lib/history/index.ts';
import { settingsSchema } from '../../lib/model/config.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { aFinding, aReport } from '../report/sample.ts';

const { thresholds } = settingsSchema.parse({ thresholds: { reminderDays: 1000 } });

let directory: string;
let subjects: string[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'netns-audit-tell-'));
  subjects = [];
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

type Part = { time: string } & Pick<ClusterReport, 'scope' | 'findings'>;

async function on(
  day: string,
  cluster = 'prod-eu',
  { time = '02:00', scope = 'cluster', findings = [aFinding({ state: 'open' })] }: Partial<Part> = {},
): Promise<void> {
  const report = aReport({
    runId: `${day.replaceAll('-', '')}T${time.replace(':', '')}00Z-00000000`,
    startedAt: `${day}T${time}:00Z`,
    cluster: { name: cluster, uid: 'c0ffee', version: 'v1.36.0' },
    verdict: 'critical',
    scope,
    findings,
  });
  const notifier = {
    destination: 'the topic',
    async publish({ subject }: { subject: string }) {
      subjects.push(subject);
      return 'id';
    },
  };
  await tell(new DirectoryStore(directory), report, thresholds, { notifier, consoleRegion: null });
}

it('knows what it said, however long ago the last run was', async () => {
  for (const day of ['2026-01-31', '2026-02-01', '2026-02-28', '2026-04-01', '2027-01-01', '2028-09-01'])
    await on(day);
  expect(subjects).toHaveLength(1);
});

it('knows it as well where nothing says which record is the last, as an older version left it', async () => {
  for (const day of ['2026-01-31', '2026-02-01', '2027-01-01']) {
    await on(day);
    await rm(join(directory, 'alerts/cluster=prod-eu/last.json'));
  }
  expect(subjects).toHaveLength(1);
});

it('says each thing once where an hourly run begins and ends while a nightly one is under way', async () => {
  const counted = aFinding({ fingerprint: 'counted', check: 'namespace-orphaned', state: 'new' });
  const broken = aFinding({ fingerprint: 'broken', state: 'new' });
  const hourly: Partial<Part> = { scope: 'part', findings: [counted] };
  await on('2026-01-31', 'prod', { ...hourly, time: '02:30' });
  await on('2026-01-31', 'prod', { time: '02:00', findings: [counted, broken] });
  await on('2026-01-31', 'prod', { ...hourly, time: '03:30' });
  await on('2026-02-01', 'prod', { time: '02:00', findings: [counted, { ...broken, state: 'open' }] });
  expect(subjects).toHaveLength(2);
});

it('does not take what it said of another cluster for it', async () => {
  await on('2026-01-31', 'prod');
  await on('2026-01-31', 'prod-eu');
  await on('2026-02-01', 'prod');
  expect(subjects).toHaveLength(2);
});

it('says nothing twice of one run', async () => {
  for (const _ of [1, 2]) await on('2026-01-31');
  expect(subjects).toHaveLength(1);
});
