import { describe, expect, it } from 'vitest';
import { forEachLimited, shared } from '../../lib/model/limit.ts';

describe('what is read for many', () => {
  it('is read once for all that ask while it is read for another, and never told to one who asked after it began', async () => {
    let begun = 0;
    const ends: (() => void)[] = [];
    const ask = shared(async () => {
      begun += 1;
      const mine = begun;
      await new Promise<void>((resolve) => ends.push(resolve));
      return mine;
    });
    const first = ask();
    await Promise.resolve();
    await Promise.resolve();
    const others = [ask(), ask(), ask()];
    expect(begun).toBe(1);
    ends[0]?.();
    expect(await first).toBe(1);
    while (ends.length < 2) await Promise.resolve();
    ends[1]?.();
    expect(await Promise.all(others)).toEqual([2, 2, 2]);
  });

  it('is read anew after it failed', async () => {
    let begun = 0;
    const ask = shared(async () => {
      begun += 1;
      if (begun === 1) throw new Error('refused');
      return begun;
    });
    await expect(ask()).rejects.toThrow('refused');
    expect(await ask()).toBe(2);
  });
});

describe('work on many things', () => {
  /** Counts concurrent work. */
  function counted() {
    const seen: number[] = [];
    let now = 0;
    let most = 0;
    const work = async (item: number): Promise<void> => {
      now += 1;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now -= 1;
      seen.push(item);
    };
    return { work, seen, most: () => most };
  }
  async function* listed(): AsyncGenerator<number> {
    for (const item of [1, 2, 3, 4, 5]) {
      await new Promise(setImmediate);
      yield item;
    }
  }

  it.each([
    ['a list', () => [1, 2, 3, 4, 5]],
    ['what is listed bit by bit', listed],
  ])('is done once for each of %s, and never more at once than said', async (_, items) => {
    const { work, seen, most } = counted();
    await forEachLimited(items(), 2, work);
    expect(seen.toSorted()).toEqual([1, 2, 3, 4, 5]);
    expect(most()).toBe(2);
  });

  it('begins nothing after a failure, waits for what is under way, and closes the list', async () => {
    const done: number[] = [];
    let closed = false;
    async function* closing(): AsyncGenerator<number> {
      try {
        yield* listed();
      } finally {
        closed = true;
      }
    }
    const working = forEachLimited(closing(), 2, async (item) => {
      if (item === 1) throw new Error('broken');
      await new Promise(setImmediate);
      done.push(item);
    });
    await expect(working).rejects.toThrow('broken');
    expect(done.every((item) => item === 2)).toBe(true);
    expect(closed).toBe(true);
  });

  it('fails where the list does', async () => {
    // biome-ignore lint/correctness/useYield: it fails before
    async function* broken(): AsyncGenerator<number> {
      throw new Error('cannot be listed');
    }
    await expect(forEachLimited(broken(), 3, async () => {})).rejects.toThrow('cannot be listed');
  });
});
