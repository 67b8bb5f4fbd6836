/** How much is done at once. */

/**
 * Runs `work` over `items`, at most `width` at once. A rejection of one ends the whole: no other item is begun, but those
 * under way are waited for, as they may have pods to remove. Work that must not end the whole catches its own.
 *
 * @param items - taken one by one as there is room, so that a long list need not be in memory
 */
export async function forEachLimited<T>(
  items: Iterable<T> | AsyncIterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let failed = false;
  const lane = async (): Promise<void> => {
    try {
      while (!failed) {
        const next = await waiting.next();
        if (next.done === true || failed) return;
        await work(next.value);
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: width }, lane));
  const rejected = lanes.find((ended) => ended.status === 'rejected');
  if (rejected === undefined) return;
  await waiting.return?.();
  throw rejected.reason;
}

/** What costs much and is read for many: one at a time, and who asks while one is under way shares the next, which begins after it. */
export function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | null = null;
  return () => {
    if (next === null) {
      next = running.then(() => {
        next = null;
        return read();
      });
      running = next.catch(() => {});
    }
    return next;
  };
}
