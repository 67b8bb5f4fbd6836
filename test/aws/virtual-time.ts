/** A clock that jumps to the next event when nothing else is left to do: hours of waiting take milliseconds. */
import { setImmediate } from 'node:timers/promises';

export class VirtualTime {
  /** Seconds since the start. */
  now = 0;
  readonly #sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  /** Ends when the clock has reached the time. */
  readonly sleep = (seconds: number): Promise<void> =>
    new Promise((wake) => {
      const at = this.now + seconds;
      const place = this.#sleepers.findIndex((each) => each.at > at);
      this.#sleepers.splice(place === -1 ? this.#sleepers.length : place, 0, { at, wake });
    });

  /** Lets the time pass until the work is done. @throws Error if it waits for something that is no sleep */
  async until<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const ended = work.finally(() => {
      done = true;
    });
    // Its error is for the caller, below.
    ended.catch(() => {});
    for (;;) {
      // All that is ready now runs first, promises of promises too.
      await setImmediate();
      if (done) return await ended;
      const next = this.#sleepers.shift();
      if (next === undefined) throw new Error('the work waits for something other than the clock');
      this.now = next.at;
      next.wake();
    }
  }
}
