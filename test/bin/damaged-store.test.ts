/** Every kind of object of a store, damaged in every way, before every command that reads stores. */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { concludeFleet } from '../../lib/audit/fleet/index.ts';
import { publish } from '../../lib/audit/index.ts';
import { tell } from '../../lib/audit/tell.ts';
import { DirectoryStore } from '../../lib/history/index.ts';
import { settingsSchema } from '../../lib/model/config.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import { serveRecording } from '../audit/recorded.ts';
import { nothingDamaged } from '../history/nothing-damaged.ts';
import { aFinding, aReport } from '../report/sample.ts';
import { StubApiServer } from '../stub/api-server.ts';
import { run, type Said } from './run.ts';

let stub: StubApiServer;
let whole: string;
let place: string;
let kubeconfig: string;
/** Runs of the cluster `prod-eu`, oldest first. */
const runIds = [3, 2, 1].map((days) => newRunId(new Date(Date.now() - days * 86_400_000), 'x'));
const { thresholds } = settingsSchema.parse({});
const newest = runIds[2] ?? '';

beforeAll(async () => {
  stub = await StubApiServer.start();
  await serveRecording(stub, 'broken');
  whole = await mkdtemp(join(tmpdir(), 'netns-audit-whole-'));
  kubeconfig = join(whole, 'kubeconfig');
  await writeFile(kubeconfig, stub.kubeconfig());
  const store = new DirectoryStore(join(whole, 'store'));
  for (const name of ['prod-eu', 'other'])
    for (const [index, runId] of runIds.entries()) {
      const startedAt = new Date(Date.now() - (3 - index) * 86_400_000).toISOString();
      const report = aReport({
        runId,
        cluster: { name, uid: 'c0ffee', version: 'v1.36.0' },
        startedAt,
        finishedAt: startedAt,
        findings: [aFinding({ fingerprint: `f${index}` })],
      });
      await publish(store, report);
      const notifier = { destination: 'nobody', send: async () => 'id' };
      await tell(store, report, thresholds, {
        notifiers: [notifier],
        consoleRegion: null,
        onDamage: nothingDamaged,
      });
    }
  await concludeFleet(store, {
    runId: newest,
    digest: false,
    clusters: [{ cluster: 'other', reason: 'Error: refused' }],
  });
  await audit(join(whole, 'store'));
}, 60_000);
afterAll(async () => {
  await stub.close();
  await rm(whole, { recursive: true });
});

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'netns-audit-damaged-'));
  await cp(join(whole, 'store'), place, { recursive: true });
});
afterEach(async () => await rm(place, { recursive: true }));

async function audit(store: string): Promise<Said> {
  return await run('audit', '--kubeconfig', kubeconfig, '--store', store, '--settle', '0s', '-q');
}

async function keyOf(pattern: RegExp): Promise<string> {
  const keys = (await readdir(place, { recursive: true })).filter((each) => pattern.test(each)).toSorted();
  const key = keys.at(-1);
  if (key === undefined) throw new Error(`the store has no ${pattern}`);
  return key;
}

const OBJECTS: Readonly<Record<string, RegExp>> = {
  report: /^reports\/cluster=prod-eu\/.*report\.json$/,
  page: /^reports\/cluster=prod-eu\/.*report\.html$/,
  pointer: /^latest\/cluster=prod-eu\.json$/,
  findings: /^findings\/dt=[^/]+\/cluster=prod-eu\/.*\.gz$/,
  nodes: /^nodes\/dt=[^/]+\/cluster=prod-eu\/.*\.gz$/,
  evidence: /^evidence\/.*\.tar\.gz$/,
  alert: /^alerts\/cluster=prod-eu\/dt.*\.json$/,
  'alert pointer': /^alerts\/cluster=prod-eu\/last\.json$/,
  fleet: /^fleet\/.*\.json$/,
};

type Damage = (path: string, key: string) => Promise<void>;
const rewritten =
  (change: (body: Buffer) => Uint8Array | string): Damage =>
  async (path) =>
    await writeFile(path, change(await readFile(path)));

const DAMAGES: Readonly<Record<string, Damage>> = {
  empty: rewritten(() => ''),
  cut: rewritten((body) => body.subarray(0, body.length / 2)),
  garbage: rewritten(() => Buffer.from([0, 255, 27, 91, 50, 74, 7, 10, 123])),
  'a directory in its place': async (path) => {
    await rm(path);
    await mkdir(path);
  },
  'a link out of the store': async (path, key) => {
    const outside = join(whole, 'outside', key);
    await mkdir(join(outside, '..'), { recursive: true });
    await cp(path, outside);
    await rm(path);
    await symlink(outside, path);
  },
};

const COMMANDS: readonly (readonly string[])[] = [
  ['list'],
  ['list', '--check', 'pod-interface-missing'],
  ['show', '--cluster', 'prod-eu'],
  ['diff', '--cluster', 'prod-eu'],
  ['trend', '--since', '7d'],
  ['fleet'],
  ['query', 'SELECT n.cluster, f."check" FROM nodes n JOIN findings f ON n.cluster = f.cluster'],
];

/** Reported for people, with the rest of the store, and not as an internal error. */
function expectWords({ out, error, code }: Said, what: string): void {
  expect(`${out}${error}`, what).not.toMatch(/this is a bug|\n\s+at .*:\d+/);
  expect(`${out}${error}`, what).not.toMatch(/[^\P{Cc}\n]/u);
  expect([0, 1, 3, 5], what).toContain(code);
}

describe.each(Object.entries(OBJECTS))('a damaged %s', (kind, pattern) => {
  it.each(Object.entries(DAMAGES))('that is %s costs itself', async (_, damage) => {
    const key = await keyOf(pattern);
    await damage(join(place, key), key);
    for (const command of COMMANDS) {
      const said = await run('reports', ...command, '--store', place);
      expectWords(said, command.join(' '));
      // The other cluster is intact, whatever was done to this one.
      if (!command.includes('prod-eu')) expect(said.out, command.join(' ')).toContain('other');
      // Commands that need the object name it, and their exit code says that it is missing.
      const isNamed = said.error.includes(key);
      expect(said.code, `${command.join(' ')}: ${said.error}`).toBe(isNamed ? 5 : 0);
      const needs: Readonly<Record<string, readonly string[]>> = {
        report: ['list', 'show', 'diff', 'fleet'],
        pointer: ['show', 'diff', 'fleet'],
        nodes: ['trend', 'query'],
        findings: ['query'],
      };
      if (needs[kind]?.includes(command[0] ?? '')) expect(isNamed, command.join(' ')).toBe(true);
    }
    const doctor = await run('doctor', '--store', place);
    expectWords(doctor, 'doctor');
    expect(doctor.out).toContain(key);
    expect(doctor.code).toBe(5);
    // Each damage is reported with a command that repairs the store.
    const commands = doctor.out.match(/(?<=: )(?:mv|rm|printf) .*$/gm) ?? [];
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) execFileSync('sh', ['-c', command]);
    expect(await run('doctor', '--store', place)).toMatchObject({ code: 0 });
    expect((await run('reports', 'show', '--cluster', 'prod-eu', '--store', place)).code).toBe(0);
  });
});

describe('rows', () => {
  it.each([
    ['one bad line', (rows: Buffer) => gzipSync(`${gunzipSync(rows)}{"cluster": \n`)],
    ['a cut gzip', (rows: Buffer) => rows.subarray(0, rows.length - 6)],
    [
      'those of another cluster',
      (rows: Buffer) => gzipSync(String(gunzipSync(rows)).replaceAll('prod-eu', 'x')),
    ],
  ])('with %s are never an answer of no rows', async (_, damage) => {
    const key = await keyOf(/^nodes\/dt=[^/]+\/cluster=prod-eu\/.*\.gz$/);
    await rewritten(damage)(join(place, key), key);
    const asked = ['query', "SELECT count(*) FROM nodes WHERE cluster = 'prod-eu'", '-o', 'csv'];
    const said = await run('reports', ...asked, '--store', place);
    expect(said).toMatchObject({ code: 5, error: expect.stringContaining(key) });
    expect(said.out).toMatch(/^2\r?$/m);
  });
});

describe('an audit', () => {
  const report = /^reports\/cluster=stub\/.*report\.json$/;
  it.each([
    ['the latest report is empty', report, ''],
    ['the latest report is of a newer version', report, '{"schemaVersion":2}'],
    ['the latest report is of another cluster', report, JSON.stringify(aReport())],
    ['the pointer is cut', /^latest\/cluster=stub\.json$/, '{"runId":'],
    [
      'the pointer leads out of the store',
      /^latest\/cluster=stub\.json$/,
      '{"runId":"20261120T020000Z-a","report":"../../../etc/passwd"}',
    ],
  ])('goes on where %s, says what is missing, and the next one has it all', async (_, pattern, text) => {
    const key = await keyOf(pattern);
    await writeFile(join(place, key), text);
    const first = await audit(place);
    expectWords(first, 'audit');
    expect(first.code).toBe(1);
    expect(first.error).toContain(key);
    expect(first.error).toMatch(pattern === report ? /nothing to compare with/ : /is used instead/);
    const second = await audit(place);
    expect(second).toMatchObject({ code: 1, error: expect.not.stringContaining('left out') });
  });
});

describe('doctor --store', () => {
  it('finds a whole store whole, and says how many objects it read', async () => {
    const { out, code } = await run('doctor', '--store', place);
    expect(code).toBe(0);
    expect(out).toMatch(/^\S+: objects read: \d\d, damaged: 0\n$/);
  });

  it('says that a directory is not there, and that one holds nothing of ours', async () => {
    const missing = await run('doctor', '--store', join(place, 'reprots'));
    expect(missing).toMatchObject({ code: 2, error: expect.stringContaining('no such directory') });
    expect(await readdir(place)).not.toContain('reprots');
    const other = await run('doctor', '--store', whole);
    expect(other).toMatchObject({ code: 2, error: expect.stringContaining('nothing of netns-audit') });
  });

  it('names what killed writers left, with the command that removes it', async () => {
    const left = join(place, 'reports', 'report.json.0.part');
    await writeFile(left, 'half');
    await utimes(left, 0, 0);
    const { out, code } = await run('doctor', '--store', place);
    expect(out).toContain(`rm ${left}`);
    expect(code).toBe(5);
  });

  it('says where the pointer is gone which report it is to lead to', async () => {
    await rm(join(place, 'latest/cluster=prod-eu.json'));
    const { out, code } = await run('doctor', '--store', place);
    expect(out).toContain(`{"runId":"${newest}"`);
    expect(code).toBe(5);
  });
});
