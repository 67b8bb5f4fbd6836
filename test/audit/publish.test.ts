import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { publish } from '../../lib/audit/index.ts';
import { DirectoryStore, keys } from '../../lib/history/index.ts';
import { aFinding, aReport } from '../report/sample.ts';

it('keeps a report for people beside the one for programs', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'netns-audit-publish-'));
  try {
    const store = new DirectoryStore(directory);
    const report = aReport({ verdict: 'critical', findings: [aFinding()] });
    await publish(store, report);
    const page = await store.get(keys.reportPage({ cluster: 'prod-eu', runId: report.runId }));
    expect(Buffer.from(page?.body ?? []).toString()).toContain('kubectl delete pod -n shop web-1');
  } finally {
    await rm(directory, { recursive: true });
  }
});
