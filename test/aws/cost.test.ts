/** What runs ask of AWS, counted in the functions as they are deployed, against docs/cost.md. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveNode } from '../audit/recorded.ts';
import { named, recordedNode } from '../fuzz/nodes.ts';
import { StubApiServer } from '../stub/api-server.ts';
import { datapointsOf } from './alarms.ts';
import { Cloud } from './cloud.ts';
import { hasMoto } from './moto.ts';
import type { Execution } from './states.ts';

const page = readFileSync(new URL('../../docs/cost.md', import.meta.url), 'utf8');
/** In batches of 20, of which the last is small. */
const NODES = 45;
const BATCHES = 3;

/** The numbers of the page at this place. */
function said(pattern: RegExp): number[] {
  const [, ...found] = pattern.exec(page) ?? [];
  expect(found, String(pattern)).not.toEqual([]);
  return found.map(Number);
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
