import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clusters, DirectoryStore, keys, latestReport, pointToLatest } from '../../lib/history/index.ts';
import { clusterKey, clusterOf } from '../../lib/history/keys.ts';
import type { AuditError } from '../../lib/model/errors.ts';
import { aFinding, aReport } from '../report/sample.ts';
import { nothingDamaged } from './nothing-damaged.ts';

const directory = (): Promise<string> => mkdtemp(join(tmpdir(), 'netns-auditor-'));

const runOf = (runId: string): { cluster: string; runId: string } => ({ cluster: 'prod-eu', runId });
const OLD = '20260101T000000Z-a';
const NEW = '20260102T000000Z-b';

/** A store with two reports of the whole cluster, and a pointer to the newer one. */
async function twoRuns(): Promise<{ store: DirectoryStore; path: (key: string) => string }> {
  const store = new DirectoryStore(await directory());
  for (const runId of [OLD, NEW])
    await store.putOnce(keys.report(runOf(runId)), Buffer.from(JSON.stringify(aReport({ runId }))));
  await pointToLatest(store, runOf(NEW), TIME);
  return { store, path: (key) => join(store.location, key) };
}

const TIME = Date.parse('2026-01-03T00:00:00Z');

describe('a pointer that somebody damaged', () => {
  const pointer = (runId: string, report: string): string => JSON.stringify({ runId, report });
  beforeEach(() => vi.useFakeTimers({ now: TIME, toFake: ['Date'] }));
  afterEach(() => vi.useRealTimers());

  it.each([
    '',
    'half a {',
    '{}',
    '{"runId":1}',
    'null',
    pointer(NEW, '../../../etc/passwd'),
    pointer(NEW, '/etc/passwd'),
    pointer(NEW, `reports/cluster=other/dt=2026-01-02/${NEW}/report.json`),
    pointer(NEW, keys.report(runOf(OLD))),
    pointer('../../x', 'reports/cluster=prod-eu/dt=../../x/report.json'),
    `{"runId":"${NEW}","report":"${'x'.repeat(100_000)}"}`,
  ])('costs itself: the newest report stands in, and the next run writes it anew: %j', async (text) => {
    const { store, path } = await twoRuns();
    const file = path(keys.latest('prod-eu'));
    await writeFile(file, text);
    const damages: AuditError[] = [];
    const found = await latestReport(store, aReport().cluster, (damage) => damages.push(damage));
    expect(found?.runId).toBe(NEW);
    expect(damages).toMatchObject([
      {
        message: expect.stringContaining(file),
        remedy: expect.stringContaining(`Run ${NEW} is used instead`),
      },
    ]);
    // A late run does not take over the pointer.
    await pointToLatest(store, runOf(OLD));
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      runId: NEW,
      report: keys.report(runOf(NEW)),
    });
  });

  it.each([
    ['is empty', ''],
    ['is cut', '{"schemaVersion":1,'],
    ['is of a newer version', JSON.stringify({ ...aReport({ runId: NEW }), schemaVersion: 2 })],
    ['is of another run', JSON.stringify(aReport({ runId: OLD }))],
    [
      'is of another cluster',
      JSON.stringify(aReport({ runId: NEW, cluster: { name: 'other', uid: 'c0ffee', version: '' } })),
    ],
    ['has a number that is none', JSON.stringify(aReport({ runId: NEW })).replace('63000', '1e20')],
    ['has no end', `${'['.repeat(200_000)}`],
    ['is deep', `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`],
  ])('leads to a report that %s: the one before stands in', async (_, text) => {
    const { store, path } = await twoRuns();
    await writeFile(path(keys.report(runOf(NEW))), text);
    const damages: AuditError[] = [];
    const found = await latestReport(store, aReport().cluster, (damage) => damages.push(damage));
    expect(found?.runId).toBe(OLD);
    expect(damages).toMatchObject([{ message: expect.stringContaining(keys.report(runOf(NEW))) }]);
  });

  it('is gone: the newest report stands in, and says so; where only parts were audited, nothing is missed', async () => {
    const { store, path } = await twoRuns();
    await rm(path(keys.latest('prod-eu')));
    const damages: AuditError[] = [];
    const found = await latestReport(store, aReport().cluster, (damage) => damages.push(damage));
    expect(found?.runId).toBe(NEW);
    expect(damages).toMatchObject([{ message: expect.stringMatching(/is gone/) }]);
    await writeFile(path(keys.report(runOf(NEW))), JSON.stringify(aReport({ runId: NEW, scope: 'part' })));
    await writeFile(path(keys.report(runOf(OLD))), JSON.stringify(aReport({ runId: OLD, scope: 'part' })));
    expect(await latestReport(store, aReport().cluster, nothingDamaged)).toBeNull();
  });

  it('says that there is nothing to compare with where no report can be read', async () => {
    const { store, path } = await twoRuns();
    for (const runId of [OLD, NEW]) await writeFile(path(keys.report(runOf(runId))), '{');
    const damages: AuditError[] = [];
    expect(await latestReport(store, aReport().cluster, (damage) => damages.push(damage))).toBeNull();
    expect(damages.map(({ remedy }) => remedy)).toEqual([
      expect.stringContaining('nothing to compare with'),
      expect.stringContaining('nothing to compare with'),
    ]);
  });
});

it('a report from before findings flapped, were remembered and said what a step of a repair is for is still read', async () => {
  const { remembered: _, ...old } = aReport();
  const { flapping: _f, returnedAt: _r, ...known } = aFinding();
  const finding = { ...known, remedy: known.remedy.map(({ purpose: _p, ...step }) => step) };
  const store = new DirectoryStore(await directory());
  const run = { cluster: old.cluster.name, runId: old.runId };
  await store.putOnce(keys.report(run), Buffer.from(JSON.stringify({ ...old, findings: [finding] })));
  await pointToLatest(store, run);
  expect(await latestReport(store, old.cluster, nothingDamaged)).toMatchObject({
    remembered: [],
    findings: [{ flapping: false, returnedAt: null }],
  });
});

it('the latest report is the later one, unless a clock that was wrong named it', async () => {
  const store = new DirectoryStore(await directory());
  const now = Date.parse('2026-11-20T02:00:00Z');
  const point = async (runId: string): Promise<unknown> => {
    await pointToLatest(store, { cluster: 'prod', runId }, now);
    return JSON.parse(Buffer.from((await store.get(keys.latest('prod')))?.body ?? '').toString()).runId;
  };
  expect(await point('20261120T020000Z-b')).toBe('20261120T020000Z-b');
  expect(await point('20261120T010000Z-a')).toBe('20261120T020000Z-b');
  expect(await point('20380119T031407Z-c')).toBe('20380119T031407Z-c');
  expect(await point('20261120T020001Z-d')).toBe('20261120T020001Z-d');
});

describe('names in paths', () => {
  const run = (cluster: string) => ({ cluster, runId: '20260101T000000Z-a' });
  const any = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 });

  it('fit into a file system, whatever the cluster or node is called', () => {
    fc.assert(
      fc.property(any, (name) => {
        const paths = [keys.latest(name), keys.evidence(run(name), name), keys.report(run(name))];
        for (const part of paths.flatMap((path) => path.split('/'))) {
          // With the suffix that a writer adds to its temporary files.
          expect(Buffer.byteLength(part) + 60).toBeLessThanOrEqual(255);
          expect(part).not.toMatch(/^\.{1,2}$/);
        }
      }),
    );
  });

  it('differ for names that differ, though they are long or no well-formed text', () => {
    const long = 'ü'.repeat(200);
    const names = [long, `${long}a`, `${long}b`, '\ud800', '\ud801', '\ufffd', 'a@b', 'a'];
    expect(new Set(names.map(clusterKey)).size).toBe(names.length);
    for (const name of names) expect(clusterOf(clusterKey(name))).not.toBeNull();
  });

  it('that somebody else put there are no clusters, and in nobody’s way', async () => {
    const path = await directory();
    const store = new DirectoryStore(path);
    await pointToLatest(store, run('prod'));
    await writeFile(join(path, 'latest', 'cluster=%E0%A4%A.json'), '{}');
    await writeFile(join(path, 'latest', 'README'), 'ours');
    expect(await clusters(store)).toEqual(['prod']);
  });

  it('hold a report of a cluster whose name has 255 bytes', async () => {
    const store = new DirectoryStore(await directory());
    const cluster = 'x'.repeat(255);
    await pointToLatest(store, run(cluster));
    expect(await store.get(keys.latest(cluster))).not.toBeNull();
  });
});
