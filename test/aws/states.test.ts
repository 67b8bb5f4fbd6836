/** The synthesized state machine on moto's interpreter, with answers of functions in the order of the states. */
import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import cdk from '../../cdk.json' with { type: 'json' };
import { NetnsAuditorStack } from '../../lib/infra/stack.ts';
import { configSchema } from '../../lib/model/config.ts';
import { hasMoto, type Moto, startMoto } from './moto.ts';

type Value = string | { Ref: string } | { 'Fn::GetAtt': [string, string] };

/** The definition as text, with ARNs and names in place of references. */
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
        if ('Fn::GetAtt' in part)
          return `arn:aws:lambda:eu-west-1:123456789012:function:${part['Fn::GetAtt'][0]}`;
        return part.Ref === 'AWS::Partition' ? 'aws' : 'audits';
      })
      .join('')
      // moto's grammar takes no whole number there.
      .replace('"ToleratedFailurePercentage":100', '"ToleratedFailurePercentage":100.0')
  );
}

let moto: Moto;
let stateMachineArn: unknown;

/** One call of an AWS API that speaks JSON. */
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

async function run(answers: readonly unknown[]): Promise<Record<string, unknown>> {
  await fetch(`${moto.endpoint}/moto-api/static/lambda-simple/response`, {
    method: 'POST',
    body: JSON.stringify({ results: answers.map((answer) => JSON.stringify(answer)), region: 'eu-west-1' }),
  });
  const { executionArn } = await call('StartExecution', {
    stateMachineArn,
    name: randomUUID(),
    input: JSON.stringify({ schedule: 'nightly', scheduledTime: '2026-11-23T02:00:00Z' }),
  });
  const look = () => call('DescribeExecution', { executionArn });
  await expect.poll(async () => (await look()).status, { timeout: 60_000 }).not.toBe('RUNNING');
  const { events } = await call('GetExecutionHistory', { executionArn });
  return { ...(await look()), asked: JSON.stringify(events) };
}

const task = { runId: 'r', cluster: { name: 'a' }, settings: {} };

describe.skipIf(!hasMoto)('the state machine', () => {
  beforeAll(async () => {
    moto = await startMoto();
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
    const batches = [0, 1].map((batch) => ({ task, batch, nodes: [] }));
    await s3.send(
      new PutObjectCommand({ Bucket: 'audits', Key: 'work/r/a/batches.json', Body: JSON.stringify(batches) }),
    );
    // One machine and one execution: moto starts no other beside them (it copies what holds a lock).
    const made = await call('CreateStateMachine', {
      name: 'audit',
      definition: definition(),
      roleArn: 'arn:aws:iam::123456789012:role/states',
    });
    stateMachineArn = made.stateMachineArn;
  }, 240_000);
  afterAll(async () => await moto?.stop());

  it('goes through plan, batches and conclusions to its end', async () => {
    const execution = await run([
      { runId: 'r', claimed: true, tasks: [task] },
      { batches: 'work/r/a/batches.json', count: 2 },
      { audited: 1, failed: 0 },
      { audited: 1, failed: 0 },
      { cluster: 'a', verdict: 'healthy' },
      { runId: 'r', verdict: 'healthy', lost: 0 },
    ]);
    expect(execution).toMatchObject({ status: 'SUCCEEDED' });
    // What the functions were given, as JSON in JSON in JSON.
    const given = String(execution.asked).replaceAll('\\', '');
    expect(given).toMatch(/PlanCluster[^{]*"\{"runId": "r", "cluster": \{"name": "a"\}/);
    expect(given).toMatch(/ConcludeCluster[^{]*"\{"task": \{"runId": "r"/);
    expect(given).toMatch(
      /ConcludeFleet[^{]*"\{"runId": "r"[^}]*"clusters"|ConcludeFleet[^\n]*"clusters": \[\{"cluster": "a"/,
    );
    expect(JSON.parse(String(execution.output))).toMatchObject({ verdict: 'healthy', lost: 0 });
  }, 120_000);
});
