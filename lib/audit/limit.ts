/**
 * Runs `work` over `items`, at most `width` at once. A rejection of one ends the whole: no other item is begun, but those
 * under way are waited for, as they may have pods to remove. Work that must not end the whole catches its own.
 */
export async function forEachLimited<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  let failed = false;
  const lane = async (): Promise<void> => {
    for (const item of waiting) {
      if (failed) return;
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, lane));
  for (const ended of lanes) if (ended.status === 'rejected') throw ended.reason;
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
