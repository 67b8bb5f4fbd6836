import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { publish } from '../../lib/audit/index.ts';
import { DirectoryStore, keys } from '../../lib/history/index.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { keysOf } from '../history/store-contract.ts';
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

it('a number that tables cannot hold is null in them, and costs no report', async () => {
  const store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-audit-publish-')));
  try {
    const [facts] = aReport().nodes;
    const report = aReport({ nodes: [{ ...(facts as NonNullable<typeof facts>), limit: 3_000_000_000 }] });
    await publish(store, report);
    const rows = await store.get(keys.nodes({ cluster: 'prod-eu', runId: report.runId }));
    const [row] = gunzipSync(rows?.body ?? '')
      .toString()
      .split('\n');
    expect(JSON.parse(row ?? '')).toMatchObject({ node: facts?.node, limit: null });
  } finally {
    await rm(store.location, { recursive: true });
  }
});

describe('a report that could not be read back', () => {
  const [facts] = aReport().nodes;
  it.each([
    ['a number beyond all bounds', { nodes: [{ ...facts, limit: 1e20 }] }],
    ['a number that is none', { nodes: [{ ...facts, pods: Number.NaN }] }],
    ['a time that is none', { startedAt: 'yesterday' }],
    ['a name of a run that is none', { runId: '../../x' }],
    ['a finding without a title', { findings: [{ ...aFinding(), title: undefined }] }],
  ])('is not written, and the latest one stays: %s', async (_, changes) => {
    const store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-audit-publish-')));
    try {
      await publish(store, aReport());
      const before = await keysOf(store.list(''));
      const latest = Buffer.from((await store.get(keys.latest('prod-eu')))?.body ?? '').toString();
      const later = { ...aReport({ runId: '20260103T030405Z-0a1b2c3d' }), ...changes } as ClusterReport;
      await expect(publish(store, later)).rejects.toMatchObject({
        code: 'STORE',
        message: expect.stringContaining('is not written'),
      });
      expect(await keysOf(store.list(''))).toEqual(before);
      expect(Buffer.from((await store.get(keys.latest('prod-eu')))?.body ?? '').toString()).toBe(latest);
    } finally {
      await rm(store.location, { recursive: true });
    }
  });

  it('is never what `latest` leads to, also where it was there before', async () => {
    const store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-audit-publish-')));
    try {
      const report = aReport();
      await store.putOnce(keys.report({ cluster: 'prod-eu', runId: report.runId }), Buffer.from('{'));
      await expect(publish(store, report)).rejects.toMatchObject({ code: 'STORE' });
      expect(await store.get(keys.latest('prod-eu'))).toBeNull();
    } finally {
      await rm(store.location, { recursive: true });
    }
  });
});
