import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Notifier } from '../../../lib/alert/index.ts';
import {
  auditBatchOfFleet,
  concludeClusterOfFleet,
  concludeFleet,
  planClusterOfFleet,
  planFleet,
} from '../../../lib/audit/fleet/index.ts';
import {
  batchSchema,
  type FleetPlan,
  type FleetPlanInput,
  type Task,
} from '../../../lib/audit/fleet/messages.ts';
import { cut } from '../../../lib/audit/fleet/plan-cluster.ts';
import { readTasks } from '../../../lib/audit/fleet/work.ts';
import { reportOfRun } from '../../../lib/audit/index.ts';
import { DirectoryStore, keys, type OnDamage, type Store } from '../../../lib/history/index.ts';
import { AuditError, messageOf } from '../../../lib/model/errors.ts';
import { nothingDamaged } from '../../history/nothing-damaged.ts';
import { StubApiServer } from '../../stub/api-server.ts';
import { addNode, podsOfTheAudit, serveRecording } from '../recorded.ts';

const stubs: StubApiServer[] = [];
let store: Store;
let mails: { cluster: string; text: string }[];
let failNotifier: number;
const notifier: Notifier = {
  destination: 'a topic',
  async send({ attributes, text }) {
    if (failNotifier > 0) {
      failNotifier -= 1;
      throw new AuditError('ALERT', 'throttled', { remedy: 'later', retryable: true });
    }
    mails.push({ cluster: attributes.cluster, text });
    return `id-${mails.length}`;
  },
};
const deps = { notifiers: [notifier], version: '0.0.0', consoleRegion: null, onDamage: nothingDamaged };
const connections = {
  version: '0.0.0',
  readSecret: async (arn: string) => secrets.get(arn) ?? '',
  onDamage: nothingDamaged,
};
const secrets = new Map<string, string>();
const arnOf = (name: string) => `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}`;

beforeEach(async () => {
  store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-auditor-')));
  mails = [];
  failNotifier = 0;
});
afterEach(async () => {
  await Promise.all(stubs.splice(0).map((stub) => stub.close()));
});

async function aCluster(name: string, recording: 'healthy' | 'broken'): Promise<StubApiServer> {
  const stub = await StubApiServer.start();
  stubs.push(stub);
  const { node } = await serveRecording(stub, recording);
  addNode(stub, node, { name: 'serverless', labels: { 'eks.amazonaws.com/compute-type': 'fargate' } });
  secrets.set(arnOf(name), stub.kubeconfig());
  return stub;
}

/** All credentials are invalid. */
const refuse = (stub: StubApiServer) => stub.fail({ path: '/', status: 401, times: 1_000 });

const fleetInput = (names: string[], day = 23, execution = 'execution-1') => ({
  scheduledTime: `2026-11-${day}T02:00:00Z`,
  schedule: 'nightly',
  execution,
  clusters: names.map((name) => ({ name, kubeconfigSecret: arnOf(name) })),
  settings: { concurrency: { nodesPerBatch: 1 } },
});

/** A plan with its tasks, which the states read from the store. */
async function planned(
  input: FleetPlanInput,
  onDamage: OnDamage = nothingDamaged,
  of: Store = store,
): Promise<Omit<FleetPlan, 'tasks'> & { readonly tasks: readonly Task[] }> {
  const plan = await planFleet(of, input, onDamage);
  return { ...plan, tasks: plan.claimed ? await readTasks(of, plan.runId) : [] };
}

/** Like the state machine: each error is retried three times, then caught. */
async function run(
  input: FleetPlanInput,
  faults: { batch?: (n: number) => void } = {},
  onDamage: OnDamage = nothingDamaged,
  of: Store = store,
): Promise<Awaited<ReturnType<typeof concludeFleet>> | null> {
  const plan = await planned(input, onDamage, of);
  if (!plan.claimed) return null;
  const clusters = await Promise.all(
    plan.tasks.map(async (task) => {
      let failure: { code: string; message: string } | null = null;
      try {
        const { batches } = await retried(() =>
          planClusterOfFleet(of, task, { ...connections, onDamage }, new AbortController().signal),
        );
        const stored = await of.get(batches);
        for (const batch of batchSchema
          .array()
          .parse(JSON.parse(Buffer.from(stored?.body ?? '').toString()))) {
          try {
            await retried(async () => {
              faults.batch?.(batch.batch);
              await auditBatchOfFleet(of, batch, connections, new AbortController().signal);
            });
          } catch {
            // Tolerated: the report says so.
          }
        }
      } catch (thrown) {
        failure = {
          code: thrown instanceof AuditError ? thrown.code : 'Error',
          message: messageOf(thrown),
        };
      }
      return await retried(() => concludeClusterOfFleet(of, { task, failure }, { ...deps, onDamage }));
    }),
  );
  return await concludeFleet(of, { runId: plan.runId, clusters });
}

function damagesOf(): { damages: string[]; onDamage: OnDamage } {
  const damages: string[] = [];
  return { damages, onDamage: ({ message }) => void damages.push(message) };
}

async function retried<T>(act: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await act();
    } catch (error) {
      if (tries === 3) throw error;
    }
  }
}

const reportsOf = async (cluster: string, runId: string) => await reportOfRun(store, { cluster, runId });

describe('a cluster without a node to probe', () => {
  it.each([
    ['no nodes at all', (stub: StubApiServer) => stub.nodes.splice(0), 0],
    ['Fargate alone', (stub: StubApiServer) => stub.nodes.splice(0, stub.nodes.length - 1), 1],
  ])('is reached, has a report and raises no alarm: %s', async (_, empty, skipped) => {
    empty(await aCluster('empty', 'broken'));
    const fleet = await run(fleetInput(['empty']));
    expect(fleet?.clusters).toMatchObject([
      {
        cluster: 'empty',
        reached: true,
        verdict: 'healthy',
        coverage: 1,
        nodes: { audited: 0, failed: 0, skipped },
      },
    ]);
    const report = await reportOfRun(store, { cluster: 'empty', runId: fleet?.runId ?? '' });
    expect(report).toMatchObject({
      scope: 'cluster',
      findings: [],
      coverage: { nodes: { length: skipped } },
    });
    expect(mails).toEqual([]);
  });

  it('says nothing either where only counts are taken, hour by hour', async () => {
    const stub = await aCluster('empty', 'broken');
    stub.nodes.splice(0, stub.nodes.length - 1);
    await run({ ...fleetInput(['empty']), start: { checks: 'counts' } });
    expect(mails).toEqual([]);
  });
});

describe('two stacks that audit one cluster on the same schedule', () => {
  it('have probe pods of their own, and neither deletes those of the other', async () => {
    const stub = await aCluster('prod', 'healthy');
    const { ending } = stub;
    const created: string[] = [];
    stub.ending = (pod) => {
      created.push(pod.metadata.name);
      return ending(pod);
    };
    // The pods of both are there at once.
    stub.fail({ path: '/log', slow: 500, times: 2 });
    const other = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-auditor-')));
    const fleets = await Promise.all(
      [store, other].map((of) => run(fleetInput(['prod']), {}, nothingDamaged, of)),
    );
    for (const fleet of fleets)
      expect(fleet?.clusters).toMatchObject([{ nodes: { audited: 1, failed: 0 }, coverage: 1 }]);
    expect(new Set(created).size).toBe(2);
    expect(created).toHaveLength(2);
    const deleted = stub.requests.filter((request) => request.startsWith('DELETE'));
    expect(deleted).toHaveLength(2);
  });
});

describe('a run of a fleet', () => {
  it('names the nodes of the batches that are audited, where an attempt that died saw other nodes', async () => {
    const stub = await aCluster('prod', 'healthy');
    const { runId, tasks } = await planned(fleetInput(['prod']));
    const [task] = tasks;
    if (task === undefined) throw new Error('no task');
    const write = store.putOnce.bind(store);
    const putOnce = vi.spyOn(store, 'putOnce').mockImplementation(async (key, body) => {
      if (key.endsWith('plan.json.gz')) throw new Error('died');
      return await write(key, body);
    });
    const plan = () => planClusterOfFleet(store, task, connections, new AbortController().signal);
    await expect(plan()).rejects.toThrow('died');
    putOnce.mockRestore();
    stub.nodes.shift();
    const { batches } = await plan();
    const audited = batchSchema
      .array()
      .parse(JSON.parse(Buffer.from((await store.get(batches))?.body ?? '').toString()));
    await concludeClusterOfFleet(store, { task, failure: null }, deps);
    expect((await reportsOf('prod', runId))?.coverage.nodes.map(({ node }) => node).toSorted()).toEqual(
      audited.flatMap(({ nodes }) => nodes.map(({ node }) => node.name)).toSorted(),
    );
  });

  it('gives each cluster a report, and a mail where there is news', async () => {
    await aCluster('prod', 'broken');
    const stub = await aCluster('stage', 'healthy');
    const fleet = await run(fleetInput(['prod', 'stage']));
    expect(fleet).toMatchObject({
      verdict: 'critical',
      clusters: [{ cluster: 'prod' }, { cluster: 'stage' }],
    });
    expect((await reportsOf('prod', fleet?.runId ?? ''))?.coverage.nodes).toMatchObject([
      { node: 'node-1', result: 'audited' },
      { node: 'serverless', result: 'skipped' },
    ]);
    expect((await reportsOf('stage', fleet?.runId ?? ''))?.verdict).toBe('healthy');
    expect(mails).toMatchObject([
      { cluster: 'prod', text: expect.stringContaining('pod-interface-missing') },
    ]);
    expect(podsOfTheAudit(stub)).toEqual([]);
  });

  it('is one run however often its schedule is delivered', async () => {
    await aCluster('prod', 'broken');
    expect(await run(fleetInput(['prod']))).not.toBeNull();
    expect(await run(fleetInput(['prod'], 23, 'execution-2'))).toBeNull();
    expect(mails).toHaveLength(1);
    // The same execution, whose answer was lost, continues and does nothing twice.
    expect(await run(fleetInput(['prod']))).toMatchObject({ verdict: 'critical' });
    expect(mails).toHaveLength(1);
  });

  it('says nothing on the second day when nothing changed, and what was resolved on the third', async () => {
    const stub = await aCluster('prod', 'broken');
    await run(fleetInput(['prod'], 23));
    await run(fleetInput(['prod'], 24, 'execution-2'));
    expect(mails).toHaveLength(1);
    stub.nodes.length = 0;
    stub.pods.clear();
    stub.events.length = 0;
    await serveRecording(stub, 'healthy');
    const fleet = await run(fleetInput(['prod'], 25, 'execution-3'));
    expect(fleet?.clusters[0]).toMatchObject({ verdict: 'healthy', told: true });
    expect(mails[1]?.text).toContain('Resolved:');
  });

  it("of counts alone looks at kernels and namespaces, keeps no evidence, and is nobody's latest report", async () => {
    await aCluster('prod', 'broken');
    const nightly = await run(fleetInput(['prod'], 23));
    const hourly = await run({
      ...fleetInput(['prod'], 24, 'execution-2'),
      schedule: 'hourly',
      start: { checks: 'counts' },
    });
    const report = await reportsOf('prod', hourly?.runId ?? '');
    expect(report).toMatchObject({ scope: 'part', coverage: { nodes: [{ result: 'audited' }, {}] } });
    const topics = new Set(report?.coverage.checks.map((check) => check.topic));
    expect([...topics].toSorted()).toEqual(['kernel', 'namespaces']);
    expect(report?.nodes[0]).toMatchObject({ node: 'node-1', namespaces: expect.any(Number) });
    // What it did not examine stays as it was, and is not reported again.
    expect(report?.findings.find(({ check }) => check === 'pod-interface-missing')).toMatchObject({
      state: 'open',
      notSeen: true,
    });
    expect(mails).toHaveLength(1);
    const kept: string[] = [];
    for await (const key of store.list('evidence/')) kept.push(key);
    expect(kept.every((key) => key.includes(nightly?.runId ?? ''))).toBe(true);
    const next = await run(fleetInput(['prod'], 25, 'execution-3'));
    expect(next?.clusters[0]).toMatchObject({ verdict: 'critical', told: false });
  });

  it('tells of one cluster that cannot be reached, and audits the others', async () => {
    await aCluster('prod', 'healthy');
    refuse(await aCluster('gone', 'healthy'));
    const fleet = await run(fleetInput(['prod', 'gone']));
    expect(fleet).toMatchObject({
      verdict: 'incomplete',
      clusters: [
        { cluster: 'prod', verdict: 'healthy', reached: true },
        { cluster: 'gone', verdict: 'incomplete', reached: false, coverage: 0 },
      ],
    });
    expect(mails).toMatchObject([{ cluster: 'gone', text: expect.stringMatching(/was\s+not\s+reached/) }]);
    expect(await reportsOf('gone', fleet?.runId ?? '')).toMatchObject({
      scope: 'part',
      verdict: 'incomplete',
    });
  });

  it('keeps what was found before open while the cluster cannot be reached', async () => {
    const stub = await aCluster('prod', 'broken');
    await run(fleetInput(['prod'], 23));
    refuse(stub);
    const away = await run(fleetInput(['prod'], 24, 'execution-2'));
    const report = await reportsOf('prod', away?.runId ?? '');
    expect(report?.resolved).toEqual([]);
    expect(report?.findings.length).toBeGreaterThan(0);
    expect(report?.findings.every((finding) => finding.notSeen)).toBe(true);
    expect(report?.coverage.nodes[0]).toMatchObject({ node: 'node-1', result: 'failed' });
  });

  it('has a report when all batches fail, with every node failed', async () => {
    await aCluster('prod', 'broken');
    const fleet = await run(fleetInput(['prod']), {
      batch() {
        throw new Error('killed');
      },
    });
    expect((await reportsOf('prod', fleet?.runId ?? ''))?.coverage.nodes).toMatchObject([
      { node: 'node-1', result: 'failed', reason: expect.stringContaining('batch') },
      { node: 'serverless', result: 'failed' },
    ]);
    expect(fleet?.clusters[0]).toMatchObject({ verdict: 'incomplete', reached: true, told: true });
  });

  it('sends one mail when SNS refuses for a while, and the report is not written anew', async () => {
    await aCluster('prod', 'broken');
    failNotifier = 2;
    await run(fleetInput(['prod']));
    expect(mails).toHaveLength(1);
  });

  it('tells with the next run what it could not tell with this one', async () => {
    await aCluster('prod', 'broken');
    failNotifier = 3;
    await expect(run(fleetInput(['prod'], 23))).rejects.toMatchObject({ code: 'ALERT' });
    await run(fleetInput(['prod'], 24, 'execution-2'));
    expect(mails).toMatchObject([{ text: expect.stringContaining('pod-interface-missing') }]);
  });

  it.each([
    ['the latest report', (runId: string) => keys.report({ cluster: 'prod', runId })],
    ['the pointer to it', () => keys.latest('prod')],
  ])('goes on where %s is damaged, and tells nothing as new that was told', async (_, keyOf) => {
    await aCluster('prod', 'broken');
    const first = await run(fleetInput(['prod'], 23));
    expect(mails).toHaveLength(1);
    const key = keyOf(first?.runId ?? '');
    await writeFile(join(store.location, key), '{');
    const found = damagesOf();
    const second = await run(fleetInput(['prod'], 24, 'execution-2'), {}, found.onDamage);
    expect(found.damages.join()).toContain(key);
    expect(second?.clusters).toMatchObject([{ cluster: 'prod', reached: true }]);
    expect(mails).toHaveLength(1);
  });

  it('takes the nodes of a batch whose results are damaged for failed', async () => {
    await aCluster('prod', 'broken');
    const plan = await planned(fleetInput(['prod']));
    const [task] = plan.tasks;
    if (task === undefined) throw new Error('no task');
    await planClusterOfFleet(store, task, connections, new AbortController().signal);
    const run = { cluster: 'prod', runId: plan.runId };
    await store.putOnce(keys.work(run, '0.ndjson.gz'), Buffer.from('no gzip'));
    const found = damagesOf();
    const concluded = await concludeClusterOfFleet(store, { task, failure: null }, { ...deps, ...found });
    expect(concluded.nodes).toMatchObject({ audited: 0, failed: 2 });
    expect(found.damages).toEqual([expect.stringContaining('0.ndjson.gz')]);
  });

  it('leaves no pod when its time is over, and says which nodes were not done', async () => {
    const stub = await aCluster('prod', 'broken');
    stub.ending = () => ({ never: true });
    const plan = await planned(fleetInput(['prod']));
    const [task] = plan.tasks;
    if (task === undefined) throw new Error('no task');
    const { batches } = await planClusterOfFleet(store, task, connections, new AbortController().signal);
    const [batch] = batchSchema
      .array()
      .parse(JSON.parse(Buffer.from((await store.get(batches))?.body ?? '').toString()));
    if (batch === undefined) throw new Error('no batch');
    const over = new AbortController();
    const auditing = auditBatchOfFleet(store, batch, connections, over.signal);
    await expect.poll(() => podsOfTheAudit(stub)).toHaveLength(1);
    over.abort();
    expect(await auditing).toEqual({ audited: 0, failed: 1 });
    expect(podsOfTheAudit(stub)).toEqual([]);
    await concludeClusterOfFleet(store, { task, failure: null }, deps);
    expect((await reportsOf('prod', plan.runId))?.coverage.nodes[0]?.reason).toContain('timeout');
  });
});

describe('batches', () => {
  it('have so many nodes, and fit into the input of a state', async () => {
    const { node } = await serveRecording(await aCluster('prod', 'healthy'), 'healthy');
    const nodes = Array.from({ length: 7 }, () => ({ node, coverage: null }));
    expect(cut(nodes, 3).map((batch) => batch.length)).toEqual([3, 3, 1]);
    const large = nodes.map((each) => ({ ...each, node: { ...node, osImage: 'x'.repeat(60_000) } }));
    expect(cut(large, 20).map((batch) => batch.length)).toEqual([2, 2, 2, 1]);
  });
});
