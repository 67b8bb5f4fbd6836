/** A lock file that names its owner: one process breaks a dead owner's lock, and nobody removes a live one's. */
import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from '../model/errors.ts';

/** A lock older than this belongs to a dead process. */
const LOCK_MILLISECONDS = 10_000;

/** Whether this holder still has the lock: another process may have considered a slow one dead. */
export type Held = () => Promise<boolean>;

/**
 * Runs `act` while this process alone holds the lock.
 * @param path - name of the lock; names beside it that begin with it are used too, and all end in `.lock`
 * @returns the result of `act`; null if another process holds the lock
 */
export async function withLock<T>(path: string, act: (held: Held) => Promise<T>): Promise<T | null> {
  const owner = randomUUID();
  if (!(await take(path, owner))) {
    await breakIfLeft(path);
    if (!(await take(path, owner))) return null;
  }
  try {
    return await act(async () => (await ownerOf(path)) === owner);
  } finally {
    await remove(path, owner);
  }
}

/**
 * Removes the files beside a lock left by processes that died while taking or releasing it; the lock itself is
 * broken by the next process that wants it.
 * @param age - milliseconds: no live process holds one this long
 */
export async function removeLeftLocks(path: string, age: number): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`)) continue;
    const beside = join(dirname(path), name);
    if (await isLeft(beside, age)) await rm(beside, { force: true });
  }
}

/** The file appears with its content: nobody ever reads a lock without an owner. */
async function take(path: string, owner: string): Promise<boolean> {
  const own = `${path}.${owner}.lock`;
  await writeFile(own, owner, { flag: 'wx' });
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

async function breakIfLeft(path: string): Promise<void> {
  const owner = await ownerOf(path);
  if (owner !== null && (await isLeft(path))) await remove(path, owner);
}

/**
 * Removes the lock of this owner and no other. The lock could change hands between reading the owner and
 * removing the file, so a process first takes a right that exists once per owner; the lock cannot change
 * without it.
 */
async function remove(path: string, owner: string): Promise<void> {
  const right = `${path}.${owner.replaceAll(/[^\w-]/g, '_').slice(0, 36)}.removal.lock`;
  try {
    await writeFile(right, '', { flag: 'wx' });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    // The holder of the right died between the two removals: the next process tries again.
    if (await isLeft(right)) await rm(right, { force: true });
    return;
  }
  try {
    if ((await ownerOf(path)) === owner) await rm(path, { force: true });
  } finally {
    await rm(right, { force: true });
  }
}

async function ownerOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

async function isLeft(path: string, age = LOCK_MILLISECONDS): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > age;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
