/** Failures on AWS and their consequences, on the synthesized machine with the synthesized functions. */
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FleetReport } from '../../lib/audit/fleet/messages.ts';
import { reportOfRun } from '../../lib/audit/index.ts';
import { keys } from '../../lib/history/index.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { addNode, endWith, podsOfTheAudit } from '../audit/recorded.ts';
import { Cloud } from './cloud.ts';
import { hasMoto } from './moto.ts';
import type { Execution } from './states.ts';

let cloud: Cloud;

const mailsAbout = async (cluster: string) =>
  (await cloud.mails()).filter((mail) => mail.cluster === cluster);
async function keysBelow(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const key of cloud.store.list(prefix)) found.push(key);
  return found;
}

/** Values of a metric, of one cluster, in the order they were emitted. */
const emitted = (name: string, cluster: string) =>
  cloud.functions
    .metrics(name)
    .filter((each) => each.cluster === cluster)
    .map(({ value }) => value);

/** How often an alert could not be sent, whatever the cluster. */
const alertsFailed = () => cloud.functions.metrics('AlertFailed').length;

/** Alarms that a run raises; its metrics come by a pipe of their own. */
const expectAlarms = async (run: Execution, since: number, names: readonly string[]) =>
  await expect.poll(() => cloud.alarms(run, since).toSorted()).toEqual(names.toSorted());

/** Kills a function once, as soon as this call of it was answered. */
function killOnce(state: string, action: string, resource: string): void {
  let died = false;
  cloud.front.onCall = (call) => {
    if (died || call.action !== action || !call.resource.includes(resource)) return;
    died = true;
    for (const sandbox of cloud.functions.of(state)) sandbox.kill();
  };
}

async function reportOf(cluster: string, output: unknown): Promise<ClusterReport | null> {
  return await reportOfRun(cloud.store, { cluster, runId: (output as FleetReport).runId });
}

describe.skipIf(!hasMoto)('when things go wrong', () => {
  beforeAll(async () => {
    cloud = await Cloud.start();
  }, 300_000);
  afterEach(() => {
    cloud.front.accept();
    cloud.front.onCall = () => {};
    cloud.functions.seconds.clear();
  });
  afterAll(async () => await cloud?.stop(), 60_000);

  it('a schedule that is delivered twice at once is one run: one report, one mail', async () => {
    const { config } = await cloud.addCluster('twice', 'broken');
    const runs = await Promise.all([cloud.run({ day: 1 }, [config]), cloud.run({ day: 1 }, [config])]);
    expect(runs.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expect(runs.filter(({ history }) => history.includes('DoneByAnother'))).toHaveLength(1);
    expect(
      (await keysBelow('reports/cluster=twice/')).filter((key) => key.endsWith('report.json')),
    ).toHaveLength(1);
    expect(await mailsAbout('twice')).toHaveLength(1);
  }, 300_000);

  it('two runs of one cluster at once make a whole report each', async () => {
    const { stub, config } = await cloud.addCluster('shared', 'broken');
    const runs = await Promise.all(
      ['nightly', 'hourly'].map((schedule) => cloud.run({ day: 2, schedule }, [config])),
    );
    for (const { output } of runs)
      expect(await reportOf('shared', output)).toMatchObject({
        verdict: 'critical',
        coverage: { nodes: [{ node: 'node-1', result: 'audited' }, { result: 'skipped' }] },
      });
    expect(await keysBelow('latest/cluster=shared')).toHaveLength(1);
    expect(podsOfTheAudit(stub)).toEqual([]);
  }, 300_000);

  it('a batch that died after half its work is done again, and nothing is doubled', async () => {
    const { stub, recorded, config } = await cloud.addCluster('half', 'broken');
    addNode(stub, recorded.node, { name: 'node-2' });
    endWith(stub, 'node-2', () => ({ log: recorded.log }));
    killOnce('audit-nodes', 's3:PutObject', '/evidence/cluster=half/');
    const { history, output } = await cloud.run({ day: 3 }, [config], {
      concurrency: { nodesPerBatch: 20, nodes: 1 },
    });
    expect(history).toContain('AuditNodes!Runtime.ExitError');
    const report = await reportOf('half', output);
    expect(report?.coverage.nodes.map(({ node, result }) => [node, result])).toEqual([
      ['node-1', 'audited'],
      ['node-2', expect.stringMatching(/audited|partial|failed/)],
      ['serverless', 'skipped'],
    ]);
    const fingerprints = report?.findings.map(({ fingerprint }) => fingerprint) ?? [];
    expect(fingerprints.length).toBeGreaterThan(0);
    expect(new Set(fingerprints).size).toBe(fingerprints.length);
    expect(await mailsAbout('half')).toHaveLength(1);
    expect(podsOfTheAudit(stub)).toEqual([]);
  }, 300_000);

  it('a conclusion that died after its mail was recorded is done again, and nobody is told twice', async () => {
    const { config } = await cloud.addCluster('told', 'broken');
    killOnce('conclude-cluster', 's3:PutObject', '/alerts/cluster=told/');
    const { status, output, history } = await cloud.run({ day: 11 }, [config]);
    expect(history).toContain('ConcludeCluster!Runtime.ExitError');
    expect({ status, output }).toMatchObject({
      status: 'SUCCEEDED',
      output: { lost: 0, clusters: [{ told: true }] },
    });
    expect(await mailsAbout('told')).toHaveLength(1);
  }, 300_000);

  it('Security Hub refuses for a while: the mail is sent once all the same, and the findings are there in the end', async () => {
    const { config } = await cloud.addCluster('hub', 'broken');
    const before = alertsFailed();
    cloud.front.refuse('securityhub:BatchImportFindings', { times: 9 });
    const { status, output, history } = await cloud.run({ day: 12 }, [config]);
    expect(history).toContain('ConcludeCluster!Retryable');
    expect(status).toBe('SUCCEEDED');
    expect(await mailsAbout('hub')).toHaveLength(1);
    expect(alertsFailed()).toBeGreaterThan(before);
    const open = (await reportOf('hub', output))?.findings.filter(({ state }) => state !== 'pending') ?? [];
    const kept = (await cloud.hubFindings()).filter(
      ({ ProductFields }) => ProductFields?.['netns-auditor/cluster'] === 'hub',
    );
    expect(kept.map(({ Id }) => Id)).toEqual(open.map(({ fingerprint }) => `netns-auditor/${fingerprint}`));
  }, 300_000);

  it('a plan that died after its batches were cut is made again, and the batches are those that were cut', async () => {
    const { stub, config } = await cloud.addCluster('cut', 'broken');
    killOnce('plan-cluster', 's3:PutObject', '/batches.json');
    const since = Date.now();
    const run = await cloud.run({ day: 17 }, [config]);
    expect(run.history).toContain('PlanCluster!Runtime.ExitError');
    expect(await reportOf('cut', run.output)).toMatchObject({
      verdict: 'critical',
      coverage: { nodes: [{ node: 'node-1', result: 'audited' }, { result: 'skipped' }] },
    });
    expect(await mailsAbout('cut')).toHaveLength(1);
    expect(podsOfTheAudit(stub)).toEqual([]);
    await expectAlarms(run, since, []);
  }, 300_000);

  it('a conclusion that died between its findings and its report is done again: one report, of just these findings', async () => {
    const { config } = await cloud.addCluster('between', 'broken');
    killOnce('conclude-cluster', 's3:PutObject', '/findings/dt=');
    const since = Date.now();
    const run = await cloud.run({ day: 13 }, [config]);
    expect(run.history).toContain('ConcludeCluster!Runtime.ExitError');
    const report = await reportOf('between', run.output);
    const { runId } = run.output as FleetReport;
    const rows = await cloud.store.get(keys.findings({ cluster: 'between', runId }));
    const found = gunzipSync(rows?.body ?? '')
      .toString()
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { fingerprint: string }).fingerprint);
    expect(found.length).toBeGreaterThan(0);
    expect(report?.findings.map(({ fingerprint }) => fingerprint)).toEqual(found);
    expect(
      (await keysBelow('reports/cluster=between/')).filter((key) => key.endsWith('report.json')),
    ).toHaveLength(1);
    expect(await mailsAbout('between')).toHaveLength(1);
    await expectAlarms(run, since, []);
  }, 300_000);

  it.each(['work/', 'evidence/', 'findings/', 'reports/', 'latest/', 'alerts/'])(
    'S3 refuses %s for a while: one report, one mail',
    async (prefix) => {
      const name = `s3-${prefix.replace('/', '')}`;
      const { config } = await cloud.addCluster(name, 'broken');
      // More than the SDK's retries, even with two attempts at once.
      cloud.front.refuse('s3:PutObject', { resource: `:::audits/${prefix}`, times: 9 });
      const { status, output, history } = await cloud.run({ day: 4, schedule: name }, [config]);
      expect(history).toContainEqual(expect.stringMatching(/!Retryable$/));
      expect(status).toBe('SUCCEEDED');
      expect(await reportOf(name, output)).toMatchObject({
        verdict: 'critical',
        coverage: { nodes: [{ result: 'audited' }, { result: 'skipped' }] },
      });
      const mails = await mailsAbout(name);
      // Sent before it could be recorded: at least once.
      if (prefix === 'alerts/') expect(mails.length).toBeLessThanOrEqual(2);
      else expect(mails).toHaveLength(1);
    },
    300_000,
  );

  it('S3 refuses to read for a while: one report, one mail', async () => {
    const { config } = await cloud.addCluster('unread', 'broken');
    cloud.front.refuse('s3:GetObject', { resource: ':::audits/work/', times: 20 });
    const { status, output, history } = await cloud.run({ day: 14 }, [config]);
    expect(history).toContainEqual(expect.stringMatching(/!Retryable$/));
    expect(status).toBe('SUCCEEDED');
    expect(await reportOf('unread', output)).toMatchObject({
      verdict: 'critical',
      coverage: { nodes: [{ result: 'audited' }, { result: 'skipped' }] },
    });
    expect(await mailsAbout('unread')).toHaveLength(1);
  }, 300_000);

  it('SNS refuses for a while: the report is written once, the mail sent once, and the alarm is fed', async () => {
    const { config } = await cloud.addCluster('sns-while', 'broken');
    const before = alertsFailed();
    cloud.front.refuse('sns:Publish', { times: 7 });
    const since = Date.now();
    const run = await cloud.run({ day: 5 }, [config]);
    const { status, history, output } = run;
    expect(history).toContain('ConcludeCluster!Retryable');
    expect(status).toBe('SUCCEEDED');
    expect(output).toMatchObject({ lost: 0, clusters: [{ told: true }] });
    expect(await mailsAbout('sns-while')).toHaveLength(1);
    await expect.poll(() => alertsFailed()).toBe(before + 1);
    await expectAlarms(run, since, ['AlertFailed']);
    const written = keys.report({ cluster: 'sns-while', runId: (output as FleetReport).runId });
    const puts = cloud.front.calls.filter(
      ({ action, resource }) => action === 's3:PutObject' && resource.endsWith(written),
    );
    const { finishedAt = '' } = (await reportOf('sns-while', output)) ?? {};
    // The second attempt may try to write it again; the first one's stays.
    for (const { body } of puts) expect(body).toContain(`"finishedAt":"${finishedAt}"`);
  }, 300_000);

  it('SNS refuses for good: the run fails for all to see, the report is there, and the next run tells', async () => {
    const { config } = await cloud.addCluster('sns-down', 'broken');
    const { config: fine } = await cloud.addCluster('sns-fine', 'healthy');
    cloud.front.refuse('sns:Publish', { times: Number.POSITIVE_INFINITY });
    const since = Date.now();
    const run = await cloud.run({ day: 6 }, [config, fine]);
    const { status, output, history } = run;
    expect(history).toContain('ClusterLost');
    expect({ status, output }).toMatchObject({ status: 'FAILED', output: { Error: 'ClusterLost' } });
    await expectAlarms(run, since, ['AlertFailed', 'ClusterLost', 'RunFailed']);
    expect(await keysBelow('reports/cluster=sns-down/')).toHaveLength(2);
    const fleet = (await keysBelow('fleet/dt=2026-11-06')).find((key) => key.endsWith('.json')) ?? '';
    const stored = JSON.parse(Buffer.from((await cloud.store.get(fleet))?.body ?? '').toString());
    expect(stored).toMatchObject({
      verdict: 'incomplete',
      lost: 1,
      clusters: [
        { cluster: 'sns-down', reason: expect.stringMatching(/^Retryable: /) },
        { cluster: 'sns-fine', verdict: 'healthy' },
      ],
    });
    cloud.front.accept();
    await cloud.run({ day: 7 }, [config]);
    expect(await mailsAbout('sns-down')).toMatchObject([
      { text: expect.stringContaining('pod-interface-missing') },
    ]);
  }, 300_000);

  it('Security Hub refuses for good: the report and the mail are there, and the next run sends what is open', async () => {
    const { config } = await cloud.addCluster('hub-down', 'broken');
    cloud.front.refuse('securityhub:BatchImportFindings', { times: Number.POSITIVE_INFINITY });
    const since = Date.now();
    const run = await cloud.run({ day: 18 }, [config]);
    expect(run).toMatchObject({ status: 'FAILED', output: { Error: 'ClusterLost' } });
    await expectAlarms(run, since, ['AlertFailed', 'ClusterLost', 'RunFailed']);
    expect(new Set(emitted('AuditCompleted', 'hub-down'))).toEqual(new Set([1]));
    expect(new Set(emitted('NewFindings', 'hub-down')).size).toBe(1);
    expect(await keysBelow('reports/cluster=hub-down/')).toHaveLength(2);
    expect(await mailsAbout('hub-down')).toHaveLength(1);
    cloud.front.accept();
    const next = await cloud.run({ day: 19 }, [config]);
    expect(next.status).toBe('SUCCEEDED');
    const open = (await reportOf('hub-down', next.output))?.findings ?? [];
    const kept = (await cloud.hubFindings()).filter(
      ({ ProductFields }) => ProductFields?.['netns-auditor/cluster'] === 'hub-down',
    );
    expect(kept.map(({ Id }) => Id).toSorted()).toEqual(
      open
        .filter(({ state }) => state !== 'pending')
        .map(({ fingerprint }) => `netns-auditor/${fingerprint}`)
        .toSorted(),
    );
  }, 300_000);

  it('clusters that cannot be reached are told of, and the other is audited', async () => {
    const { config: fine } = await cloud.addCluster('reached', 'healthy');
    const { stub, config: refusing } = await cloud.addCluster('refusing', 'healthy');
    stub.fail({ path: '/', status: 401, times: Number.POSITIVE_INFINITY });
    const secret = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:gone-AbCdEf';
    const since = Date.now();
    const run = await cloud.run({ day: 8 }, [fine, refusing, { name: 'nowhere', kubeconfigSecret: secret }]);
    const { status, output, history } = run;
    expect(status).toBe('SUCCEEDED');
    expect(output).toMatchObject({
      verdict: 'incomplete',
      lost: 0,
      clusters: [
        { cluster: 'reached', reached: true, coverage: 1 },
        { cluster: 'refusing', reached: false, coverage: 0, told: true },
        { cluster: 'nowhere', reached: false, coverage: 0, told: true },
      ],
    });
    // Permanent failures are not retried.
    expect(history.filter((each) => each.startsWith('PlanCluster!')).toSorted()).toEqual([
      'PlanCluster!AWS',
      'PlanCluster!CLUSTER_UNAUTHENTICATED',
    ]);
    expect((await reportOf('nowhere', output))?.coverage.nodes).toMatchObject([
      { node: '*', result: 'failed', reason: expect.stringContaining('secret') },
    ]);
    for (const cluster of ['refusing', 'nowhere']) {
      expect(await mailsAbout(cluster)).toHaveLength(1);
    }
    await expectAlarms(run, since, ['AuditMissing', 'Coverage']);
  }, 300_000);

  it('all batches die: one report with every node failed, one mail, no coverage', async () => {
    const { config } = await cloud.addCluster('dying', 'broken');
    cloud.front.onCall = ({ action, caller }) => {
      if (action !== 'secretsmanager:GetSecretValue' || caller !== 'role-of-audit-nodes') return;
      for (const sandbox of cloud.functions.of('audit-nodes')) sandbox.kill();
    };
    const since = Date.now();
    const run = await cloud.run({ day: 9 }, [config]);
    const { status, output } = run;
    expect(status).toBe('SUCCEEDED');
    expect(output).toMatchObject({
      clusters: [{ cluster: 'dying', verdict: 'incomplete', reached: true, coverage: 0, told: true }],
    });
    expect((await reportOf('dying', output))?.coverage.nodes).toMatchObject([
      { node: 'node-1', result: 'failed', reason: expect.stringContaining('batch') },
      { node: 'serverless', result: 'failed' },
    ]);
    expect(await mailsAbout('dying')).toHaveLength(1);
    await expectAlarms(run, since, ['AuditMissing', 'Coverage']);
  }, 300_000);

  it('a function near its end removes its pods and keeps what it has', async () => {
    const { stub, recorded, config } = await cloud.addCluster('slow', 'broken');
    addNode(stub, recorded.node, { name: 'node-2' });
    endWith(stub, 'node-2', () => ({ never: true }));
    // 45 seconds are reserved.
    cloud.functions.seconds.set('audit-nodes', 60);
    const since = Date.now();
    const run = await cloud.run({ day: 10 }, [config], { concurrency: { nodesPerBatch: 20, nodes: 1 } });
    const { status, output, history } = run;
    expect(status).toBe('SUCCEEDED');
    expect(history.filter((each) => each.startsWith('AuditNodes!'))).toEqual([]);
    const report = await reportOf('slow', output);
    expect(report?.coverage.nodes).toMatchObject([
      { node: 'node-1', result: 'audited' },
      { node: 'node-2', result: 'failed', reason: expect.stringContaining('timeout') },
      { node: 'serverless', result: 'skipped' },
    ]);
    expect(report?.findings.map(({ check }) => check)).toContain('pod-interface-missing');
    expect(podsOfTheAudit(stub)).toEqual([]);
    await expectAlarms(run, since, ['Coverage']);
  }, 300_000);

  it('a run that failed at its beginning is redriven to its end', async () => {
    const { config } = await cloud.addCluster('begun', 'broken');
    cloud.front.refuse('s3:PutObject', { resource: '/exceptions.json', times: Number.POSITIVE_INFINITY });
    const since = Date.now();
    const run = await cloud.run({ day: 15 }, [config]);
    expect(run.status).toBe('FAILED');
    await expectAlarms(run, since, ['RunFailed', 'ScheduleDead']);
    cloud.front.accept();
    // It claimed the run before it failed, and still owns the claim.
    const redriven = await run.redrive();
    expect(redriven).toMatchObject({ status: 'SUCCEEDED', output: { clusters: [{ cluster: 'begun' }] } });
    expect(await mailsAbout('begun')).toHaveLength(1);
    await expectAlarms(redriven, since, []);
  }, 300_000);

  it('a run that failed at its end is redriven, and no cluster is audited or told of again', async () => {
    const { config } = await cloud.addCluster('ended', 'broken');
    cloud.front.refuse('s3:PutObject', { resource: ':::audits/fleet/', times: Number.POSITIVE_INFINITY });
    const since = Date.now();
    const run = await cloud.run({ day: 16 }, [config]);
    expect(run.status).toBe('FAILED');
    await expectAlarms(run, since, ['RunFailed', 'ScheduleDead']);
    cloud.front.accept();
    const redriven = await run.redrive();
    expect(redriven.history).toEqual(['ConcludeFleet', 'AllDelivered', 'Done']);
    expect(redriven.status).toBe('SUCCEEDED');
    expect(await keysBelow('fleet/dt=2026-11-16')).toHaveLength(2);
    expect(await mailsAbout('ended')).toHaveLength(1);
  }, 300_000);
});
