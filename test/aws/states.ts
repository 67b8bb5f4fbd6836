/**
 * Runs a state machine according to its definition, limited to what ours uses: paths, retries, catches, maps
 * with their concurrency; and within the limits of Step Functions: time, size of a payload, length of a history.
 * It waits by the clock of the world, so that a test need not.
 */
import { Buffer } from 'node:buffer';

type Json = Record<string, unknown>;
type Retrier = {
  readonly ErrorEquals: readonly string[];
  readonly MaxAttempts?: number;
  readonly IntervalSeconds?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: 'FULL' | 'NONE';
};
type Catcher = {
  readonly ErrorEquals: readonly string[];
  readonly ResultPath?: string;
  readonly Next: string;
};
type State = {
  readonly Type: 'Task' | 'Map' | 'Choice' | 'Pass' | 'Succeed' | 'Fail';
  readonly Next?: string;
  readonly Resource?: string;
  readonly Parameters?: Json;
  readonly InputPath?: string;
  readonly ResultPath?: string | null;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher[];
  readonly ItemsPath?: string;
  readonly ItemSelector?: Json;
  readonly ItemReader?: { readonly Resource: string; readonly Parameters: Json };
  readonly ItemProcessor?: Machine;
  readonly TimeoutSeconds?: number;
  readonly ToleratedFailurePercentage?: number;
  readonly MaxConcurrency?: number;
  readonly Choices?: readonly {
    Variable: string;
    BooleanEquals?: boolean;
    NumericGreaterThan?: number;
    StringEquals?: string;
    IsPresent?: boolean;
    Next: string;
  }[];
  readonly Default?: string;
  readonly Error?: string;
  readonly Cause?: string;
};
type Machine = {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
  readonly TimeoutSeconds?: number;
  readonly ProcessorConfig?: { readonly Mode: 'INLINE' | 'DISTRIBUTED' };
};

export type World = {
  /** @throws an error whose name Retry and Catch match */
  invoke(functionArn: string, input: unknown): Promise<unknown>;
  readObject(bucket: string, key: string): Promise<string>;
  /** Waits before a retry or until a time limit; not given: no time passes. */
  sleep?(seconds: number): Promise<void>;
  /** Jitter, from 0 to 1; not given: Math.random. */
  random?(): number;
};

export type Execution = {
  readonly status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT';
  readonly output: unknown;
  /** States in the order they were entered, and `State!Error` for each failed attempt. */
  readonly history: readonly string[];
  /** Number of events in the longest history: of this execution, or of one that a map started for an item. */
  readonly events: number;
  /** Continues at the failed state with the same input, like Step Functions. */
  redrive(): Promise<Execution>;
};

/** An error of the machine itself, or of a function. */
class StateError extends Error {
  constructor(name: string, cause: string) {
    super(cause);
    this.name = name;
  }
}

/** The maximum that a state may take or give (Step Functions developer guide, "Quotas"). */
const PAYLOAD_BYTES = 262_144;
/** The maximum in the history of one execution (the same place). */
const HISTORY_EVENTS = 25_000;
/** What `States.ALL` does not match (the same guide, "Handling errors"). */
const TERMINAL = ['States.DataLimitExceeded', 'States.Runtime'];

/** The events of one execution: each of a distributed map's items has an execution of its own. */
class Events {
  count = 0;

  /** @throws StateError when the history is full */
  add(count: number): void {
    this.count += count;
    if (this.count > HISTORY_EVENTS)
      throw new StateError('States.Runtime', `the history has more than ${HISTORY_EVENTS} events`);
  }
}

export async function execute(
  definition: object,
  input: unknown,
  { id, world }: { readonly id: string; readonly world: World },
): Promise<Execution> {
  const machine = definition as Machine;
  const going = { context: { Execution: { Id: id } }, world };
  async function runFrom(at: string, data: unknown): Promise<Execution> {
    const history: string[] = [];
    const histories: Events[] = [];
    let failed = { at, data };
    const ended = (status: Execution['status'], output: unknown): Execution => ({
      status,
      output,
      history,
      events: Math.max(...histories.map(({ count }) => count)),
      redrive: async () => await runFrom(failed.at, failed.data),
    });
    const onEnter = (state: string, given: unknown): void => {
      failed = { at: state, data: given };
    };
    const time = limitOf(machine.TimeoutSeconds, world);
    try {
      const started = executed({ ...machine, StartAt: at }, data, {
        ...going,
        ...{ history, histories, onEnter, isOver: () => time.isOver },
      });
      return ended('SUCCEEDED', await time.within(started));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const output = { Error: error.name, Cause: error.message };
      return ended(time.isOver ? 'TIMED_OUT' : 'FAILED', output);
    }
  }
  return await runFrom(machine.StartAt, input);
}

/** Ends work that takes longer than its limit. */
function limitOf(seconds: number | undefined, world: World) {
  const time = {
    isOver: false,
    async within<T>(work: Promise<T>): Promise<T> {
      if (seconds === undefined || world.sleep === undefined) return await work;
      const late = world.sleep(seconds).then(() => {
        time.isOver = true;
        throw new StateError('States.Timeout', `it took longer than ${seconds} s`);
      });
      // Whichever comes second is of no interest.
      late.catch(() => {});
      work.catch(() => {});
      return await Promise.race([work, late]);
    },
  };
  return time;
}

/** An execution with a history of its own. */
async function executed(machine: Machine, input: unknown, going: Omit<Going, 'events'>): Promise<unknown> {
  const events = new Events();
  going.histories.push(events);
  // It starts, and it ends.
  events.add(2);
  return await walk(machine, input, { ...going, events });
}

type Going = {
  readonly context: Json;
  readonly world: World;
  readonly history: string[];
  readonly events: Events;
  /** Of all executions. */
  readonly histories: Events[];
  /** Whether the time of the execution is over: nothing more begins. */
  readonly isOver: () => boolean;
  /** Called for the states of the outermost machine. */
  readonly onEnter?: (state: string, data: unknown) => void;
};

async function walk(machine: Machine, input: unknown, going: Going): Promise<unknown> {
  let name = machine.StartAt;
  let data = input;
  for (;;) {
    const state = machine.States[name];
    if (state === undefined) throw new StateError('States.Runtime', `there is no state ${name}`);
    if (going.isOver()) throw new StateError('States.Timeout', 'the execution is over');
    going.history.push(name);
    going.onEnter?.(name, data);
    within(data, `the input of ${name}`);
    // It is entered, and it is left, unless it ends the execution.
    going.events.add(state.Type === 'Fail' ? 1 : 2);
    if (state.Type === 'Succeed') return data;
    if (state.Type === 'Fail') throw new StateError(state.Error ?? 'States.Fail', state.Cause ?? '');
    if (state.Type === 'Choice') {
      name = chosen(state, data, going.context);
      continue;
    }
    try {
      const result = await retried(name, state, going, () => act(name, state, data, going));
      data = placed(data, state.ResultPath, result);
      within(data, `the output of ${name}`);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const caught = state.Catch?.find((each) => matches(each.ErrorEquals, error.name));
      if (caught === undefined) throw error;
      const cause = { errorType: error.name, errorMessage: error.message };
      data = placed(data, caught.ResultPath, { Error: error.name, Cause: JSON.stringify(cause) });
      name = caught.Next;
      continue;
    }
    if (state.Next === undefined) return data;
    name = state.Next;
  }
}

/** @throws StateError if the data is larger than a state may pass on */
function within(data: unknown, what: string): void {
  if (Buffer.byteLength(JSON.stringify(data) ?? '') > PAYLOAD_BYTES)
    throw new StateError('States.DataLimitExceeded', `${what} is too large`);
}

async function act(name: string, state: State, data: unknown, going: Going): Promise<unknown> {
  const { context, world, events } = going;
  const taken = state.InputPath === undefined ? data : at(state.InputPath, data, context);
  const input = state.Parameters === undefined ? taken : filled(state.Parameters, taken, context);
  within(input, `the input of ${name}`);
  if (state.Type === 'Pass') return input;
  if (state.Type === 'Task') {
    // Scheduled, started, and how it ended.
    events.add(3);
    const result = await limitOf(state.TimeoutSeconds, world).within(
      world.invoke(state.Resource ?? '', input),
    );
    within(result, `the result of ${name}`);
    return result;
  }
  const items = await itemsOf(state, data, going);
  const { ItemProcessor } = state;
  if (ItemProcessor === undefined) throw new StateError('States.Runtime', 'a map does nothing');
  const isDistributed = ItemProcessor.ProcessorConfig?.Mode === 'DISTRIBUTED';
  // A map starts and ends; the items of an inline map too, in the same history.
  events.add(isDistributed ? 2 : 1 + 2 * items.length);
  const done = await inTurn(items, state.MaxConcurrency ?? 0, (value, index) => {
    const inner = { ...context, Map: { Item: { Index: index, Value: value } } };
    const item = state.ItemSelector === undefined ? value : filled(state.ItemSelector, data, inner);
    const { onEnter: _, ...same } = going;
    const own = { ...same, context: inner };
    return isDistributed ? executed(ItemProcessor, item, own) : walk(ItemProcessor, item, own);
  });
  const failed = done.filter((each) => each.status === 'rejected');
  if ((failed.length / items.length) * 100 > (state.ToleratedFailurePercentage ?? 0))
    throw failed[0]?.reason ?? new StateError('States.ExceedToleratedFailureThreshold', '');
  const result = done.map((each) => (each.status === 'fulfilled' ? each.value : null));
  within(result, `the result of ${name}`);
  return result;
}

/** @param most - how many run at once; 0: all */
async function inTurn<T>(
  items: readonly unknown[],
  most: number,
  run: (value: unknown, index: number) => Promise<T>,
): Promise<PromiseSettledResult<T>[]> {
  const done: PromiseSettledResult<T>[] = [];
  const waiting = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, value] of waiting) {
      const [result] = await Promise.allSettled([run(value, index)]);
      done[index] = result;
    }
  };
  await Promise.all(Array.from({ length: most === 0 ? items.length : most }, worker));
  return done;
}

async function itemsOf(state: State, data: unknown, { context, world }: Going): Promise<unknown[]> {
  if (state.ItemReader === undefined) return at(state.ItemsPath ?? '$', data, context) as unknown[];
  const place = filled(state.ItemReader.Parameters, data, context) as { Bucket: string; Key: string };
  return JSON.parse(await world.readObject(place.Bucket, place.Key)) as unknown[];
}

async function retried<T>(
  name: string,
  state: State,
  { history, world }: Going,
  attempt: () => Promise<T>,
): Promise<T> {
  const used = new Map<Retrier, number>();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      history.push(`${name}!${error.name}`);
      const retrier = state.Retry?.find((each) => matches(each.ErrorEquals, error.name));
      const tries = retrier === undefined ? 0 : (used.get(retrier) ?? 0);
      if (retrier === undefined || tries >= (retrier.MaxAttempts ?? 3)) throw error;
      used.set(retrier, tries + 1);
      await world.sleep?.(waitBefore(retrier, tries, world.random ?? Math.random));
    }
  }
}

/** Seconds before the next attempt; full jitter takes any time up to it. */
function waitBefore(retrier: Retrier, tries: number, random: () => number): number {
  const { IntervalSeconds = 1, BackoffRate = 2, MaxDelaySeconds = Number.POSITIVE_INFINITY } = retrier;
  const longest = Math.min(MaxDelaySeconds, IntervalSeconds * BackoffRate ** tries);
  return retrier.JitterStrategy === 'FULL' ? random() * longest : longest;
}

const matches = (wanted: readonly string[], error: string): boolean =>
  (wanted.includes('States.ALL') && !TERMINAL.includes(error)) || wanted.includes(error);

function chosen(state: State, data: unknown, context: Json): string {
  const rule = state.Choices?.find(({ Variable, IsPresent, ...rest }) => {
    if (IsPresent !== undefined) return isPresent(Variable, data, context) === IsPresent;
    const value = at(Variable, data, context);
    if (rest.StringEquals !== undefined) return value === rest.StringEquals;
    return rest.NumericGreaterThan === undefined
      ? value === rest.BooleanEquals
      : Number(value) > rest.NumericGreaterThan;
  });
  const next = rule?.Next ?? state.Default;
  if (next === undefined) throw new StateError('States.NoChoiceMatched', '');
  return next;
}

function isPresent(path: string, data: unknown, context: Json): boolean {
  try {
    at(path, data, context);
    return true;
  } catch {
    return false;
  }
}

/** Values of names that end in `.$` are paths into the data, or with `$$` into the context. */
function filled(template: unknown, data: unknown, context: Json): unknown {
  if (Array.isArray(template)) return template.map((each) => filled(each, data, context));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(
    Object.entries(template).map(([name, value]) =>
      name.endsWith('.$')
        ? [name.slice(0, -2), at(String(value), data, context)]
        : [name, filled(value, data, context)],
    ),
  );
}

function at(path: string, data: unknown, context: Json): unknown {
  const [root, ...names] = path.split('.');
  let value: unknown = root === '$$' ? context : data;
  for (const name of names) {
    if (typeof value !== 'object' || value === null || !(name in value))
      throw new StateError('States.Runtime', `there is no ${path}`);
    value = (value as Json)[name];
  }
  return value;
}

function placed(data: unknown, path: string | null | undefined, result: unknown): unknown {
  if (path === null) return data;
  if (path === undefined || path === '$') return result;
  return { ...(data as Json), [path.replace('$.', '')]: result };
}
