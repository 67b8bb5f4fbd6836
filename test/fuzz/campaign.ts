/** Runs many mutants in a separate thread, under a watchdog. */
import { Worker } from 'node:worker_threads';
import { type Failure, GROUP, type GroupResult } from './attack.ts';
import type { Mutation } from './mutations.ts';

export type Campaign = {
  readonly mutants: number;
  readonly refused: number;
  /** In CPU seconds. */
  readonly slowest: number;
  readonly failures: readonly Failure[];
};

type WorkerMessage =
  | { readonly kind: 'mutant'; readonly mutant: number; readonly changes: readonly Mutation[] }
  | ({ readonly kind: 'group'; readonly number: number } & GroupResult);

/** If a mutant reports nothing for this long, it hangs, even on a busy machine. */
const SILENCE_MILLISECONDS = 90_000;
/** For ten nodes and their report. */
const MEGABYTES = 1_536;

/** @param first - number of the first group: a campaign can continue where another ended */
export async function campaign(
  seed: number,
  {
    mutants,
    first = 0,
    onProgress = () => {},
  }: {
    mutants: number;
    first?: number;
    onProgress?: (so_far: Campaign) => void;
  },
): Promise<Campaign> {
  const left = Array.from({ length: Math.ceil(mutants / GROUP) }, (_, group) => first + group);
  const failures: Failure[] = [];
  let [refused, slowest, done] = [0, 0, 0];
  const soFar = (): Campaign => ({ mutants: done, refused, slowest, failures });
  while (left.length > 0) {
    const ended = await watched(seed, [...left], (told) => {
      left.splice(0, left.indexOf(told.number) + 1);
      failures.push(...told.failures);
      refused += told.refused;
      slowest = Math.max(slowest, told.slowest);
      done += GROUP;
      onProgress(soFar());
    });
    if (ended === null) break;
    failures.push(ended);
    left.splice(0, left.indexOf(Math.floor(ended.mutant / GROUP)) + 1);
    done += GROUP;
  }
  return soFar();
}

/** @returns null if the thread finished; else the mutant that ended it */
async function watched(
  seed: number,
  groups: readonly number[],
  onGroup: (told: Extract<WorkerMessage, { kind: 'group' }>) => void,
): Promise<Failure | null> {
  let now: Pick<Failure, 'mutant' | 'changes'> = { mutant: (groups[0] ?? 0) * GROUP, changes: [] };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { seed, groups },
    resourceLimits: { maxOldGenerationSizeMb: MEGABYTES },
    execArgv: [],
  });
  let watch: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      const silent = (): void => resolve({ ...now, kind: 'slow', what: 'it has not ended' });
      const wait = (): void => {
        clearTimeout(watch);
        watch = setTimeout(silent, SILENCE_MILLISECONDS);
      };
      wait();
      worker.on('message', (told: WorkerMessage) => {
        wait();
        if (told.kind === 'mutant') now = told;
        else onGroup(told);
      });
      worker.on('error', (error) => resolve({ ...now, kind: 'crash', what: String(error) }));
      worker.on('exit', (code) =>
        resolve(code === 0 ? null : { ...now, kind: 'crash', what: `exit code ${code}` }),
      );
    });
  } finally {
    clearTimeout(watch);
    await worker.terminate();
  }
}
