/** An audit that is killed at any step: nothing is lost, duplicated or left behind. All steps: `npm run test:crash`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DirectoryStore, keys } from '../../lib/history/index.ts';
import { reportSchema } from '../../lib/model/report.ts';
import { podsOfTheAudit, serveRecording } from '../audit/recorded.ts';
import { run } from '../bin/run.ts';
import { StubApiServer } from '../stub/api-server.ts';
import { expire } from './expire.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/netns-audit.ts', import.meta.url));
const HOOK = new URL('./kill-at.ts', import.meta.url).href;
/** How many steps of an audit a normal test run tries. */
const SAMPLES = process.env.CRASH_STEPS_OF_AN_AUDIT === 'all' ? Number.POSITIVE_INFINITY : 16;

let folder: string;
/** A store with one audit in it. */
let template: string;
let steps: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'netns-audit-crash-'));
  template = join(folder, 'template');
  const stub = await aCluster();
  try {
    expect((await audit(stub, template, 'first')).code).toBe(1);
    // With a second audit, which has an earlier report to compare with.
    const counting = join(folder, 'counting');
    await cp(template, counting, { recursive: true });
    const told = join(folder, 'steps.json');
    await killed(stub, counting, { CRASH_STEPS: told });
    steps = JSON.parse(await readFile(told, 'utf8'));
  } finally {
    await stub.close();
  }
}, 120_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function aCluster(): Promise<StubApiServer> {
  const stub = await StubApiServer.start();
  await serveRecording(stub, 'broken');
  return stub;
}

async function kubeconfigOf(stub: StubApiServer, name: string): Promise<string> {
  const path = join(folder, `kubeconfig-${name}`);
  await writeFile(path, stub.kubeconfig());
  return path;
}

const argumentsOf = (kubeconfig: string, store: string) => [
  'audit',
  ...['--kubeconfig', kubeconfig, '--store', store, '-o', 'json', '--settle', '3s', '--quiet'],
];

async function audit(
  stub: StubApiServer,
  store: string,
  name: string,
): Promise<Awaited<ReturnType<typeof run>>> {
  return await run(...argumentsOf(await kubeconfigOf(stub, name), store));
}

/**
 * Runs an audit in a separate process.
 * @returns the signal that ended it
 */
async function killed(
  stub: StubApiServer,
  store: string,
  environment: Record<string, string>,
): Promise<NodeJS.Signals | null> {
  const command = ['--import', HOOK, PROGRAM, ...argumentsOf(await kubeconfigOf(stub, 'killed'), store)];
  const child = spawn(process.execPath, command, {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, HOME: folder, CRASH_FOLDER: store, ...environment },
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal;
}

const filesOf = async (store: string): Promise<string[]> =>
  (await readdir(store, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

/** Hours later: pods of the killed audit have expired, and so have its locks. */
async function hoursLater(stub: StubApiServer, store: string): Promise<void> {
  const past = new Date(Date.now() - 2 * 3_600_000);
  expire(stub);
  for (const path of await filesOf(store)) if (/\.(?:part|lock)$/.test(path)) await utimes(path, past, past);
}

async function runsIn(store: string): Promise<{ report: string; text: string }[]> {
  const reports = (await filesOf(store)).filter((path) => path.endsWith('/report.json'));
  return await Promise.all(reports.map(async (report) => ({ report, text: await readFile(report, 'utf8') })));
}

describe('an audit that is killed', () => {
  it('has so many steps at which that may happen', () => {
    expect(steps.length).toBeGreaterThan(60);
    for (const kind of ['create POST', 'create DELETE', 'before link', 'before rename', 'before sync'])
      expect(
        steps.some((step) => step.startsWith(kind)),
        kind,
      ).toBe(true);
  });

  it('at any step loses, doubles and leaves nothing', async () => {
    const every = Math.max(1, Math.ceil(steps.length / SAMPLES));
    const chosen = steps.map((_, index) => index + 1).filter((step) => (step - 1) % every === 0);
    const wrong: string[] = [];
    for (const step of chosen) {
      const problem = await problemAfter(step);
      if (problem !== null) wrong.push(`step ${step} of ${steps.length}, ${steps[step - 1]}: ${problem}`);
    }
    console.log(`${chosen.length} of ${steps.length} steps of an audit, ${wrong.length} went wrong`);
    expect(wrong).toEqual([]);
  }, 900_000);
});

async function problemAfter(step: number): Promise<string | null> {
  const store = join(folder, `store-${step}`);
  await cp(template, store, { recursive: true });
  const stub = await aCluster();
  try {
    const [before] = await runsIn(store);
    const signal = await killed(stub, store, { CRASH_AT: String(step) });
    // There are fewer last steps if two of them coincide.
    if (signal === null && step > steps.length - 10) return null;
    if (signal !== 'SIGKILL') return `it was not killed, but ended by ${signal ?? 'itself'}`;
    // What already exists can be read.
    const listed = await run('reports', 'list', '--store', store, '-o', 'json');
    if (listed.code !== 0) return `reports list: ${listed.error}`;
    await hoursLater(stub, store);
    const next = await audit(stub, store, 'next');
    if (next.code !== 1) return `the next audit ended in ${next.code}: ${next.error}`;
    return await problemIn(stub, store, { before, next: JSON.parse(next.out) });
  } finally {
    await stub.close();
    await rm(store, { recursive: true, force: true });
  }
}

async function problemIn(
  stub: StubApiServer,
  store: string,
  { before, next }: { before: { report: string; text: string } | undefined; next: { runId: string } },
): Promise<string | null> {
  const runs = await runsIn(store);
  for (const { report, text } of runs)
    if (!reportSchema.safeParse(JSON.parse(text)).success) return `${report} is no report`;
  const ids = runs.map(({ text }) => (JSON.parse(text) as { runId: string }).runId);
  if (new Set(ids).size !== ids.length) return 'a run has two reports';
  if (!runs.some(({ report, text }) => report === before?.report && text === before.text))
    return 'the report of before is lost';
  const cluster = (JSON.parse(before?.text ?? '{}') as { cluster: { name: string } }).cluster.name;
  const pointer = await new DirectoryStore(store).get(keys.latest(cluster));
  const latest = JSON.parse(Buffer.from(pointer?.body ?? '{}').toString()) as {
    runId?: string;
    report?: string;
  };
  if (latest.runId !== next.runId) return `latest is ${latest.runId}`;
  if (!runs.some(({ report }) => report === join(store, latest.report ?? ''))) return 'latest leads nowhere';
  const pods = podsOfTheAudit(stub);
  if (pods.length > 0) return `pods stay: ${pods.join(' ')}`;
  const left = (await filesOf(store)).filter((path) => /\.(?:part|lock)$/.test(path));
  return left.length === 0 ? null : `files stay: ${left.map((path) => path.slice(store.length)).join(' ')}`;
}
