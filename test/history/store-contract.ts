/** What every store must do; test/history/<store>.test.ts runs it against each. */
import { describe, expect, it } from 'vitest';
import type { Store } from '../../lib/history/index.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

async function textOf(store: Store, key: string): Promise<string | null> {
  const stored = await store.get(key);
  return stored === null ? null : Buffer.from(stored.body).toString();
}

export async function keysOf(listing: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const key of listing) found.push(key);
  return found;
}

/** @param open - an empty store, and a second one in the same place, as another process would open it */
export function describeStore(open: () => Promise<{ store: Store; other: Store }>): void {
  describe('as every store', () => {
    it('keeps what was written first', async () => {
      const { store, other } = await open();
      expect(await store.putOnce('a/b.json', bytes('first'))).toBe('written');
      expect(await other.putOnce('a/b.json', bytes('second'))).toBe('exists');
      expect(await textOf(other, 'a/b.json')).toBe('first');
    });

    it('has one winner when twenty write the same key at once', async () => {
      const { store, other } = await open();
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, n) => (n % 2 ? store : other).putOnce('claim', bytes(`writer ${n}`))),
      );
      expect(results.filter((result) => result === 'written')).toHaveLength(1);
      expect(await textOf(store, 'claim')).toBe(`writer ${results.indexOf('written')}`);
    });

    it('says null of what is not there', async () => {
      const { store } = await open();
      expect(await store.get('no/such/key')).toBeNull();
    });

    it('lists the keys under a prefix, in order, and nothing else', async () => {
      const { store } = await open();
      for (const key of ['r/c=a/2', 'r/c=a/1', 'r/c=ab/1', 's/1']) await store.putOnce(key, bytes(key));
      expect(await keysOf(store.list('r/c=a/'))).toEqual(['r/c=a/1', 'r/c=a/2']);
      expect(await keysOf(store.list('r/c=a'))).toEqual(['r/c=a/1', 'r/c=a/2', 'r/c=ab/1']);
      expect(await keysOf(store.list('nothing/'))).toEqual([]);
    });

    it('replaces a pointer only while it is what was read', async () => {
      const { store, other } = await open();
      expect(await store.replace('latest', bytes('1'), null)).toBe(true);
      expect(await other.replace('latest', bytes('2'), null)).toBe(false);
      const read = await store.get('latest');
      expect(await other.replace('latest', bytes('2'), read?.etag ?? '')).toBe(true);
      expect(await store.replace('latest', bytes('3'), read?.etag ?? '')).toBe(false);
      expect(await textOf(store, 'latest')).toBe('2');
    });

    it('lets one of twenty replace a pointer that all have read', async () => {
      const { store, other } = await open();
      await store.replace('latest', bytes('0'), null);
      const etag = (await store.get('latest'))?.etag ?? '';
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, n) => (n % 2 ? store : other).replace('latest', bytes(`${n}`), etag)),
      );
      expect(results.filter(Boolean)).toHaveLength(1);
    });

    it.each(['../x', 'a/../../x', '/etc/passwd', 'a//b', './a', 'a/..', 'a\\..\\b', 'a\u0000b'])(
      'takes nothing for a key that leads out of it: %j',
      async (key) => {
        const { store } = await open();
        const refused = { code: 'STORE', message: expect.stringContaining('not a key of a store') };
        await expect(store.get(key)).rejects.toMatchObject(refused);
        await expect(store.putOnce(key, bytes('x'))).rejects.toMatchObject(refused);
        await expect(store.replace(key, bytes('x'), null)).rejects.toMatchObject(refused);
        await expect(keysOf(store.list(key))).rejects.toMatchObject(refused);
      },
    );

    it('reads no object that is larger than it may be, and says how large it is', async () => {
      const { store } = await open();
      await store.putOnce('large.json', bytes('x'.repeat(100_001)));
      await expect(store.get('large.json', 100_000)).rejects.toMatchObject({
        code: 'STORE',
        message: expect.stringMatching(/large\.json: .*100001 bytes/),
        retryable: false,
      });
      expect((await store.get('large.json', 100_001))?.body).toHaveLength(100_001);
    });
  });
}
