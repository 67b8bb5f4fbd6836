/** Reads earlier reports from a bucket, through the command line. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publish } from '../../lib/audit/index.ts';
import { S3Store } from '../../lib/history/index.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import { run, type Said } from '../bin/run.ts';
import { aFinding, aReport } from '../report/sample.ts';
import { hasMoto, type Moto, startMoto } from './moto.ts';

const NIGHTS = 15;
const at = (nightsAgo: number): Date => new Date(Date.now() - nightsAgo * 86_400_000);
const dayOf = (nightsAgo: number): string => at(nightsAgo).toISOString().slice(0, 10);

describe.skipIf(!hasMoto)('reports of a bucket', { timeout: 60_000 }, () => {
  let moto: Moto;
  const reports = async (...args: string[]): Promise<Said> =>
    await run('reports', ...args, '--store', 's3://audits/netns');

  beforeAll(async () => {
    moto = await startMoto();
    await new S3Client({ forcePathStyle: true }).send(
      new CreateBucketCommand({
        Bucket: 'audits',
        CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
      }),
    );
    const store = new S3Store({ bucket: 'audits', prefix: 'netns' });
    // A page of this S3 has ten keys: each cluster needs several.
    for (const name of ['prod-eu', 'prod-us'])
      for (let night = NIGHTS - 1; night >= 0; night -= 1) {
        const faulty = name === 'prod-us' && night === 3;
        await publish(
          store,
          aReport({
            runId: newRunId(at(night), name),
            cluster: { name, uid: name, version: 'v1.36.0' },
            startedAt: at(night).toISOString(),
            finishedAt: at(night).toISOString(),
            verdict: faulty ? 'critical' : 'healthy',
            findings: faulty ? [aFinding()] : [],
            nodes: aReport().nodes.map((node) => ({ ...node, orphans: NIGHTS - night })),
          }),
        );
      }
  }, 120_000);
  afterAll(async () => await moto?.stop());

  it('are said to be missing until the first run of a stack has ended', async () => {
    const { code, error } = await run('reports', 'list', '--store', 's3://audits/before-the-first-night');
    expect({ code, error }).toMatchObject({
      code: 2,
      error: expect.stringContaining('its first run has not ended yet (docs/operations.md'),
    });
  });

  it('are listed by date, cluster, check and node', async () => {
    const list = async (...args: string[]): Promise<{ cluster: string; startedAt: string }[]> =>
      JSON.parse((await reports('list', '-o', 'json', '--limit', '100', ...args)).out);
    expect(await list()).toHaveLength(2 * NIGHTS);
    expect(await list('--since', dayOf(4), '--until', dayOf(2), '--cluster', 'prod-us')).toHaveLength(3);
    for (const asked of [
      ['--check', 'pod-interface-missing'],
      ['--node', 'node-1'],
    ])
      expect(await list(...asked)).toMatchObject([
        { cluster: 'prod-us', startedAt: expect.stringContaining(dayOf(3)) },
      ]);
  });

  it('are shown and compared', async () => {
    expect((await reports('show', '--cluster', 'prod-eu')).out).toMatch(/^HEALTHY {2}prod-eu/m);
    expect((await reports('show', dayOf(3), '--cluster', 'prod-us')).out).toMatch(/^CRITICAL {2}prod-us/m);
    const { out } = await reports('diff', dayOf(3), dayOf(2), '--cluster', 'prod-us');
    expect(out).toContain('- critical pod-interface-missing  shop/web-1 on node-1');
  });

  it('have trends', async () => {
    const { out } = await reports('trend', 'orphans', '--since', '16d', '--columns', '8', '--ascii');
    expect(out).toMatch(/^prod-eu {2}.+-> 15 +max 15$/m);
    expect(out).toMatch(/^prod-us {2}.+-> 15 +max 15$/m);
  });

  it('answer SQL, from the days and the cluster that were asked for', async () => {
    const select = 'SELECT cluster, count(*) AS runs, max(orphans) AS most FROM nodes GROUP BY 1 ORDER BY 1';
    expect((await reports('query', select, '-o', 'csv')).out).toBe(
      'cluster,runs,most\r\nprod-eu,15,15\r\nprod-us,15,15\r\n',
    );
    const some = await reports('query', select, '--since', dayOf(4), '--cluster', 'prod-us', '-o', 'csv');
    expect(some.out).toBe('cluster,runs,most\r\nprod-us,5,15\r\n');
  });

  it('are asked for in a bucket that is not there: it says so, and what to do', async () => {
    const { code, error } = await run('reports', 'list', '--store', 's3://no-such-bucket');
    expect(code).toBe(5);
    expect(error).toContain('Check the name of the bucket');
  });
});
