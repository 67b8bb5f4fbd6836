import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusters, DirectoryStore, keys, latestReport, pointToLatest } from '../../lib/history/index.ts';
import { clusterKey, clusterOf } from '../../lib/history/keys.ts';
import { aFinding, aReport } from '../report/sample.ts';

const directory = (): Promise<string> => mkdtemp(join(tmpdir(), 'netns-auditor-'));

describe('a pointer that somebody damaged', () => {
  it.each(['', 'half a {', '{}', '{"runId":1}', 'null'])(
    'names its file and the way out: %j',
    async (text) => {
      const path = await directory();
      const file = join(path, keys.latest('prod'));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      const store = new DirectoryStore(path);
      const expected = {
        code: 'STORE',
        message: expect.stringContaining(file),
        remedy: expect.stringContaining('Move the file away'),
      };
      await expect(latestReport(store, { name: 'prod', uid: 'c0ffee' })).rejects.toMatchObject(expected);
      await expect(
        pointToLatest(store, { cluster: 'prod', runId: '20260101T000000Z-a' }),
      ).rejects.toMatchObject(expected);
    },
  );
});

it('a report from before findings flapped, were remembered and said what a step of a repair is for is still read', async () => {
  const { remembered: _, ...old } = aReport();
  const { flapping: _f, returnedAt: _r, ...known } = aFinding();
  const finding = { ...known, remedy: known.remedy.map(({ purpose: _p, ...step }) => step) };
  const store = new DirectoryStore(await directory());
  const run = { cluster: old.cluster.name, runId: old.runId };
  await store.putOnce(keys.report(run), Buffer.from(JSON.stringify({ ...old, findings: [finding] })));
  await pointToLatest(store, run);
  expect(await latestReport(store, old.cluster)).toMatchObject({
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
          // With what a writer appends for its temporary files.
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
