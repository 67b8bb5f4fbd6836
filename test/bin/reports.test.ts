import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isAsciiOnly, sparkline } from '../../bin/sparkline.ts';
import { publish } from '../../lib/audit/index.ts';
import { DirectoryStore, keys } from '../../lib/history/index.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import { aFinding, aReport } from '../report/sample.ts';
import { run as runCommand, type Said } from './run.ts';

let directory: string;
const at = (daysAgo: number): Date => new Date(Date.now() - daysAgo * 86_400_000);
const runIds = [2, 1, 0].map((daysAgo) => newRunId(at(daysAgo), 'test'));

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'netns-audit-reports-'));
  const store = new DirectoryStore(directory);
  for (const [index, runId] of runIds.entries()) {
    const startedAt = at(2 - index).toISOString();
    const facts = aReport().nodes.map((node) => ({ ...node, orphans: 4 * index }));
    await publish(
      store,
      aReport({
        runId,
        startedAt,
        finishedAt: startedAt,
        nodes: facts,
        findings: index === 1 ? [] : [aFinding({ fingerprint: `f${index}` })],
        verdict: index === 1 ? 'healthy' : 'critical',
      }),
    );
  }
});
afterAll(async () => await rm(directory, { recursive: true }));

const run = async (...args: string[]): Promise<Said> =>
  await runCommand('reports', ...args, '--store', directory);

describe('netns-audit reports', () => {
  it('lists runs, newest first, each in a line', async () => {
    const { out, code } = await run('list');
    expect(code).toBe(0);
    const [, newest, middle] = out.split('\n');
    expect(newest).toMatch(/prod-eu +critical +1 critical +0 +1 +2\d{7}T/);
    expect(middle).toMatch(/prod-eu +healthy +- +0 +1 /);
    expect(
      JSON.parse((await run('list', '-o', 'json', '--check', 'pod-interface-missing')).out),
    ).toHaveLength(2);
  });

  it('shows the latest report, one by its run and one by its day, in any format', async () => {
    expect((await run('show')).out).toMatch(/^CRITICAL {2}prod-eu/m);
    expect((await run('show', runIds[1] ?? '')).out).toMatch(/^HEALTHY/m);
    const day = at(1).toISOString().slice(0, 10);
    expect(JSON.parse((await run('show', day, '-o', 'json')).out).runId).toBe(runIds[1]);
  });

  it('shows one check of a report, in full', async () => {
    const { out } = await run('show', 'latest', 'pod-interface-missing');
    expect(out).toBe((await run('show', '--check', 'pod-interface-missing')).out);
    expect(out).toContain('kubectl delete pod');
    expect(await run('show', 'latest', 'no-such-check')).toMatchObject({ code: 2, out: '' });
    const two = await run('show', 'latest', 'pod-interface-missing', '--check', 'host-route-missing');
    expect(two).toMatchObject({ code: 2, out: '' });
    expect(two.error).toContain('two checks are named');
  });

  it.each(['list', 'show', 'trend', 'fleet', 'query SELECT * FROM findings'])(
    'writes %s in a terminal without a size (0 columns, as in CI) as where there is none',
    async (line) => {
      const [command = '', ...sql] = line.split(/ (.*)/).filter((word) => word !== '');
      const { columns } = process.stdout;
      onTestFinished(() => {
        process.stdout.columns = columns;
      });
      const inColumns = async (count: number | undefined) => {
        Object.assign(process.stdout, { columns: count });
        return (await run(command, ...sql)).out;
      };
      const expected = await inColumns(undefined);
      expect(await inColumns(40)).not.toBe(expected);
      expect(await inColumns(0)).toBe(expected);
    },
  );

  it('tells what is different between two runs', async () => {
    const { out } = await run('diff', runIds[0] ?? '', runIds[1] ?? '');
    expect(out).toContain('- critical pod-interface-missing  shop/web-1 on node-1');
    expect((await run('diff', runIds[1] ?? '')).out).toContain('+ critical pod-interface-missing');
    expect((await run('diff')).out).toBe((await run('diff', runIds[1] ?? '', runIds[2] ?? '')).out);
    expect(await run('diff', 'latest')).toMatchObject({
      code: 2,
      error: expect.stringContaining(`both are run ${runIds[2]}`),
    });
    expect((await run('diff', 'previous', runIds[0] ?? '')).error).toContain(`before ${runIds[0]}`);
  });

  it('shows and compares what is about one check or node, and judges just that', async () => {
    expect((await run('show', '--node', 'node-1')).out).toMatch(/^CRITICAL {2}prod-eu: 1 critical/m);
    expect((await run('show', runIds[1] ?? '', '--node', 'node-1')).out).toMatch(/^HEALTHY/m);
    expect(await run('show', '--node', 'node-7')).toMatchObject({ code: 2, out: '' });
    expect(await run('show', '--check', 'no-such-check')).toMatchObject({ code: 2, out: '' });
    expect((await run('diff', runIds[1] ?? '', '--check', 'veth-peer-missing')).out).toContain(
      'No difference.',
    );
  });

  it('lists audits of whole clusters only, where that is asked for', async () => {
    const part = newRunId(at(0), 'part');
    await publish(
      new DirectoryStore(directory),
      aReport({ runId: part, scope: 'part', startedAt: at(0).toISOString() }),
    );
    expect((await run('list')).out).toContain(part);
    const whole = (await run('list', '--whole')).out;
    expect(whole).not.toContain(part);
    expect(whole).toContain(runIds[0]);
  });

  it('means by a day its audit of the whole cluster, also where a part was audited later', async () => {
    const evening = new Date(`${at(1).toISOString().slice(0, 10)}T23:59:59.000Z`);
    const report = aReport({ runId: newRunId(evening, 'part'), scope: 'part' });
    await publish(new DirectoryStore(directory), report);
    const day = evening.toISOString().slice(0, 10);
    expect(JSON.parse((await run('show', day, '-o', 'json')).out).runId).toBe(runIds[1]);
    await rm(join(directory, keys.report({ cluster: 'prod-eu', runId: report.runId })));
  });

  it('lists the runs between two days', async () => {
    const day = at(1).toISOString().slice(0, 10);
    const { out } = await run('list', '--since', day, '--until', day, '-o', 'json');
    expect(JSON.parse(out).map(({ runId }: { runId: string }) => runId)).toEqual([runIds[1]]);
  });

  it('asks no month before the first report, however long ago that is', async () => {
    const { out } = await run('list', '--since', '0001-01-01', '-o', 'json');
    expect(JSON.parse(out).map(({ runId }: { runId: string }) => runId)).toContain(runIds[0]);
    expect(await run('list', '--since', '9999y')).toMatchObject({ code: 2 });
  });

  it('reads no report of a run that has no finding of the check that is asked for', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'netns-audit-reports-'));
    try {
      await cp(directory, copy, { recursive: true });
      const run = { cluster: 'prod-eu', runId: runIds[1] ?? '' };
      await writeFile(join(copy, keys.report(run)), 'damaged');
      const asked = ['reports', 'list', '--store', copy, '-o', 'json'];
      const { out } = await runCommand(...asked, '--check', 'pod-interface-missing', '--node', 'node-1');
      expect(JSON.parse(out)).toHaveLength(2);
    } finally {
      await rm(copy, { recursive: true });
    }
  });

  it('asks SQL of all runs', async () => {
    const { out } = await run('query', 'SELECT max(orphans) AS most FROM nodes', '-o', 'csv');
    expect(out).toBe('most\r\n8\r\n');
    expect(await run('query', 'DROP TABLE nodes')).toMatchObject({ code: 2, out: '' });
  });

  it('draws a trend, also where a terminal has ASCII only', async () => {
    const { out } = await run('trend', 'orphans', '--since', '3d', '--columns', '3', '--ascii');
    expect(out).toMatch(/^prod-eu {2}[_.:=+*# -]{3} +0 -> 8 +max 8$/m);
  });

  it('shows the audit before the latest one', async () => {
    const [latest, previous] = JSON.parse((await run('list', '--whole', '-o', 'json')).out);
    expect(JSON.parse((await run('show', 'previous', '-o', 'json')).out).runId).toBe(previous.runId);
    expect(latest.runId).not.toBe(previous.runId);
  });

  it('tells a store that is not there from one that is empty', async () => {
    const said = await runCommand('reports', 'list', '--store', '/no/such/store');
    expect(said).toMatchObject({ code: 2, error: expect.stringContaining('there is no such directory') });
  });

  it('says what to do where a run, a metric or a store is not there', async () => {
    expect(await run('show', '20200101T000000Z-00000000')).toMatchObject({ code: 2 });
    expect((await run('show', '20200101T000000Z-00000000')).error).toContain('netns-audit reports list');
    expect((await run('trend', 'happiness')).error).toContain('There is orphans, namespaces');
    expect((await run('list', '--since', 'yesterday')).code).toBe(2);
    expect((await run('list', '--since', '2026-02-31')).code).toBe(2);
    for (const command of [['list'], ['show'], ['trend'], ['fleet'], ['query', 'SELECT 1']]) {
      const { code, error } = await run(...command, '--cluster', 'prod-us');
      expect(code).toBe(2);
      expect(error).toContain('has no reports of prod-us\n  It has reports of: prod-eu\n');
    }
  });
});

describe('bars', () => {
  it('go from zero to the largest, with gaps where nothing is known', () => {
    expect(sparkline([0, 4, null, 8], { ascii: false })).toBe('▁▅ █');
    expect(sparkline([0, 4, null, 8], { ascii: true })).toBe('_= #');
    expect(sparkline([0, 0], { ascii: false })).toBe('▁▁');
  });

  it('are plain where the locale is', () => {
    expect(isAsciiOnly({ LANG: 'C.UTF-8' })).toBe(false);
    expect(isAsciiOnly({ TERM: 'dumb', LANG: 'C.UTF-8' })).toBe(true);
    if (process.platform === 'linux') expect(isAsciiOnly({ LANG: 'C', LC_ALL: '' })).toBe(true);
  });
});
