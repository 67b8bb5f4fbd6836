/** The bundles of the functions, as Lambda loads them, with S3, SNS and Secrets Manager of moto and an API server in this process. */
import { pathToFileURL } from 'node:url';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import type { Context, Handler } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { conclusionSchema, fleetPlanSchema, fleetReportSchema } from '../../lib/audit/fleet/index.ts';
import { openStore, reportOfRun } from '../../lib/audit/index.ts';
import { keys, type Store } from '../../lib/history/index.ts';
import { bundle, type State } from '../../lib/infra/bundle.ts';
import { podsOfTheAudit, serveRecording } from '../audit/recorded.ts';
import { StubApiServer } from '../stub/api-server.ts';
import { hasMoto, type Moto, startMoto } from './moto.ts';

const STORE = 's3://audits';
let moto: Moto;
let stub: StubApiServer;
let store: Store;
let secret: string;

/** What SNS was asked to publish. */
async function messages(): Promise<{ subject: string; body: string }[]> {
  const response = await fetch(`${moto.endpoint}/moto-api/data.json`);
  const { sns } = (await response.json()) as { sns?: { Topic?: { sent_notifications?: unknown }[] } };
  const sent = (sns?.Topic ?? []).flatMap((topic) => topic.sent_notifications ?? []);
  return JSON.parse(JSON.stringify(sent)).map(([, body, subject]: [string, string, string]) => ({
    subject,
    body,
  }));
}

async function invoke(state: State, event: unknown): Promise<unknown> {
  const { handler } = (await import(pathToFileURL(`${bundle(state)}/index.mjs`).href)) as {
    handler: Handler;
  };
  // Lambda refuses handlers that take a callback.
  expect(handler.length).toBeLessThanOrEqual(2);
  const context = {
    functionName: state,
    awsRequestId: 'request-1',
    memoryLimitInMB: '512',
    getRemainingTimeInMillis: () => 900_000,
  } as Context;
  // As between states: JSON.
  return JSON.parse(JSON.stringify(await handler(JSON.parse(JSON.stringify(event)), context, () => {})));
}

const input = (execution: string) => ({
  scheduledTime: '2026-11-23T02:00:00Z',
  schedule: 'nightly',
  execution,
  clusters: [{ name: 'lab', kubeconfigSecret: secret }],
  settings: {},
});

describe.skipIf(!hasMoto)('the functions as they are deployed', () => {
  beforeAll(async () => {
    moto = await startMoto();
    stub = await StubApiServer.start();
    await serveRecording(stub, 'broken');
    await new S3Client({ forcePathStyle: true }).send(
      new CreateBucketCommand({
        Bucket: 'audits',
        CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
      }),
    );
    const { TopicArn } = await new SNSClient({}).send(new CreateTopicCommand({ Name: 'changes' }));
    const made = await new SecretsManagerClient({}).send(
      new CreateSecretCommand({ Name: 'lab', SecretString: stub.kubeconfig() }),
    );
    secret = made.ARN ?? '';
    Object.assign(process.env, {
      STORE,
      TOPIC_ARN: TopicArn,
      AUDITOR_VERSION: '0.0.0',
      POWERTOOLS_DEV: 'false',
    });
    const opened = openStore(STORE);
    if (opened === null) throw new Error('no store');
    store = opened;
  }, 240_000);
  afterAll(async () => {
    await stub?.close();
    await moto?.stop();
  });

  it('make a report, findings, evidence and one mail, in the order of the states', async () => {
    // Powertools writes there, not to the console of the test.
    const output = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    const { runId, tasks } = fleetPlanSchema.parse(await invoke('plan-fleet', input('one')));
    const [task] = tasks;
    const plan = (await invoke('plan-cluster', task)) as { batches: string; count: number };
    expect(plan.count).toBe(1);
    const batches = JSON.parse(Buffer.from((await store.get(plan.batches))?.body ?? '').toString());
    expect(await invoke('audit-nodes', batches[0])).toEqual({ audited: 1, failed: 0 });
    const conclusion = conclusionSchema.parse(await invoke('conclude-cluster', { task, error: null }));
    expect(conclusion).toMatchObject({ cluster: 'lab', verdict: 'critical', coverage: 1, told: true });
    const fleet = fleetReportSchema.parse(await invoke('conclude-fleet', { runId, clusters: [conclusion] }));
    expect(fleet).toMatchObject({ verdict: 'critical', lost: 0 });

    const run = { cluster: 'lab', runId };
    expect((await reportOfRun(store, run))?.findings.map(({ check }) => check)).toContain(
      'pod-interface-missing',
    );
    for (const key of [
      keys.findings(run),
      keys.nodes(run),
      keys.evidence(run, 'node-1'),
      keys.alerts(run),
      keys.fleet(runId),
    ])
      expect(await store.get(key), key).not.toBeNull();
    expect(podsOfTheAudit(stub)).not.toContainEqual(expect.stringContaining(runId));
    expect(await messages()).toMatchObject([
      {
        subject: expect.stringContaining('lab: critical'),
        body: expect.stringContaining('pod-interface-missing'),
      },
    ]);
    const emitted = output.mock.calls.map(([line]) => String(line)).join('');
    expect(emitted).toContain('"AuditCompleted":1');
    expect(emitted).toContain('"Coverage":100');
    expect(emitted).not.toContain('secret-token');

    // Delivered twice: nothing is done, and nothing is said.
    expect(fleetPlanSchema.parse(await invoke('plan-fleet', input('two')))).toMatchObject({
      claimed: false,
      tasks: [],
    });
    // Tried again: the same report, no second mail.
    expect(conclusionSchema.parse(await invoke('conclude-cluster', { task, error: null })).told).toBe(true);
    expect(await messages()).toHaveLength(1);
    output.mockRestore();
  }, 120_000);

  it('name errors so that the state machine can tell what to try again', async () => {
    const error = await invoke('plan-cluster', {
      runId: '20261123T020000Z-0a0b0c0d',
      cluster: { name: 'gone', kubeconfigSecret: `${secret.slice(0, -1)}x` },
      settings: { probe: {}, thresholds: {}, concurrency: {} },
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'AWS', message: expect.stringContaining('secret') });
  });
});
