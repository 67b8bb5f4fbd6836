import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tell } from '../../lib/audit/tell.ts';
import { DirectoryStore } from '../../lib/history/index.ts';
import { settingsSchema } from '../../lib/model/config.ts';
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

async function on(day: string, cluster = 'prod-eu'): Promise<void> {
  const report = aReport({
    runId: `${day.replaceAll('-', '')}T020000Z-00000000`,
    startedAt: `${day}T02:00:00Z`,
    cluster: { name: cluster, uid: 'c0ffee', version: 'v1.36.0' },
    verdict: 'critical',
    findings: [aFinding({ state: 'open' })],
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
