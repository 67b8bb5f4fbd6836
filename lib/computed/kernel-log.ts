/** The kernel log as checks read it: this boot's lines, the last day of them (docs/traps.md T35). */
import type { KernelMessage } from '../model/evidence.ts';
import { quote } from '../model/text.ts';

const MINUTE = 60_000;
/** Nightly audits: what is older was there to be seen the night before. */
const RECENT = 24 * 60 * MINUTE;
/** The kernel repeats its complaint every 10 s; the last one this long ago means that it is over. */
const ACTIVE = 10 * MINUTE;

/** Lines of the last 24 hours. Clocks that disagree by some minutes do no harm. */
export function recent(log: readonly KernelMessage[], now: number): KernelMessage[] {
  return log.filter(({ at }) => now - Date.parse(at) <= RECENT);
}

/**
 * True for a message recent enough to be about what goes on now.
 *
 * @param now - milliseconds since the epoch
 */
export function isActive(message: KernelMessage, now: number): boolean {
  return now - Date.parse(message.at) <= ACTIVE;
}

/** A line as evidence: with its time, and made fit to be shown, as anybody who may write /dev/kmsg may have written it. */
export function logged(message: KernelMessage): string {
  return `${message.at} ${quote(message.text, 160)}`;
}

/** What a finding says that goes by a message alone: how long it is told, and how to see that it is over. */
export function toldForADay(last: KernelMessage, over: string): string {
  const until = new Date(Date.parse(last.at) + RECENT).toISOString();
  return `The log does not say when it ended, so this is told until ${until}, a day after that message; it is over once ${over}.`;
}

/** The same where the kernel repeats itself for as long as it lasts. */
export function toldWhileActive(over: string): string {
  return `This is told for ${ACTIVE / MINUTE} minutes after the last message; it is over once ${over}.`;
}

export type Incident = { readonly header: KernelMessage; readonly following: readonly KernelMessage[] };

/** Each line that matches, with what follows it up to the next such line, at most `most` lines. */
export function incidents(log: readonly KernelMessage[], header: RegExp, most: number): Incident[] {
  const starts = log.flatMap(({ text }, index) => (header.test(text) ? [index] : []));
  return starts.flatMap((start, nth) => {
    const first = log[start];
    const end = Math.min(start + 1 + most, starts[nth + 1] ?? log.length);
    return first === undefined ? [] : [{ header: first, following: log.slice(start + 1, end) }];
  });
}
