/** The synthesized functions under Lambda's runtime client, in the order of the synthesized machine. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportOfRun } from '../../lib/audit/index.ts';
import { keys } from '../../lib/history/index.ts';
import { podsOfTheAudit } from '../audit/recorded.ts';
import { Cloud } from './cloud.ts';
import { ACCOUNT } from './deployed.ts';
import type { Call } from './front.ts';
import { hasMoto } from './moto.ts';
import { runtimeClient } from './sandbox.ts';

let cloud: Cloud;
/** Of the runs of the whole configuration. */
let calls: Call[];

describe.skipIf(!hasMoto)('the functions as they are deployed', () => {
  beforeAll(async () => {
    cloud = await Cloud.start();
    console.info(`functions run under ${runtimeClient}`);
  }, 300_000);
  afterAll(async () => {
    if (cloud !== undefined) console.info('cold starts, in ms:', cloud.functions.coldStarts());
    await cloud?.stop();
  }, 60_000);

  it('make a report of each cluster, findings, nodes, evidence and one mail of what is new', async () => {
    const { status, output } = await cloud.run({ day: 20 });
    expect(output).toMatchObject({
      verdict: 'critical',
      lost: 0,
      clusters: [
        { cluster: 'lab', verdict: 'critical', coverage: 1, told: true },
        { cluster: 'own', verdict: 'healthy', coverage: 1, told: false },
        { cluster: 'other', verdict: 'healthy', coverage: 1, told: false },
      ],
    });
    expect(status).toBe('SUCCEEDED');
    const { runId } = output as { runId: string };
    for (const cluster of ['lab', 'own', 'other']) {
      const run = { cluster, runId };
      for (const key of [
        keys.report(run),
        keys.reportPage(run),
        keys.findings(run),
        keys.nodes(run),
        keys.evidence(run, 'node-1'),
        keys.alerts(run),
        keys.latest(cluster),
      ])
        expect(await cloud.store.get(key), key).not.toBeNull();
    }
    expect(await cloud.store.get(keys.fleet(runId))).not.toBeNull();
    const report = await reportOfRun(cloud.store, { cluster: 'lab', runId });
    expect(report?.findings.map(({ check }) => check)).toContain('pod-interface-missing');
    expect(Object.values(cloud.clusters).flatMap(podsOfTheAudit)).toEqual([]);

    expect(await cloud.mails()).toMatchObject([
      {
        subject: expect.stringContaining('lab critical'),
        text: expect.stringContaining('pod-interface-missing'),
      },
    ]);
    const open = report?.findings.filter(({ state }) => state !== 'pending') ?? [];
    expect(await cloud.hubFindings()).toMatchObject(
      open.map(({ fingerprint, check }) => ({
        Id: `netns-auditor/${fingerprint}`,
        GeneratorId: `netns-auditor/${check}`,
        RecordState: 'ACTIVE',
        AwsAccountId: ACCOUNT,
        ProductFields: { 'netns-auditor/cluster': 'lab', 'netns-auditor/run': runId },
        SourceUrl: expect.stringContaining('report.html'),
      })),
    );
    expect(await cloud.queued()).toMatchObject([{ cluster: { name: 'lab' } }]);
    await expect
      .poll(() => cloud.functions.metrics('AuditCompleted'))
      .toEqual(
        expect.arrayContaining(
          ['lab', 'own', 'other'].map((cluster) => ({ name: 'AuditCompleted', value: 1, cluster })),
        ),
      );
  }, 300_000);

  it('reach EKS clusters by a token, those of other accounts by a role with an external id', () => {
    for (const stub of [cloud.clusters.own, cloud.clusters.other])
      expect(stub.headers.authorization).toMatch(/^Bearer k8s-aws-v1\.[\w-]+$/);
    const assumed = cloud.front.calls.filter(({ action }) => action === 'sts:AssumeRole');
    for (const { body } of assumed) expect(new URLSearchParams(body).get('ExternalId')).toBe('abc');
    // Once for each function, whatever it asks the cluster.
    const twice = ['role-of-audit-nodes', 'role-of-plan-cluster'];
    expect(assumed.map(({ caller }) => caller).toSorted()).toEqual(twice);
    const described = cloud.front.calls.filter(({ action }) => action === 'eks:DescribeCluster');
    expect(described.map(({ resource }) => resource.split('/').at(-1)).toSorted()).toEqual(
      ['other', 'own'].flatMap((name) => twice.map(() => name)),
    );
  });

  it('say nothing the next night, when nothing changed', async () => {
    await cloud.restore();
    const { output } = await cloud.run({ day: 21 });
    expect(output).toMatchObject({ verdict: 'critical', clusters: [{ new: 0, told: false }, {}, {}] });
    expect(await cloud.mails()).toHaveLength(1);
    const { runId } = output as { runId: string };
    const hub = await cloud.hubFindings();
    expect(new Set(hub.map(({ Id }) => Id)).size).toBe(hub.length);
    expect([...new Set(hub.map(({ ProductFields }) => ProductFields?.['netns-auditor/run']))]).toEqual([
      runId,
    ]);
    calls = [...cloud.front.calls];
  }, 300_000);

  it('do nothing when the same schedule is delivered again', async () => {
    const { status, history } = await cloud.run({ day: 21 });
    expect(status).toBe('SUCCEEDED');
    expect(history).toEqual(['PlanFleet', 'Claimed', 'DoneByAnother']);
    expect(await cloud.mails()).toHaveLength(1);
  }, 60_000);

  it('count every hour without the say of an audit', async () => {
    const latest = await cloud.store.get(keys.latest('own'));
    const values = () =>
      cloud.functions
        .metrics('AuditCompleted')
        .map(({ value }) => value)
        .toSorted();
    const before = values();
    const { status, output } = await cloud.run({ day: 22, schedule: 'hourly', checks: 'counts' });
    expect(status).toBe('SUCCEEDED');
    const run = { cluster: 'own', runId: (output as { runId: string }).runId };
    expect(await reportOfRun(cloud.store, run)).toMatchObject({
      scope: 'part',
      nodes: [{ node: 'node-1', namespaces: expect.any(Number) }],
    });
    expect(await cloud.store.get(keys.evidence(run, 'node-1'))).toBeNull();
    expect((await cloud.store.get(keys.latest('own')))?.etag).toBe(latest?.etag);
    // The log arrives through a separate pipe.
    await expect.poll(values).toEqual([0, 0, 0, ...before]);
    expect(await cloud.mails()).toHaveLength(1);
  }, 300_000);

  it('ask for what their roles allow, and are allowed no more than they ask for', () => {
    for (const { state, allowed } of cloud.deployed.functions) {
      const own = calls.filter(({ caller }) => caller === `role-of-${state}`);
      expect(own.length, state).toBeGreaterThan(0);
      const rights = allowed.flatMap(({ actions, resources }) =>
        actions.flatMap((action) => resources.map((resource) => ({ action, resource }))),
      );
      const refused = own.filter(
        (call) =>
          !rights.some(
            (right) => matches(right.action, call.action) && matches(right.resource, call.resource),
          ),
      );
      expect(refused, state).toEqual([]);
      const idle = rights
        .filter(
          (right) =>
            !own.some((call) => matches(right.action, call.action) && matches(right.resource, call.resource)),
        )
        .map(({ action, resource }) => `${action} ${resource}`)
        .filter((right) => !Object.keys(NOT_SEEN_HERE).some((known) => matches(known, `${state} ${right}`)));
      expect(idle, state).toEqual([]);
    }
    // Calls made with the role of the other account.
    const others = calls.filter(({ caller }) => !caller.startsWith('role-of-') && caller !== 'test');
    expect([...new Set(others.map(({ action }) => action))]).toEqual(['eks:DescribeCluster']);
  });

  it('write nothing secret to their logs', () => {
    const { log } = cloud.functions;
    expect(log).toContain('claimed the run');
    for (const secret of ['secret-token', 'k8s-aws-v1', 'BEGIN', 'LS0tLS1CRUdJ', '-of-the-role', 'abc"'])
      expect(log).not.toContain(secret);
    for (const line of log.split('\n').filter((each) => each.startsWith('{')))
      expect(() => JSON.parse(line)).not.toThrow();
  });

  it('are under 3 MB each', () => {
    const sizes = Object.fromEntries(
      cloud.deployed.functions.map(({ state, folder }) => [
        state,
        readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0),
      ]),
    );
    console.info('bundles, in bytes:', sizes);
    for (const [state, size] of Object.entries(sizes)) expect(size, state).toBeLessThan(3_000_000);
  });
});

/** Rights that no call of a function uses, and why they are granted. */
const NOT_SEEN_HERE: Readonly<Record<string, string>> = {
  '* logs:*': 'Lambda writes what a function prints, as its role.',
  '* xray:*': 'Lambda sends the traces of active tracing, as its role.',
  'conclude-cluster kms:*': 'SNS encrypts with the key of its topic, in the name of who publishes.',
  '* s3:ListBucket *': 'Without it S3 answers 403 instead of 404 to who reads what is not there.',
};

/** Like IAM: * matches any text. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(text);
}
