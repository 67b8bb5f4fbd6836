import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DirectoryStore, keys, latestReport, pointToLatest } from '../../lib/history/index.ts';
import { clusterKey, clusterOf } from '../../lib/history/keys.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import { aReport } from '../report/sample.ts';
import { nothingDamaged } from './nothing-damaged.ts';
import { describeStore, keysOf } from './store-contract.ts';

const directory = (): Promise<string> => mkdtemp(join(tmpdir(), 'netns-auditor-'));

describe('the store in a directory', () => {
  describeStore(async () => {
    const path = await directory();
    return { store: new DirectoryStore(path), other: new DirectoryStore(path) };
  });

  it('keeps to its place when that is named as the keys begin', async () => {
    const path = await directory();
    const store = new DirectoryStore(path);
    // As with `--store reports`: both paths begin alike.
    const key = `${path}/x`.slice(1);
    await store.putOnce(key, Buffer.from('x'));
    expect(await keysOf(store.list(''))).toEqual([key]);
  });

  it('reads nothing behind a link that leads out of it, and writes nothing there', async () => {
    const [path, outside] = [await directory(), await directory()];
    await writeFile(join(outside, 'secret.json'), 'secret');
    await symlink(outside, join(path, 'reports'));
    await symlink(join(outside, 'secret.json'), join(path, 'own.json'));
    const store = new DirectoryStore(path);
    const refused = { code: 'STORE', message: expect.stringContaining('leads out of the store') };
    await expect(store.get('own.json')).rejects.toMatchObject(refused);
    await expect(store.get('reports/secret.json')).rejects.toMatchObject(refused);
    await expect(keysOf(store.list('reports/'))).rejects.toMatchObject(refused);
    await expect(store.putOnce('reports/x', Buffer.from(''))).rejects.toMatchObject(refused);
    await expect(store.replace('reports/x', Buffer.from(''), null)).rejects.toMatchObject(refused);
    expect(await readdir(outside)).toEqual(['secret.json']);
    // The store itself may be behind a link.
    const link = join(outside, 'store');
    await symlink(path, link);
    await new DirectoryStore(link).putOnce('a', Buffer.from('a'));
    expect(await readFile(join(path, 'a'), 'utf8')).toBe('a');
  });

  it('says of a directory in the place of a file that it is one, also where it is empty', async () => {
    const path = await directory();
    await mkdir(join(path, 'latest/cluster=a.json'), { recursive: true });
    const store = new DirectoryStore(path);
    expect(await keysOf(store.list('latest/'))).toEqual(['latest/cluster=a.json']);
    await expect(store.get('latest/cluster=a.json')).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringContaining('directory'),
      remedy: expect.stringContaining(`mv ${path}/latest/cluster=a.json`),
    });
  });

  it('does not wait for a pipe in the place of a file', async () => {
    const path = await directory();
    execFileSync('sh', ['-c', 'mkfifo "$0"', join(path, 'a.json')]);
    await expect(new DirectoryStore(path).get('a.json')).rejects.toMatchObject({ code: 'STORE' });
  });

  it('names what killed writers left when nobody writes it any more', async () => {
    const path = await directory();
    for (const name of ['old.part', 'old.lock', 'new.part']) await writeFile(join(path, name), '');
    for (const name of ['old.part', 'old.lock']) await utimes(join(path, name), 0, 0);
    expect((await keysOf(new DirectoryStore(path).leftovers(''))).toSorted()).toEqual([
      'old.lock',
      'old.part',
    ]);
  });

  it('does not show what a killed writer left', async () => {
    const path = await directory();
    await writeFile(join(path, 'report.json.0000.part'), 'half');
    expect(await keysOf(new DirectoryStore(path).list(''))).toEqual([]);
  });

  it('leaves nothing of what could not be written, as a full disk needs the room', async () => {
    const path = await directory();
    const unwritable = {} as Uint8Array;
    await expect(new DirectoryStore(path).putOnce('a', unwritable)).rejects.toMatchObject({ code: 'STORE' });
    expect(await readdir(join(path, '.parts'))).toEqual([]);
  });

  it('names the path and the way out when it cannot write', async () => {
    const path = join(await directory(), 'file');
    await writeFile(path, '');
    await expect(new DirectoryStore(path).putOnce('a', Buffer.from(''))).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringContaining(path),
      remedy: expect.stringContaining('--store'),
    });
  });
});

it.skipIf(process.platform !== 'linux')(
  'refuses a place where no directory can be made, and does not try for ever',
  async () => {
    const store = new DirectoryStore('/proc/no/audits');
    const refused = {
      code: 'STORE',
      message: expect.stringContaining('the file system of /proc lets nobody make /proc/no'),
      remedy: expect.stringContaining('choose another with --store'),
    };
    await expect(store.putOnce('a', Buffer.from(''))).rejects.toMatchObject(refused);
    await expect(store.replace('a', Buffer.from(''), null)).rejects.toMatchObject(refused);
  },
);

describe('keys', () => {
  it.each(['prod', 'arn:aws:eks:eu-west-1:1:cluster/prod', '..', 'a b%2F', 'ünïcode'])(
    'hold any cluster name as one part of a path, and give it back: %s',
    (name) => {
      expect(clusterKey(name)).toMatch(/^[^/:.]+$/);
      expect(clusterOf(clusterKey(name))).toBe(name);
    },
  );

  it('sort runs by time and have no colon', () => {
    const [a, b] = [
      newRunId(new Date('2026-01-02T03:04:05Z'), 'x'),
      newRunId(new Date('2026-01-02T03:04:06Z'), 'a'),
    ];
    expect(a < b).toBe(true);
    expect(a).not.toContain(':');
    expect(keys.report({ cluster: 'c', runId: a })).toBe(`reports/cluster=c/dt=2026-01-02/${a}/report.json`);
  });
});

describe('the latest report', () => {
  it('only moves forward in time', async () => {
    const store = new DirectoryStore(await directory());
    for (const runId of ['20260102T000000Z-a', '20260103T000000Z-b', '20260101T000000Z-c']) {
      const report = aReport({ runId });
      await store.putOnce(keys.report({ cluster: 'prod-eu', runId }), Buffer.from(JSON.stringify(report)));
      await pointToLatest(store, { cluster: 'prod-eu', runId });
    }
    expect((await latestReport(store, { name: 'prod-eu', uid: 'c0ffee' }, nothingDamaged))?.runId).toBe(
      '20260103T000000Z-b',
    );
  });

  it('is none when another cluster has taken the name', async () => {
    const store = new DirectoryStore(await directory());
    const report = aReport();
    await store.putOnce(
      keys.report({ cluster: 'prod-eu', runId: report.runId }),
      Buffer.from(JSON.stringify(report)),
    );
    await pointToLatest(store, { cluster: 'prod-eu', runId: report.runId });
    expect(await latestReport(store, { name: 'prod-eu', uid: 'another' }, nothingDamaged)).toBeNull();
  });
});
