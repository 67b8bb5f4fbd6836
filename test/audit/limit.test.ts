import { describe, expect, it } from 'vitest';
import { shared } from '../../lib/audit/limit.ts';

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
