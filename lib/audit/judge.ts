/**
 * Judges bundles in a separate process: output of a node may take endless time or too much memory, and that
 * must affect only that node. A process, not a thread: a thread out of memory may take down its process.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { AuditError } from '../model/errors.ts';
import { type BundleAnswer, failed, notJudged, type Unpacked, type Work } from './judge-bundle.ts';
import type { JudgeMessage } from './judge-process.ts';

export type Judging = {
  /** What the process runs. */
  readonly module: URL;
  /** Per bundle, by the clock. */
  readonly seconds: number;
  /** Heap of the process; a bundle's files are outside it. */
  readonly megabytes: number;
};

/** Beside this file, with its extension: TypeScript or compiled JavaScript. */
const judgeProcess = new URL(`./judge-process${extname(import.meta.url)}`, import.meta.url);

/** A hundred times what a large node needs, even where a function has half a core. */
export const JUDGING: Judging = { module: judgeProcess, seconds: 20, megabytes: 384 };

export type JudgedBundle = { readonly unpacked: Unpacked | null; readonly answer: BundleAnswer };

/** Starts its process with the first bundle and sends one at a time; replaces a process that had to be ended. */
export class Judge {
  readonly #limits: Judging;
  #process: ChildProcess | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(limits: Partial<Judging> = {}) {
    this.#limits = { ...JUDGING, ...limits };
  }

  /** @throws AuditError ABORTED; any other error is the answer */
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
    const onMessage = (message: JudgeMessage): void => {
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

  /** It inherits nothing: no credentials in its environment, no files, no terminal. */
  #start(): ChildProcess {
    const child = fork(this.#limits.module, {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${this.#limits.megabytes}`],
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.on('error', () => {});
    // A second Ctrl-C ends the auditor and this process at once.
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
