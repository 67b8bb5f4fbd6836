import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { explain } from '../../bin/exit.ts';
import { publish } from '../../lib/audit/index.ts';
import { DirectoryStore, type Store } from '../../lib/history/index.ts';
import { type QueryOptions, type QueryResult, query } from '../../lib/history/query.ts';
import { NAMED_QUERIES } from '../../lib/infra/queries.ts';
import type { AuditError } from '../../lib/model/errors.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { aFinding, aReport, hostile } from '../report/sample.ts';
import { nothingDamaged } from './nothing-damaged.ts';

const EKS = 'arn:aws:eks:eu-west-1:1:cluster/prod.us';
const all: QueryOptions = { since: null };

let store: DirectoryStore;
beforeEach(async () => {
  // A name that has a meaning in a glob and in SQL.
  store = new DirectoryStore(await mkdtemp(join(tmpdir(), "netns-audit [q]*'")));
});
afterEach(async () => await rm(store.location, { recursive: true }));

/** A report of one day. */
async function keep(day: string, changes: Partial<ClusterReport> = {}): Promise<void> {
  const runId = `${day.replaceAll('-', '')}T020000Z-0a1b2c3d`;
  await publish(store, aReport({ runId, findings: [aFinding()], ...changes }));
}

const ask = async (sql: string, options: QueryOptions = all): Promise<QueryResult['rows']> =>
  (await query(store, sql, options, nothingDamaged)).rows;

/** The same keys behind an interface that is not a directory, and which of them were read. */
function remote(): { store: Store; read: string[] } {
  const read: string[] = [];
  const other: Store = {
    location: 's3://bucket/reports',
    putOnce: async (key, body) => await store.putOnce(key, body),
    replace: async (key, body, etag) => await store.replace(key, body, etag),
    list: (prefix) => store.list(prefix),
    get: async (key) => {
      read.push(key);
      return await store.get(key);
    },
  };
  return { store: other, read };
}

describe('SQL over the reports', () => {
  it('has the columns that Athena has, with cluster and day', async () => {
    await keep('2026-10-01');
    await keep('2026-10-02', { cluster: { name: EKS, uid: 'u', version: 'v1.36.0' } });
    expect(
      await ask('SELECT cluster, dt, object.node, evidence[1].actual FROM findings ORDER BY dt'),
    ).toEqual([
      ['prod-eu', '2026-10-01', 'node-1', 'lo'],
      [EKS, '2026-10-02', 'node-1', 'lo'],
    ]);
    expect(await ask('SELECT dt, "limit", scope FROM nodes', { since: null, cluster: EKS })).toEqual([
      ['2026-10-02', 63_000, 'cluster'],
    ]);
    expect(await ask('SELECT count(*) FROM nodes', { since: '2026-10-02' })).toEqual([[1]]);
    const described = await ask('DESCRIBE findings');
    expect(described.map(([name]) => name)).toEqual(expect.arrayContaining(['firstSeen', 'cluster', 'dt']));
  });

  it.each(Object.entries(NAMED_QUERIES))('answers the named query %s of Athena as it is', async (_, sql) => {
    await keep(new Date().toISOString().slice(0, 10), {
      resolved: [aFinding({ state: 'resolved', resolution: 'the check passed' })],
    });
    await expect(ask(sql)).resolves.toBeInstanceOf(Array);
  });

  it('has empty tables where there are no rows yet', async () => {
    expect(await ask('SELECT count(*) FROM findings')).toEqual([[0]]);
    await keep('2026-10-01');
    expect(await ask('SELECT count(*) FROM nodes', { since: null, cluster: 'elsewhere' })).toEqual([[0]]);
  });

  it('gives numbers as numbers, unless they are too large for one', async () => {
    expect(await ask('SELECT count(*), 1.5::DECIMAL(4,2), 9007199254740993 FROM findings')).toEqual([
      [0, 1.5, '9007199254740993'],
    ]);
  });

  it.each([
    "COPY (SELECT 1) TO 'FILE'",
    "COPY (SELECT 1) TO 'STORE/findings/x.ndjson.gz'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO 'STORE/findings/x'",
    "SELECT 1; COPY (SELECT 1) TO 'STORE/findings/x'",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "ATTACH 'FILE'",
    'SET enable_external_access = true',
    'INSTALL httpfs',
    'DROP VIEW findings',
    '',
  ])('writes nothing and reads nothing else: %s', async (sql) => {
    await keep('2026-10-01');
    const before = readdirSync(store.location, { recursive: true });
    const file = join(store.location, 'stolen');
    const asked = sql.replace('FILE', file).replace('STORE', store.location.replaceAll("'", "''"));
    await expect(ask(asked)).rejects.toMatchObject({ code: 'USAGE' });
    expect(existsSync(file)).toBe(false);
    expect(readdirSync(store.location, { recursive: true })).toEqual(before);
  });

  it('tells what is wrong with a statement, and which tables there are', async () => {
    await keep('2026-10-01');
    await expect(ask('SELECT * FROM reports')).rejects.toMatchObject({
      message: expect.stringMatching(/does not exist!$/),
    });
    await expect(ask('SELECT')).rejects.toMatchObject({ message: expect.stringMatching(/^Parser Error/) });
    await expect(ask('SELECT nope FROM findings')).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('"nope"'),
      remedy: expect.stringContaining('findings and nodes'),
    });
  });

  it.each([
    ['cut', (rows: Buffer) => rows.subarray(0, rows.length - 12)],
    ['empty', () => Buffer.alloc(0)],
    ['no gzip', () => Buffer.from('no gzip')],
    ['with a bad line', (rows: Buffer) => gzipSync(`${gunzipSync(rows)}{"node": \n`)],
    ['with a line that is no row', (rows: Buffer) => gzipSync(`${gunzipSync(rows)}null\n`)],
    ['with text for a number', () => gzipSync(`{"node": "a", "pods": ${JSON.stringify(hostile)}}\n`)],
    ['of another cluster', () => gzipSync('{"node": "a", "cluster": "other"}\n')],
  ])('leaves out a file that is %s, names it, and counts the others', async (_, damage) => {
    await keep('2026-10-01');
    await keep('2026-10-02');
    const [run] = ['20261002T020000Z-0a1b2c3d'];
    const key = `nodes/dt=2026-10-02/cluster=prod-eu/${run}.ndjson.gz`;
    const path = join(store.location, key);
    await writeFile(path, damage(await readFile(path)));
    for (const place of [store, remote().store]) {
      const damages: AuditError[] = [];
      const { rows } = await query(place, 'SELECT dt FROM nodes', all, (each) => damages.push(each));
      expect(rows).toEqual([['2026-10-01']]);
      expect(damages).toMatchObject([{ code: 'STORE', message: expect.stringContaining(key) }]);
      expect(explain(damages[0])).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    }
  });

  it('reads nothing behind a link that leads out of the store', async () => {
    await keep('2026-10-01');
    const outside = join(tmpdir(), `netns-audit-outside-${process.pid}.ndjson.gz`);
    await writeFile(outside, gzipSync('{"node": "stolen"}\n'));
    try {
      await symlink(outside, join(store.location, 'nodes/dt=2026-10-01/cluster=prod-eu/x.ndjson.gz'));
      const damages: AuditError[] = [];
      const { rows } = await query(store, 'SELECT node FROM nodes', all, (each) => damages.push(each));
      expect(rows).toEqual([['node-1']]);
      expect(damages).toMatchObject([{ message: expect.stringContaining('leads out of the store') }]);
    } finally {
      await rm(outside);
    }
  });

  it('fetches from a bucket only the tables, days and clusters it needs, and leaves nothing behind', async () => {
    for (const day of ['2026-09-30', '2026-10-01', '2026-10-02']) await keep(day);
    await keep('2026-10-02', { cluster: { name: EKS, uid: 'u', version: 'v1.36.0' } });
    const { store: bucket, read } = remote();
    // Other files of tests query at the same time.
    const own = await mkdtemp(join(tmpdir(), 'netns-audit-tmp-'));
    vi.stubEnv('TMPDIR', own);
    onTestFinished(async () => {
      vi.unstubAllEnvs();
      await rm(own, { recursive: true });
    });
    const { rows } = await query(
      bucket,
      'SELECT cluster, dt FROM nodes ORDER BY dt',
      {
        since: '2026-10-01',
        cluster: 'prod-eu',
      },
      nothingDamaged,
    );
    expect(rows).toEqual([
      ['prod-eu', '2026-10-01'],
      ['prod-eu', '2026-10-02'],
    ]);
    expect(read).toHaveLength(2);
    expect(readdirSync(own)).toEqual([]);
  });

  it('says how to get DuckDB where it is not installed', () => {
    const said = withoutDuckDb(['reports', 'query', 'SELECT 1', '--store', store.location]);
    expect(said).toContain('npm install @duckdb/node-api@');
    expect(said).toContain('exit 2');
  });
});

/** Runs the command line with a Node.js that does not find DuckDB; its stderr and exit code. */
function withoutDuckDb(args: readonly string[]): string {
  const hooks = `import { registerHooks } from 'node:module';
    registerHooks({ resolve: (name, context, next) => next(name === '@duckdb/node-api' ? 'no-such-package' : name, context) });`;
  const cli = new URL('../../bin/netns-audit.ts', import.meta.url).pathname;
  const options = ['--import', `data:text/javascript,${encodeURIComponent(hooks)}`, cli, ...args];
  try {
    execFileSync(process.execPath, options, { encoding: 'utf8', stdio: 'pipe' });
    return 'exit 0';
  } catch (error) {
    const { stderr, status } = error as { stderr: string; status: number };
    return `${stderr} exit ${status}`;
  }
}
