/** Memory and CPU of processes with those that they start, from /proc: Linux only. */
import { readFileSync } from 'node:fs';

const TICKS = 100;
const EVERY_MILLISECONDS = 50;

export type Used = {
  /** Seconds, ended children included. */
  readonly cpu: number;
  /** MiB: the highest sum of a process and its children, each with what it shares with others. */
  readonly peak: number;
  /** MiB of the children then. */
  readonly children: number;
};

export class Memory {
  readonly #pidsOf: (state: string) => readonly number[];
  readonly #peaks = new Map<string, { peak: number; children: number }>();
  /** CPU of each process when it was last seen: a function that nobody calls for minutes ends. */
  readonly #cpu = new Map<string, Map<number, number>>();
  readonly #timer = setInterval(() => this.#look(), EVERY_MILLISECONDS);

  constructor(pidsOf: (state: string) => readonly number[]) {
    this.#pidsOf = pidsOf;
  }

  watch(state: string): void {
    if (this.#peaks.has(state)) return;
    this.#peaks.set(state, { peak: 0, children: 0 });
    this.#cpu.set(state, new Map());
  }

  of(state: string): Used {
    this.#look();
    const cpu = [...(this.#cpu.get(state) ?? new Map<number, number>()).values()].reduce((a, b) => a + b, 0);
    return { cpu, ...(this.#peaks.get(state) ?? { peak: 0, children: 0 }) };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const [state, highest] of this.#peaks)
      for (const pid of this.#pidsOf(state)) {
        const children = descendants(pid).reduce((sum, child) => sum + resident(child), 0);
        const all = resident(pid) + children;
        const cpu = this.#cpu.get(state);
        cpu?.set(pid, Math.max(cpu.get(pid) ?? 0, cpuOf(pid)));
        if (all > highest.peak) Object.assign(highest, { peak: all, children });
      }
  }
}

function descendants(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function resident(pid: number): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`)) ?? [];
  return Number(kilobytes) / 1024;
}

/** User and system time, its own and that of children that ended. */
function cpuOf(pid: number): number {
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
