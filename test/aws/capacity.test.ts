/** Nights of accounts that may run few functions at once, in virtual time, on the synthesized machine. */
import { beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../lib/model/config.ts';
import { deployed } from './deployed.ts';
import { type Execution, execute } from './states.ts';
import { VirtualTime } from './virtual-time.ts';

/** A new account's quota (Lambda developer guide, "Lambda quotas"). */
const AT_ONCE = 10;
const BATCH_SECONDS = 15;

let definition: object;
beforeAll(() => {
  const clusters = [{ name: 'a', eks: { name: 'a', region: 'eu-west-1' } }];
  ({ definition } = deployed(configSchema.parse({ clusters })));
}, 120_000);

type Night = {
  readonly run: Execution;
  readonly hours: number;
  readonly audited: number;
  /** Functions that Lambda refused to start. */
  readonly refused: number;
  readonly most: number;
};

async function night(
  clusters: number,
  batches: number,
  seed: number,
  concluded: (cluster: string) => unknown = (cluster) => ({ cluster }),
): Promise<Night> {
  const clock = new VirtualTime();
  const random = randomFrom(seed);
  let running = 0;
  let most = 0;
  let refused = 0;
  let audited = 0;
  const names = Array.from({ length: clusters }, (_, index) => `cluster-${index}`);
  const answer = (input: {
    task?: { cluster: { name: string } };
    cluster?: { name: string };
    clusters?: unknown[];
  }) => {
    if (input.task !== undefined && 'batch' in input) audited += 1;
    else if (input.task !== undefined) return concluded(input.task.cluster.name);
    else if (input.cluster !== undefined) return { batches: `batches/${input.cluster.name}`, count: batches };
    else if ('runId' in input) return { lost: 0 };
    return { runId: 'r', claimed: true, digest: false, tasks: 'tasks', count: clusters };
  };
  const run = await clock.until(
    execute(
      definition,
      { schedule: 'nightly', scheduledTime: '2026-11-23T02:00:00Z' },
      {
        id: 'arn:aws:states:eu-west-1:123456789012:execution:audit:night',
        world: {
          async invoke(_arn, input) {
            if (running >= AT_ONCE) {
              refused += 1;
              throw Object.assign(new Error('Rate Exceeded.'), { name: 'Lambda.TooManyRequestsException' });
            }
            running += 1;
            most = Math.max(most, running);
            await clock.sleep(BATCH_SECONDS);
            running -= 1;
            return answer(input as Parameters<typeof answer>[0]);
          },
          async readObject(_bucket, key) {
            if (key === 'tasks') return JSON.stringify(names.map((name) => ({ task: taskOf(name) })));
            const task = taskOf(key.replace('batches/', ''));
            return JSON.stringify(
              Array.from({ length: batches }, (_, batch) => ({ task, batch, nodes: [] })),
            );
          },
          sleep: clock.sleep,
          random,
        },
      },
    ),
  );
  return { run, hours: clock.now / 3600, audited, refused, most };
}

const taskOf = (name: string) => ({ runId: 'r', cluster: { name }, settings: {} });

/** mulberry32: the same nights in every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe('an account that may run ten functions at once', () => {
  it.each([
    ['one cluster of 5,000 nodes', 1, 250],
    ['ten clusters of 500 nodes', 10, 25],
    ['300 clusters of 60 nodes', 300, 3],
  ])('loses no batch of %s', { timeout: 120_000 }, async (_title, clusters, batches) => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const { run, audited, refused, most, hours } = await night(clusters, batches, seed);
      expect({ status: run.status, audited }).toEqual({ status: 'SUCCEEDED', audited: clusters * batches });
      expect({ most, refused: refused > 0 }).toEqual({ most: AT_ONCE, refused: true });
      // Each cluster and batch has a history of its own, so no number of them fills one.
      expect(run.events).toBeLessThan(200);
      // The machine's own limit.
      expect(hours).toBeLessThan(12);
    }
  });

  it('hears of all clusters, even if each of 300 has no report for a long reason', async () => {
    // As long as lambda/handler.ts lets it be.
    const { run } = await night(300, 1, 1, () => {
      throw Object.assign(new Error('x'.repeat(500)), { name: 'STORE' });
    });
    expect(run).toMatchObject({ status: 'SUCCEEDED', output: { lost: 0 } });
    expect(run.history.filter((each) => each === 'ClusterLost')).toHaveLength(300);
    const longer = await night(300, 1, 1, () => {
      throw Object.assign(new Error('x'.repeat(2_000)), { name: 'STORE' });
    });
    expect(longer.run).toMatchObject({ status: 'FAILED', output: { Error: 'States.DataLimitExceeded' } });
  });
});
