/** How much is done at once. */

/**
 * Runs `work` over `items`, at most `width` at once. If one rejects, no further item is started; those
 * already started are awaited, as they may have pods to remove, and then the whole rejects. Work that must
 * not end the whole catches its own errors.
 * @param items - taken one by one as capacity allows, so that a long list need not be in memory
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

/**
 * Shares an expensive read among callers: one runs at a time, and callers that arrive during one share the
 * next, which starts after it.
 */
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
