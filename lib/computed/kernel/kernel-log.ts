/** The kernel log as checks read it: the last 24 hours of this boot (docs/traps.md T35). */
import type { KernelMessage } from '../../model/evidence.ts';
import { quote } from '../../model/text.ts';

const MINUTE = 60_000;
/** Audits run nightly: the audit of the night before could see older messages. */
const RECENT = 24 * 60 * MINUTE;
/** The kernel repeats its message every 10 s; if the last one is older than this, the problem is over. */
const ACTIVE = 10 * MINUTE;

/** Messages of the last 24 hours. Clocks that differ by some minutes do no harm. */
export function recent(log: readonly KernelMessage[], now: number): KernelMessage[] {
  return log.filter(({ at }) => now - Date.parse(at) <= RECENT);
}

/**
 * True for a message recent enough to be about the present.
 * @param now - milliseconds since the epoch
 */
export function isActive(message: KernelMessage, now: number): boolean {
  return now - Date.parse(message.at) <= ACTIVE;
}

/**
 * A message as evidence, with its time. It is made safe to show: anybody who may write to /dev/kmsg may have
 * written it.
 */
export function logged(message: KernelMessage): string {
  return `${message.at} ${quote(message.text, 160)}`;
}

/**
 * The text for a finding based on one message alone: how long it is reported, and how to see that the problem
 * is over.
 */
export function reportedForADay(last: KernelMessage, over: string): string {
  const until = new Date(Date.parse(last.at) + RECENT).toISOString();
  return `The log does not say when it ended, so this is reported until ${until}, a day after that message; it is over once ${over}.`;
}

/** The same text for messages that the kernel repeats while the problem lasts. */
export function reportedWhileActive(over: string): string {
  return `This is reported for ${ACTIVE / MINUTE} minutes after the last message; it is over once ${over}.`;
}

export type Incident = { readonly header: KernelMessage; readonly following: readonly KernelMessage[] };

/** Each matching message with the lines that follow, up to the next match, at most `most` lines. */
export function incidents(log: readonly KernelMessage[], header: RegExp, most: number): Incident[] {
  const starts = log.flatMap(({ text }, index) => (header.test(text) ? [index] : []));
  return starts.flatMap((start, nth) => {
    const first = log[start];
    const end = Math.min(start + 1 + most, starts[nth + 1] ?? log.length);
    return first === undefined ? [] : [{ header: first, following: log.slice(start + 1, end) }];
  });
}
