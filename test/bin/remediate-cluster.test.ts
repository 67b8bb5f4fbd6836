/** `netns-audit remediate` on a cluster, using a report from its store. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publish } from '../../lib/audit/index.ts';
import { DirectoryStore } from '../../lib/history/index.ts';
import type { Finding } from '../../lib/model/finding.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import type { Act } from '../../lib/repair/plan.ts';
import { aNode } from '../checks/evidence.ts';
import { anOrphan, aReport } from '../report/sample.ts';
import { type ApiObject, StubApiServer } from '../stub/api-server.ts';
import { rawNode } from '../stub/raw.ts';
import { run, type Said } from './run.ts';

const REPAIRS = 'netns-audit-remediate';
const [A, B] = [anOrphan(1).object.name, anOrphan(2).object.name];

let stub: StubApiServer;
let directory: string;
/** Pods that were started. */
let sent: ApiObject[];

beforeEach(async () => {
  stub = await StubApiServer.start();
  sent = [];
  stub.ending = (pod) => {
    sent.push(pod);
    return { log: `would ${A} no link no address\nwould ${B} no link no address\nend 2\n` };
  };
  directory = await mkdtemp(join(tmpdir(), 'netns-audit-remediate-'));
  await writeFile(join(directory, 'kubeconfig'), stub.kubeconfig());
  await keep(anOrphan(1), anOrphan(2));
});
afterEach(async () => {
  await stub.close();
  await rm(directory, { recursive: true });
});

/** Writes a report with these findings to the store. */
async function keep(...findings: Finding[]): Promise<void> {
  const now = new Date();
  const at = now.toISOString();
  const cluster = { name: 'stub', uid: 'uid-kube-system', version: 'v1.36.0' };
  const runId = newRunId(now, `${Math.random()}`);
  const report = aReport({ runId, cluster, startedAt: at, finishedAt: at, findings });
  await publish(new DirectoryStore(join(directory, 'store')), report);
}

const remediate = (...args: string[]): Promise<Said> =>
  run(
    ...['remediate', '--kubeconfig', join(directory, 'kubeconfig'), '--store', join(directory, 'store')],
    ...args,
  );

const withRepairs = (): void =>
  void stub.namespaces.set(REPAIRS, { metadata: { name: REPAIRS, uid: 'uid-repairs' } });

describe('the namespace of the pods that repair nodes', { timeout: 30_000 }, () => {
  it.each([['--rehearse'], ['--apply', '--yes', '--limit', '5']])(
    'is never made by %s: without it nodes are left alone, and how it is applied is said',
    async (...how) => {
      const { error, code } = await remediate(...how);
      expect(error).toContain(`the namespace ${REPAIRS} is missing`);
      expect(error).toContain('netns-audit manifests --remediate | kubectl apply -f -');
      expect(code).toBe(1);
      expect(stub.namespaces.has(REPAIRS)).toBe(false);
      expect(sent).toEqual([]);
    },
  );

  it('is used where it is there', async () => {
    withRepairs();
    expect(await remediate('--rehearse')).toMatchObject({ code: 0 });
    expect(sent.map(({ metadata }) => metadata.namespace)).toEqual([REPAIRS]);
  });

  it('is not that of the probes', async () => {
    const { error, code } = await remediate('--rehearse', '--repair-namespace', 'netns-audit');
    expect(error).toContain('--probe-namespace and --repair-namespace are the same');
    expect(code).toBe(2);
  });
});

describe('two that name other namespaces', { timeout: 30_000 }, () => {
  it('exclude each other all the same: the lease has one place', async () => {
    withRepairs();
    const held: string[] = [];
    stub.ending = () => {
      held.push(...stub.taken.keys());
      return { log: `would ${A} no link no address\nwould ${B} no link no address\nend 2\n` };
    };
    await remediate('--rehearse', '--probe-namespace', 'audits');
    expect(held).toEqual([expect.stringContaining('/namespaces/netns-audit/leases/netns-audit-remediate')]);
  });

  it('are told what to apply where its place is missing', async () => {
    withRepairs();
    stub.fail({
      method: 'POST',
      path: '/leases',
      status: 404,
      message: 'namespaces "netns-audit" not found',
    });
    const { error, code } = await remediate('--rehearse', '--probe-namespace', 'audits');
    expect(error).toContain('the namespace netns-audit is missing, where the lease of repairs is kept');
    expect(error).toContain('netns-audit manifests --remediate');
    expect(code).toBe(2);
  });
});

describe('what an exception covers', { timeout: 30_000 }, () => {
  it.each([
    ['by name', { objects: [A] }, B],
    ['by a label of its node', { labels: { pool: 'gpu' } }, null],
    ['by a label that its node does not have', { labels: { pool: 'cpu' } }, A],
  ])('%s is left alone, although the report was made without the exception', async (_, which, tried) => {
    stub.nodes.push(rawNode(aNode({ name: 'node-1', labels: { pool: 'gpu' } })));
    withRepairs();
    const exception = {
      check: 'namespace-orphaned',
      reason: 'known',
      owner: 'ann',
      expires: '2999-01-01',
      ...which,
    };
    const file = join(directory, 'exceptions.yaml');
    await writeFile(file, JSON.stringify({ exceptions: [exception] }));
    const { out, code } = await remediate('--exceptions', file, '-o', 'json');
    expect(code).toBe(0);
    const acts: Act[] = JSON.parse(out).acts;
    const wanted = acts.filter(({ refused }) => refused === null).flatMap(({ findings }) => findings);
    const names = wanted.map(({ object }) => object.name);
    expect(names).toEqual(tried === null ? [] : tried === B ? [B] : [A, B]);
    expect(acts.flatMap(({ refused }) => refused ?? [])).toEqual(
      tried === A ? [] : ['an exception of ann covers it'],
    );
  });
});

describe('how long an orphaned namespace must have been there', () => {
  it.each(['0s', '1.5s', '299s', '300.5s', '30h', '5'])(
    'is never %s, as a pod that is being created has one too',
    async (settle) => {
      const { error, code } = await remediate('--settle', settle);
      expect(error).toContain('--settle');
      expect(code).toBe(2);
    },
  );

  it('may be five minutes', async () => {
    expect((await remediate('--settle', '5m')).code).toBe(0);
  });
});

describe('a rehearsal', { timeout: 30_000 }, () => {
  it('that could look at nothing does not end well', async () => {
    withRepairs();
    stub.ending = () => ({ log: `left ${A} x\nleft ${B} x\nend 2\n` });
    const { error, code } = await remediate('--rehearse');
    expect(error).toContain('0 of 2 would be repaired, 0 refused, 2 left; nothing was changed.');
    expect(code).toBe(3);
  });

  it('says what the limit left out', async () => {
    withRepairs();
    stub.ending = () => ({ log: `would ${A} no link no address\nend 1\n` });
    const { error, code } = await remediate('--rehearse', '--limit', '1');
    expect(error).toContain(
      '1 of 1 would be repaired, 0 refused; nothing was changed. 1 more were not tried (--limit).',
    );
    expect(code).toBe(0);
  });
});
