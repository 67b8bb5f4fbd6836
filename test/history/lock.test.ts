import { mkdtemp, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { DirectoryStore } from '../../lib/history/index.ts';
import { withLock } from '../../lib/history/lock.ts';

let directory: string;
let lock: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'netns-auditor-'));
  lock = join(directory, 'pointer.lock');
});

/** What a process left that died a minute ago. */
async function leave(path: string, owner = 'dead'): Promise<void> {
  await writeFile(path, owner);
  const then = new Date(Date.now() - 60_000);
  await utimes(path, then, then);
}

describe('the lock of a pointer', () => {
  it('lets one in at a time, and leaves nothing', async () => {
    let inside = 0;
    let most = 0;
    const entered = await Promise.all(
      Array.from({ length: 50 }, () =>
        withLock(lock, async () => {
          inside += 1;
          most = Math.max(most, inside);
          await readdir(directory);
          inside -= 1;
          return true;
        }),
      ),
    );
    expect(most).toBe(1);
    expect(entered).toContain(true);
    expect(await readdir(directory)).toEqual([]);
  });

  it('still lets one in at a time where many find the lock of a dead process', async () => {
    for (let round = 0; round < 40; round += 1) {
      await leave(lock, `dead ${round}`);
      let inside = 0;
      let most = 0;
      await Promise.all(
        Array.from({ length: 12 }, () =>
          withLock(lock, async () => {
            inside += 1;
            most = Math.max(most, inside);
            for (let n = 0; n < 3; n += 1) await readdir(directory);
            inside -= 1;
          }),
        ),
      );
      expect(most).toBe(1);
    }
    expect(await readdir(directory)).toEqual([]);
  });

  it('does not remove the lock of another who took it for dead', async () => {
    const stillHeld = await withLock(lock, async (held) => {
      await writeFile(lock, 'another');
      return await held();
    });
    expect(stillHeld).toBe(false);
    expect(await readFile(lock, 'utf8')).toBe('another');
  });

  it('waits for nobody who is alive', async () => {
    await writeFile(lock, 'alive');
    expect(await withLock(lock, async () => true)).toBeNull();
    expect(await readFile(lock, 'utf8')).toBe('alive');
  });

  it('is not stuck for ever when a process dies while it removes a lock', async () => {
    await leave(lock);
    await leave(`${lock}.dead.removal.lock`, '');
    await withLock(lock, async () => true);
    expect(await withLock(lock, async () => true)).toBe(true);
    expect(await readdir(directory)).toEqual([]);
  });

  it('lets one of many replace a pointer that a dead process had locked', async () => {
    const store = new DirectoryStore(directory);
    await leave(`${join(directory, 'latest')}.lock`);
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, n) => store.replace('latest', Buffer.from(`${n}`), null)),
    );
    expect(results.filter(Boolean)).toHaveLength(1);
    expect(await readdir(directory)).not.toContain('latest.lock');
  });
});
