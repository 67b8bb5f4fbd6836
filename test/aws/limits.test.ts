/** The limits of Step Functions in the interpreter of these tests (states.ts), on small machines. */
import { describe, expect, it } from 'vitest';
import { type Execution, execute, type World } from './states.ts';
import { VirtualTime } from './virtual-time.ts';

type Run = Execution & { readonly seconds: number; readonly most: number };

/** @param answer - what each function returns */
async function run(
  definition: object,
  {
    input = {},
    seconds = 1,
    answer = () => ({}),
  }: Partial<{
    input: unknown;
    seconds: number;
    answer: (call: number) => unknown;
  }> = {},
): Promise<Run> {
  const clock = new VirtualTime();
  let [calls, running, most] = [0, 0, 0];
  const world: World = {
    async invoke() {
      calls += 1;
      running += 1;
      most = Math.max(most, running);
      await clock.sleep(seconds);
      running -= 1;
      return answer(calls);
    },
    readObject: async () => '[]',
    sleep: clock.sleep,
  };
  const ended = await clock.until(execute(definition, input, { id: 'arn', world }));
  const took = clock.now;
  // What goes on afterwards would show in the history.
  await clock.until(clock.sleep(100_000));
  return { ...ended, seconds: took, most };
}

const refused = (): never => {
  throw Object.assign(new Error('again'), { name: 'Retryable' });
};
const retry = { ErrorEquals: ['Retryable'], IntervalSeconds: 15, BackoffRate: 2, MaxAttempts: 3 };
const task = (more: object = { End: true }) => ({ Type: 'Task', Resource: 'function', ...more });
const machine = (state: object, more: object = {}) => ({
  ...{ StartAt: 'Only', States: { Only: state, Caught: { Type: 'Pass' } } },
  ...more,
});
const map = (count: number, more: object = {}, mode: 'INLINE' | 'DISTRIBUTED' = 'DISTRIBUTED') => ({
  definition: machine({
    Type: 'Map',
    ItemsPath: '$.items',
    ItemProcessor: { ProcessorConfig: { Mode: mode }, ...machine(task()) },
    ...more,
  }),
  input: { items: Array.from({ length: count }, (_, item) => item) },
});
const all = [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Caught' }];

describe('concurrency', () => {
  it.each([
    [4, 25],
    [0, 1],
  ])('runs %i items at once (0: all), so 100 of a second take %i s', async (MaxConcurrency, seconds) => {
    const { definition, input } = map(100, { MaxConcurrency });
    expect(await run(definition, { input })).toMatchObject({
      ...{ status: 'SUCCEEDED', seconds, most: MaxConcurrency || 100 },
    });
  });
});

describe('waits', () => {
  it('waits longer before each retry, and gives up after the last', async () => {
    const { status, seconds, output } = await run(machine(task({ Retry: [retry] })), { answer: refused });
    expect({ status, seconds }).toEqual({ status: 'FAILED', seconds: 4 + 15 + 30 + 60 });
    expect(output).toEqual({ Error: 'Retryable', Cause: 'again' });
  });
});

describe('time', () => {
  it('ends a state after its limit, which can be caught', async () => {
    const slow = task({ TimeoutSeconds: 60, Catch: all });
    const { status, seconds, output } = await run(machine(slow), { seconds: 900 });
    expect({ status, seconds }).toEqual({ status: 'SUCCEEDED', seconds: 60 });
    expect(output).toMatchObject({ error: { Error: 'States.Timeout' } });
  });

  it('ends an execution after its limit, whatever it catches, and begins nothing more', async () => {
    const { definition, input } = map(100, { MaxConcurrency: 1, Catch: all });
    const { status, seconds, history } = await run(
      { ...definition, TimeoutSeconds: 3600 },
      { input, seconds: 1000 },
    );
    expect({ status, seconds }).toEqual({ status: 'TIMED_OUT', seconds: 3600 });
    // The map, and in turn its items of which the fourth was under way.
    expect(history.filter((each) => !each.includes('!'))).toHaveLength(5);
  });
});

describe('payload', () => {
  const fits = 'x'.repeat(262_144 - 2);

  it.each([
    ['input', { input: `${fits}x` }],
    ['result', { answer: () => `${fits}x` }],
  ])('refuses an %s above 256 KiB, which cannot be caught', async (_what, given) => {
    const { status, output } = await run(machine(task({ Catch: all })), given);
    expect(status).toBe('FAILED');
    expect(output).toMatchObject({ Error: 'States.DataLimitExceeded' });
  });

  it('passes on exactly 256 KiB', async () => {
    const { status, output } = await run(machine(task()), { input: fits, answer: () => fits });
    expect({ status, isWhole: output === fits }).toEqual({ status: 'SUCCEEDED', isWhole: true });
  });

  it('refuses an output to which a result was added, and results of a map that are together too large', async () => {
    const half = 'x'.repeat(140_000);
    const added = task({ ResultPath: '$.more' });
    const { definition, input } = map(2);
    const answer = () => half;
    expect(await run(machine(added), { input: { half }, answer })).toMatchObject({
      output: { Error: 'States.DataLimitExceeded' },
    });
    expect(await run(definition, { input, answer })).toMatchObject({
      output: { Error: 'States.DataLimitExceeded' },
    });
  });
});

describe('history', () => {
  it('counts the events of a function as Step Functions records them', async () => {
    // Started · entered, scheduled, started, succeeded, left · succeeded
    expect((await run(machine(task()))).events).toBe(7);
    const { events } = await run(machine(task({ Retry: [retry] })), {
      answer: (call) => (call < 3 ? refused() : {}),
    });
    expect(events).toBe(7 + 2 * 3);
  });

  it('ends an execution whose inline map fills it, which cannot be caught', async () => {
    const small = map(3_000, { Catch: all }, 'INLINE');
    expect(await run(small.definition, small)).toMatchObject({ status: 'SUCCEEDED', events: 21_005 });
    const large = map(4_000, { Catch: all }, 'INLINE');
    const { status, output } = await run(large.definition, large);
    expect(status).toBe('FAILED');
    expect(output).toMatchObject({ Error: 'States.Runtime', Cause: expect.stringContaining('25000') });
  });

  it('has one of its own for each item of a distributed map', async () => {
    const { definition, input } = map(5_000);
    expect(await run(definition, { input })).toMatchObject({ status: 'SUCCEEDED', events: 7 });
  });
});
