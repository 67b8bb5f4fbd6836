/** What runs ask of AWS, counted in the functions as they are deployed, against docs/cost.md. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../lib/model/config.ts';
import { serveNode } from '../audit/recorded.ts';
import { named, recordedNode } from '../fuzz/nodes.ts';
import { StubApiServer } from '../stub/api-server.ts';
import { datapointsOf } from './alarms.ts';
import { Cloud } from './cloud.ts';
import { type Deployed, deployed } from './deployed.ts';
import { hasMoto } from './moto.ts';
import { type Execution, execute } from './states.ts';
import { VirtualTime } from './virtual-time.ts';

const page = readFileSync(new URL('../../docs/cost.md', import.meta.url), 'utf8');
/** In batches of 20, of which the last is small. */
const NODES = 45;
const BATCHES = 3;

/** The numbers of the page at this place. */
function said(pattern: RegExp): number[] {
  const [, ...found] = pattern.exec(page) ?? [];
  expect(found, String(pattern)).not.toEqual([]);
  return found.map((number) => Number(number.replaceAll(',', '')));
}

it('adds up the parts of the sum', () => {
  const [table = ''] = /\| part \|[\s\S]*?\*\*sum\*\*.*/.exec(page) ?? [];
  const dollars = [...table.matchAll(/\| \**\$([\d.]+)\** \|$/gm)].map(([, amount]) => Number(amount));
  expect(dollars.length).toBeGreaterThan(5);
  const sum = dollars.pop();
  expect(dollars.reduce((all, each) => all + each, 0)).toBeCloseTo(sum ?? 0, 2);
});

describe.skipIf(!hasMoto)('a run of one cluster, by what is charged', () => {
  let cloud: Cloud;
  let stub: StubApiServer;

  beforeAll(async () => {
    cloud = await Cloud.start();
    stub = await StubApiServer.start();
    const recorded = await recordedNode('healthy');
    for (let n = 1; n <= NODES; n++) await serveNode(stub, named(recorded, `node-${n}`));
  }, 300_000);
  afterAll(async () => {
    await stub?.close();
    await cloud?.stop();
  }, 60_000);

  async function charged(schedule: Parameters<Cloud['run']>[0]) {
    const config = await cloud.keep(`many-${schedule.day}`, stub.kubeconfig());
    cloud.front.calls.length = 0;
    const run = await cloud.run(schedule, [config]);
    expect(run.output).toMatchObject({ clusters: [{ nodes: { audited: NODES } }] });
    const calls = (...actions: readonly string[]): number =>
      cloud.front.calls.filter(
        ({ caller, action }) => caller.startsWith('role-of-') && actions.includes(action),
      ).length;
    return {
      transitions: transitionsOf(run),
      writes: calls('s3:PutObject', 's3:ListBucket'),
      reads: calls('s3:GetObject'),
    };
  }

  it('is at night what the page on costs says', async () => {
    const counted = await charged({ day: 20 });
    console.info(`a night of ${NODES} nodes:`, counted);
    const [base = 0, ofBatch = 0] = said(/\((\d+) transitions \+ 5 batches × (\d+)\) × 30/);
    expectAbout(counted.transitions, base + BATCHES * ofBatch);
    const [writes = 0] = said(/\(100 evidence \+ 5 batches \+ (\d+)\) × 30/);
    expectAbout(counted.writes, NODES + BATCHES + writes);
    const [reads = 0, readsOfBatch = 0] = said(/(\d+) reads and (\d+) a batch/);
    expectAbout(counted.reads, reads + BATCHES * readsOfBatch);
    const metrics = new Set(
      datapointsOf(cloud.functions.log).map(
        ({ metric, dimensions }) => `${metric} ${JSON.stringify(dimensions)}`,
      ),
    );
    const [ofCluster = 0, ofRun = 0] = said(/(\d+) for the cluster \+ (\d+) = /);
    expect(metrics.size).toBe(ofCluster + ofRun);
    console.info('log, in bytes:', Buffer.byteLength(cloud.functions.log));
  }, 300_000);

  it('is each hour what the page on costs says', async () => {
    const counted = await charged({ day: 21, schedule: 'hourly', checks: 'counts' });
    console.info(`an hour of ${NODES} nodes:`, counted);
    const [writes = 0, ofBatch = 0] = said(/\((\d+) \+ 5 batches × (\d+)\) × 720 writes/);
    expectAbout(counted.writes, writes + BATCHES * ofBatch);
  }, 300_000);
});

/**
 * One cluster of the page's size, in virtual time, on the synthesized machine with the memory of its functions.
 * How long each takes is the page's assumption.
 */
describe('a month of simulated nights', () => {
  const clusters = [{ name: 'a', eks: { name: 'a', region: 'eu-west-1' } }];
  const config = configSchema.parse({ clusters });
  const { nodesPerBatch, nodes: atOnce } = config.concurrency;
  const [nodes = 0] = said(/## One cluster of (\d+) nodes, one audit a night/);
  const [ofNode = 0] = said(/each node takes (\d+) s from pod to verdict/);
  const [rounds = 0, ofRound = 0, ofStart = 0] = said(/\((\d+) rounds × (\d+) s \+ (\d+) s start\)/);
  const [ofOther = 0] = said(/other functions \| (\d+) s each of/);
  let made: Deployed;
  const gigabyteSeconds = new Map<string, number>();
  let transitions = 0;

  beforeAll(async () => {
    made = deployed(config);
    for (let night = 1; night <= 30; night += 1) transitions += transitionsOf(await simulated(night));
  }, 120_000);

  async function simulated(night: number): Promise<Execution> {
    const clock = new VirtualTime();
    const batches = Array.from({ length: Math.ceil(nodes / nodesPerBatch) }, (_, batch) => ({
      ...{ batch, nodes: Math.min(nodesPerBatch, nodes - batch * nodesPerBatch) },
    }));
    const id = `arn:aws:states:eu-west-1:123456789012:execution:audit:${night}`;
    const scheduledTime = `2026-11-${String(night).padStart(2, '0')}T02:00:00Z`;
    const run = await clock.until(
      execute(
        made.definition,
        { schedule: 'nightly', scheduledTime },
        {
          id,
          world: {
            async invoke(arn, input) {
              const called = made.functions.find((each) => each.arn === arn);
              const state = called?.state ?? '';
              const batch = input as { nodes: number };
              const seconds =
                state === 'audit-nodes' ? Math.ceil(batch.nodes / atOnce) * ofNode + ofStart : ofOther;
              await clock.sleep(seconds);
              const used = (seconds * (called?.memory ?? 0)) / 1024;
              gigabyteSeconds.set(state, (gigabyteSeconds.get(state) ?? 0) + used);
              if (state === 'plan-fleet')
                return { runId: 'r', claimed: true, digest: false, tasks: 'tasks', count: 1 };
              return state === 'plan-cluster' ? { batches: 'batches', count: batches.length } : { lost: 0 };
            },
            async readObject(_, key) {
              const task = { runId: 'r', cluster: { name: 'a' }, settings: {} };
              return JSON.stringify(key === 'tasks' ? [{ task }] : batches);
            },
            sleep: clock.sleep,
          },
        },
      ),
    );
    expect(run.status).toBe('SUCCEEDED');
    return run;
  }

  it('takes the GB-seconds of the page, with its own memory and concurrency', () => {
    const [, , , , audit = 0] = said(/(\d+) \/ (\d+) = (\d+) batches × .*? × (\d+) GB × 30 = ([\d,]+) GB-s/);
    const [others = 0] = said(/GB-s × 30 = ([\d,]+) GB-s/);
    const counted = [...gigabyteSeconds].filter(([state]) => state !== 'audit-nodes');
    console.info('GB-seconds of a month:', Object.fromEntries(gigabyteSeconds));
    expect({ rounds, ofRound }).toEqual({ rounds: nodesPerBatch / atOnce, ofRound: ofNode });
    expectAbout(gigabyteSeconds.get('audit-nodes') ?? 0, audit);
    expectAbout(
      counted.reduce((sum, [, used]) => sum + used, 0),
      others,
    );
  });

  it('costs what the page says', () => {
    const [states = 0] = said(/× 30 = (\d+) × \$0\.000025/);
    expectAbout(transitions, states);
    const [perGigabyteSecond = 0] = said(/GB-s × \$([\d.]+)/);
    const [perTransition = 0] = said(/× 30 = \d+ × \$([\d.]+)/);
    const [key = 0, alarm = 0, composite = 0, dashboard = 0] = [
      ...said(/\| KMS \| one key \| \$([\d.]+)/),
      ...said(/\d+ × \$([\d.]+), and one composite alarm, \$([\d.]+)/),
      ...said(/CloudWatch dashboard \| one \| \$([\d.]+)/),
    ];
    // Requests, metrics and logs are counted in real functions, above.
    const elsewhere = [/\| S3 requests .*\$([\d.]+) \|/, /\| S3 storage .*\$([\d.]+) \|/]
      .concat([/\| CloudWatch metrics .*\$([\d.]+) \|/, /\| Logs, mail.*\$([\d.]+) \|/])
      .reduce((sum, row) => sum + (said(row)[0] ?? 0), 0);
    const dollars =
      elsewhere +
      [...gigabyteSeconds.values()].reduce((sum, used) => sum + used, 0) * perGigabyteSecond +
      transitions * perTransition +
      made.count('AWS::KMS::Key') * key +
      made.count('AWS::CloudWatch::Alarm') * alarm +
      made.count('AWS::CloudWatch::CompositeAlarm') * composite +
      made.count('AWS::CloudWatch::Dashboard') * dashboard;
    const [sum = 0] = said(/\*\*sum\*\* \| \| \*\*\$([\d.]+)\*\*/);
    console.info('dollars of a month:', dollars);
    expectAbout(dollars, sum);
  });
});

/** States that were entered, and one more for each execution, as a map of the distributed kind starts one for each item. */
function transitionsOf({ history }: Execution): number {
  const children = history.filter((state) => state === 'PlanCluster' || state === 'AuditNodes').length;
  return history.length + children + 1;
}

/** Within 10 %. */
function expectAbout(counted: number, promised: number): void {
  expect(counted).toBeGreaterThan(promised * 0.9);
  expect(counted).toBeLessThan(promised * 1.1);
}
