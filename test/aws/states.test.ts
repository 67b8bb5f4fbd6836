/** The synthesized state machine in moto's interpreter, which calls functions of this test. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import cdk from '../../cdk.json' with { type: 'json' };
import { NetnsAuditorStack } from '../../lib/infra/stack.ts';
import { configSchema } from '../../lib/model/config.ts';
import { hasMoto, type Moto, startMoto } from './moto.ts';

type Value = string | { readonly Ref: string };

/** The definition as text, with ARNs and names instead of references. */
function definition(): string {
  const config = configSchema.parse({ clusters: [{ name: 'a', eks: { name: 'a', region: 'eu-west-1' } }] });
  const stack = new NetnsAuditorStack(
    new App({ context: cdk.context, analyticsReporting: false }),
    'States',
    config,
  );
  const [machine] = Object.values(
    Template.fromStack(stack).findResources('AWS::StepFunctions::StateMachine'),
  );
  const parts: Value[] = machine?.Properties.DefinitionString['Fn::Join'][1];
  return (
    parts
      .map((part) => {
        if (typeof part === 'string') return part;
        if (part.Ref.includes('Version')) {
          // moto calls functions, and does not know their versions.
          const [name] = part.Ref.split('Version');
          return `arn:aws:lambda:eu-west-1:123456789012:function:${name}00000000`;
        }
        return part.Ref === 'AWS::Partition' ? 'aws' : 'audits';
      })
      .join('')
      // moto's grammar does not accept an integer there.
      .replaceAll('"ToleratedFailurePercentage":100', '"ToleratedFailurePercentage":100.0')
      .replaceAll('"IntervalSeconds":15', '"IntervalSeconds":1')
  );
}

/** What a function does, by its name without what CDK adds. */
type Functions = Readonly<Record<string, (event: Json) => unknown>>;
type Json = Readonly<Record<string, unknown>>;

class FunctionError extends Error {
  constructor(name: string) {
    super(`${name} of a test`);
    this.name = name;
  }
}

let moto: Moto;
let functions: Functions;
/** The functions' inputs, in order. */
let asked: { name: string; event: Json }[];

/** A proxy between the interpreter and the rest of moto: moto's own functions never fail. */
const lambda = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const [, name] =
    /function(?:s\/|%3A|:)AuditorFunctions(\w+?)[0-9A-F]{8}\/invocations/.exec(request.url ?? '') ?? [];
  if (name === undefined) {
    const { pathname, search } = new URL(request.url ?? '', moto.endpoint);
    const { host, connection, 'content-length': length, ...headers } = request.headers;
    const answer = await fetch(`${moto.endpoint}${pathname}${search}`, {
      method: request.method ?? 'GET',
      headers: Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, String(value)])),
      ...(body === '' ? {} : { body }),
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' });
    response.end(Buffer.from(await answer.arrayBuffer()));
    return;
  }
  const event = JSON.parse(body) as Json;
  asked.push({ name, event });
  try {
    const answer = JSON.stringify(functions[name]?.(event) ?? {});
    response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
  } catch (error) {
    const { name: errorType, message } = error as Error;
    response.writeHead(200, { 'content-type': 'application/json', 'x-amz-function-error': 'Unhandled' });
    response.end(JSON.stringify({ errorType, errorMessage: message }));
  }
});

/** One call to an AWS API that uses JSON. */
async function call(target: string, body: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(moto.endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AWSStepFunctions.${target}`,
      authorization:
        'AWS4-HMAC-SHA256 Credential=test/20261123/eu-west-1/states/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

async function run(changes: Functions): Promise<Record<string, unknown>> {
  functions = { ...WELL, ...changes };
  const { stateMachineArn } = await call('CreateStateMachine', {
    name: `audit-${randomUUID()}`,
    definition: definition(),
    roleArn: 'arn:aws:iam::123456789012:role/states',
  });
  const { executionArn } = await call('StartExecution', {
    stateMachineArn,
    name: randomUUID(),
    input: JSON.stringify({ schedule: 'nightly', scheduledTime: '2026-11-23T02:00:00Z' }),
  });
  const look = () => call('DescribeExecution', { executionArn });
  await expect.poll(async () => (await look()).status, { timeout: 60_000 }).not.toBe('RUNNING');
  return await look();
}

const eventsOf = (name: string): Json[] =>
  asked.filter((each) => each.name === name).map(({ event }) => event);

const taskOf = (name: string) => ({ runId: 'r', cluster: { name }, settings: {} });
const WELL: Functions = {
  PlanFleet: () => ({ runId: 'r', claimed: true, digest: false, tasks: 'work/r/tasks.json', count: 2 }),
  PlanCluster: () => ({ batches: 'work/r/a/batches.json', count: 2 }),
  AuditNodes: () => ({ audited: 1, failed: 0 }),
  ConcludeCluster: ({ task }) => ({
    cluster: (task as ReturnType<typeof taskOf>).cluster.name,
    verdict: 'healthy',
  }),
  ConcludeFleet: ({ clusters }) => ({
    verdict: 'healthy',
    lost: (clusters as Json[]).filter((each) => 'error' in each).length,
  }),
};

describe.skipIf(!hasMoto)('the state machine', () => {
  beforeAll(async () => {
    lambda.listen(0, '127.0.0.1');
    await once(lambda, 'listening');
    moto = await startMoto({
      http_proxy: `http://127.0.0.1:${(lambda.address() as AddressInfo).port}`,
      no_proxy: '',
    });
  }, 240_000);
  // Otherwise moto starts no second execution: it copies an object that holds the first one's lock.
  beforeEach(async () => {
    asked = [];
    await fetch(`${moto.endpoint}/moto-api/reset`, { method: 'POST' });
    await fetch(`${moto.endpoint}/moto-api/config`, {
      method: 'POST',
      body: JSON.stringify({ stepfunctions: { execute_state_machine: true }, lambda: { use_docker: false } }),
    });
    const s3 = new S3Client({ forcePathStyle: true });
    await s3.send(
      new CreateBucketCommand({
        Bucket: 'audits',
        CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
      }),
    );
    const batches = [0, 1].map((batch) => ({ task: taskOf('a'), batch, nodes: [] }));
    await s3.send(
      new PutObjectCommand({ Bucket: 'audits', Key: 'work/r/a/batches.json', Body: JSON.stringify(batches) }),
    );
    const tasks = ['a', 'b'].map((name) => ({ task: taskOf(name) }));
    await s3.send(
      new PutObjectCommand({ Bucket: 'audits', Key: 'work/r/tasks.json', Body: JSON.stringify(tasks) }),
    );
  }, 60_000);
  afterAll(async () => {
    await moto?.stop();
    lambda.close();
  });

  it('goes through plan, batches and conclusions to its end', async () => {
    const execution = await run({});
    expect(execution).toMatchObject({ status: 'SUCCEEDED' });
    expect(JSON.parse(String(execution.output))).toEqual({ verdict: 'healthy', lost: 0 });
    expect(eventsOf('PlanFleet')).toMatchObject([
      { schedule: 'nightly', execution: expect.stringContaining('execution'), clusters: [{ name: 'a' }] },
    ]);
    expect(eventsOf('PlanCluster')).toEqual(expect.arrayContaining([taskOf('a'), taskOf('b')]));
    expect(
      eventsOf('AuditNodes')
        .map(({ batch }) => batch)
        .toSorted(),
    ).toEqual([0, 0, 1, 1]);
    expect(eventsOf('ConcludeCluster')).toMatchObject([{ task: { runId: 'r' } }, { task: { runId: 'r' } }]);
    expect(eventsOf('ConcludeFleet')).toEqual([
      { runId: 'r', digest: false, clusters: ['a', 'b'].map((cluster) => ({ cluster })) },
    ]);
  }, 120_000);

  it('does nothing where another execution does the run', async () => {
    const { status } = await run({
      PlanFleet: () => ({ runId: 'r', claimed: false, tasks: '', count: 0, digest: false }),
    });
    expect(status).toBe('SUCCEEDED');
    expect(asked.map(({ name }) => name)).toEqual(['PlanFleet']);
  }, 120_000);

  it('tries again what may go well, and concludes where a plan or a batch does not', async () => {
    let tries = 0;
    const { status } = await run({
      PlanCluster(event) {
        if (JSON.stringify(event).includes('"b"')) throw new FunctionError('CLUSTER_DNS');
        tries += 1;
        if (tries < 3) throw new FunctionError('Retryable');
        return { batches: 'work/r/a/batches.json', count: 2 };
      },
      AuditNodes({ batch }) {
        if (batch === 1) throw new FunctionError('CLUSTER_FORBIDDEN');
        return { audited: 1, failed: 0 };
      },
    });
    expect(status).toBe('SUCCEEDED');
    expect(tries).toBe(3);
    expect(eventsOf('PlanCluster')).toHaveLength(4);
    expect(eventsOf('AuditNodes')).toHaveLength(2);
    const conclusions = eventsOf('ConcludeCluster').toSorted(
      (a, b) => ('error' in a ? 1 : 0) - ('error' in b ? 1 : 0),
    );
    expect(conclusions).toMatchObject([
      { task: taskOf('a') },
      { task: taskOf('b'), error: { Error: 'CLUSTER_DNS', Cause: expect.stringContaining('of a test') } },
    ]);
    expect(conclusions[0]).not.toHaveProperty('error');
  }, 120_000);

  it('fails for all to see where a cluster has no conclusion, after the others were concluded', async () => {
    const { status, error } = await run({
      ConcludeCluster(event) {
        if (JSON.stringify(event).includes('"b"')) throw new FunctionError('STORE');
        return { cluster: 'a', verdict: 'healthy' };
      },
    });
    expect({ status, error }).toEqual({ status: 'FAILED', error: 'ClusterLost' });
    expect(eventsOf('ConcludeFleet')).toMatchObject([
      {
        clusters: [{ cluster: 'a' }, { cluster: 'b', error: { Error: 'STORE' } }],
      },
    ]);
  }, 120_000);
});
