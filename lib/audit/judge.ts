/**
 * Has bundles judged in a process beside this one: a node may print what takes for ever or more memory than there is, and that
 * is to cost the node and nothing else. A process and not a thread: a thread out of memory may take its process along.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { AuditError } from '../model/errors.ts';
import { type Answer, failed, notJudged, type Unpacked, type Work } from './judge-bundle.ts';
import type { Message } from './judge-process.ts';

export type Judging = {
  /** What the process runs. */
  readonly module: URL;
  /** For one bundle, by the clock. */
  readonly seconds: number;
  /** Heap of the process; the files of a bundle are beside it. */
  readonly megabytes: number;
};

/** Beside this file, and with its extension: as sources, or made into JavaScript. */
const judgeProcess = new URL(`./judge-process${extname(import.meta.url)}`, import.meta.url);

/** A hundred times what a large node takes. Also where a function has half a core. */
export const JUDGING: Judging = { module: judgeProcess, seconds: 20, megabytes: 384 };

export type JudgedBundle = { readonly unpacked: Unpacked | null; readonly answer: Answer };

/** Begins its process with the first bundle and gives it one at a time; a process that had to be ended is replaced. */
export class Judge {
  readonly #limits: Judging;
  #process: ChildProcess | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(limits: Partial<Judging> = {}) {
    this.#limits = { ...JUDGING, ...limits };
  }

  /** @throws AuditError ABORTED; all else that goes wrong is the answer */
  async judge(work: Work, signal?: AbortSignal): Promise<JudgedBundle> {
    const judged = this.#last.then(() => this.#judge(work, signal));
    this.#last = judged.catch(() => {});
    return await judged;
  }

  close(): void {
    this.#process?.kill('SIGKILL');
    this.#process = null;
  }

  async #judge(work: Work, signal: AbortSignal | undefined): Promise<JudgedBundle> {
    const { seconds, megabytes } = this.#limits;
    if (signal?.aborted) throw aborted();
    this.#process ??= this.#start();
    const child = this.#process;
    const ended = Promise.withResolvers<JudgedBundle>();
    let unpacked: Unpacked | null = null;
    const giveUp = (how: string): void => {
      this.close();
      ended.resolve({ unpacked, answer: failed(notJudged(how)) });
    };
    const onMessage = (message: Message): void => {
      if (message.kind === 'unpacked') unpacked = message.unpacked;
      else ended.resolve({ unpacked, answer: message });
    };
    const onExit = (_: number | null, by: NodeJS.Signals | null): void =>
      // How V8 ends a process whose heap is full; the kernel does it by SIGKILL.
      giveUp(by === null ? ': the process that judges it ended' : ` within ${megabytes} MB of memory`);
    const onError = (): void => giveUp(': the process that judges it did not start');
    const onAbort = (): void => {
      this.close();
      ended.reject(aborted());
    };
    const timer = setTimeout(() => giveUp(` within ${seconds} seconds`), seconds * 1000);
    child.on('message', onMessage).on('exit', onExit).on('error', onError);
    signal?.addEventListener('abort', onAbort);
    try {
      child.send(work, (error) => {
        if (error !== null && child.exitCode === null && child.signalCode === null) onError();
      });
      return await ended.promise;
    } finally {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit).off('error', onError);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** It has nothing of this process: no credentials in its environment, no files, no terminal. */
  #start(): ChildProcess {
    const child = fork(this.#limits.module, {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${this.#limits.megabytes}`],
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.on('error', () => {});
    // A second Ctrl-C ends the auditor at once, and it with it.
    const end = (): void => void child.kill('SIGKILL');
    process.once('exit', end);
    child.on('exit', () => {
      process.off('exit', end);
      if (this.#process === child) this.#process = null;
    });
    return child;
  }
}

function aborted(): AuditError {
  return new AuditError('ABORTED', 'interrupted while a bundle was judged', { remedy: 'Run it again.' });
}
