/** Kernel state: sysctls, log, slab, neighbour tables, blocked tasks. */
import type { KernelMessage, Sources } from '../../model/evidence.ts';
import { limited } from '../limits.ts';
import { fields, integer, isoTime, lines } from './lines.ts';

/**
 * `grep .` over /proc/sys: `/proc/sys/a/b:value` becomes `a.b`. A dot in an interface's name becomes a slash,
 * as in sysctl(8).
 */
export function parseSysctls(text: string): Record<string, string> {
  const sysctls: Record<string, string> = Object.create(null);
  for (const line of lines(text)) {
    const found = /^\/proc\/sys\/([^:]+):(.*)$/.exec(line);
    if (found?.[1] === undefined || found[2] === undefined) continue;
    const name = found[1].replaceAll(/[/.]/g, (sign) => (sign === '/' ? '.' : '/'));
    sysctls[name] = found[2].slice(0, 200);
  }
  return { ...sysctls };
}

/** Lines of dmesg. A line without a time belongs to the previous message. */
export function parseKernelLog(text: string, bootEpochSeconds: number): KernelMessage[] {
  return limited('kernelMessages', lines(text)).flatMap((line) => {
    const found = /^(?:<\d+>)?\[ *(\d{1,10}\.\d{1,9})\](?:\[ *[TC]\d+\])? ?(.*)$/.exec(line);
    if (found?.[1] === undefined || found[2] === undefined) return [];
    const seconds = Number(found[1]);
    return [{ seconds, at: isoTime(bootEpochSeconds + seconds), text: found[2].slice(0, 1000) }];
  });
}

/** Active objects of the net_namespace slab; null if there is no such cache (many kernels merge slabs). */
export function parseSlab(text: string): number | null {
  const found = /^net_namespace\s+(\d{1,12})\s/m.exec(text);
  return found?.[1] === undefined ? null : Number(found[1]);
}

/**
 * `arp` and `ndisc` lines of /proc/net/stat: a header, then one line per CPU; the first column is the table's
 * size, in hexadecimal.
 */
export function parseNeighbourCounts(text: string): { ipv4: number | null; ipv6: number | null } {
  const entries = (family: string) => {
    const line = lines(text).find((candidate) =>
      new RegExp(`^${family} +[0-9a-f]{8}(?:[ ,]|$)`).test(candidate),
    );
    return line === undefined ? null : Number.parseInt(line.split(/ +/)[1] ?? '', 16);
  };
  return { ipv4: entries('arp'), ipv6: entries('ndisc') };
}

/** `# PID TASK COMMAND`, then the stack from /proc/PID/task/TASK/stack. */
export function parseBlockedTasks(text: string): Sources['kernel']['blockedTasks'] {
  const tasks: { pid: number; command: string; stack: string[] }[] = [];
  for (const line of lines(text)) {
    const head = /^# \d{1,10} (\d{1,10}) (.*)$/.exec(line);
    if (head?.[1] !== undefined)
      tasks.push({ pid: Number(head[1]), command: (head[2] ?? '').slice(0, 64), stack: [] });
    else tasks.at(-1)?.stack.push(line.replace(/^\[<[^>]*>\] /, '').slice(0, 200));
  }
  return tasks;
}

/** `kernel/creation`: exit code, milliseconds, output. */
export function parseCreation(text: string): Omit<Sources['creation'], 'meanwhile'> {
  const [line] = fields(text.replaceAll(/\n(?=.)/g, ' '), 3);
  if (line === undefined) throw new Error('empty');
  const [code = '', milliseconds = '', error = ''] = line;
  return {
    ok: code === '0',
    milliseconds: integer(milliseconds),
    error: code === '0' ? null : error.trim().slice(0, 500),
  };
}

/** `NAME=VALUE` lines. */
export function parsePairs(text: string): ReadonlyMap<string, string> {
  return new Map(
    lines(text).flatMap((line) => {
      const at = line.indexOf('=');
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1).slice(0, 300)] as const];
    }),
  );
}
