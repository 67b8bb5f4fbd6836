/** The store in a directory. Every file appears whole or not at all, even if a process is killed. */
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, readdir, realpath, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { HOUR } from '../model/days.ts';
import { AuditError, codeOf, messageOf } from '../model/errors.ts';
import { removeLeftLocks, withLock } from './lock.ts';
import { assertInside, LARGEST_OBJECT, moveAway, type PutResult, type Store, type Stored } from './store.ts';

/** Files are written here until complete: in one place, so that leftovers of a killed process are easy to find. */
const PARTS = '.parts';
/** No write takes this long. */
const LEFT_MILLISECONDS = HOUR;
const OBJECT = /\.(?:json|gz|html)$/;

function isLeftover(key: string): boolean {
  return /\.(?:part|lock)$/.test(key);
}

/** Keeps all objects as files below one directory. All methods throw AuditError STORE. */
export class DirectoryStore implements Store {
  readonly location: string;
  #cleared: Promise<void> | null = null;

  constructor(directory: string) {
    this.location = directory;
  }

  async putOnce(key: string, body: Uint8Array): Promise<PutResult> {
    return await this.#guarded(key, async (path) => {
      const part = await this.#write(path, body);
      try {
        // link(2) fails if the name exists, so exactly one of many writers wins; rename(2) would replace.
        await link(part, path);
        return 'written';
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return 'exists';
        throw error;
      } finally {
        await rm(part, { force: true });
      }
    });
  }

  async get(key: string, most = LARGEST_OBJECT): Promise<Stored | null> {
    const read = async (path: string): Promise<Stored | null> => {
      try {
        const body = await this.#read(path, most);
        return { body, etag: etagOf(body) };
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null;
        throw error;
      }
    };
    return await this.#guarded(key, read, `Make it readable, or move it away: ${moveAway(this, key)}`);
  }

  async #read(path: string, most: number): Promise<Uint8Array> {
    // Opening a pipe in place of a file would block.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const found = await file.stat();
      if (!found.isFile())
        throw new Error(`it is not a file${found.isDirectory() ? ' but a directory' : ''}`);
      await this.#assertWithin(path);
      if (found.size > most) throw new Error(`it has ${found.size} bytes, and no more than ${most} are read`);
      return await file.readFile();
    } finally {
      await file.close();
    }
  }

  /** Symbolic links may point anywhere in the store, but not outside it. */
  async #assertWithin(path: string): Promise<void> {
    const [root, real] = await Promise.all([realpath(this.location), realpath(path)]);
    const within = root.endsWith(sep) ? root : `${root}${sep}`;
    if (real !== root && !real.startsWith(within)) throw new Error('it leads out of the store');
  }

  async replace(key: string, body: Uint8Array, etag: string | null): Promise<boolean> {
    return await this.#guarded(key, async (path) => {
      await makeDirectory(dirname(path));
      await this.#assertWithin(dirname(path));
      await removeLeftLocks(`${path}.lock`, LEFT_MILLISECONDS);
      const replaced = await withLock(`${path}.lock`, async (held) => {
        if (((await this.get(key))?.etag ?? null) !== etag) return false;
        const part = await this.#write(path, body);
        try {
          if (!(await held())) return false;
          await rename(part, path);
          return true;
        } finally {
          await rm(part, { force: true });
        }
      });
      return replaced === true;
    });
  }

  /** Removes an object, and directories left empty. @returns its bytes; 0 if there was none */
  async remove(key: string): Promise<number> {
    const bytes = await this.size(key);
    return await this.#guarded(key, async (path) => {
      await this.#assertWithin(dirname(path)).catch(unlessGone);
      await rm(path, { force: true });
      for (let at = dirname(path); at !== this.location && at !== dirname(at); at = dirname(at)) {
        const isLeft = await rmdir(at).then(
          () => false,
          () => true,
        );
        if (isLeft) break;
      }
      return bytes;
    });
  }

  /** Bytes of an object; 0 if there is none. */
  async size(key: string): Promise<number> {
    return await this.#guarded(key, async (path) => (await stat(path).catch(unlessGone))?.size ?? 0);
  }

  async *list(prefix: string): AsyncIterable<string> {
    assertInside(this.location, prefix);
    for await (const key of this.#walk(prefix)) if (!isLeftover(key)) yield key;
  }

  /** Keys left by killed writers: no live writer takes an hour. */
  async *leftovers(prefix: string, now = Date.now()): AsyncGenerator<string> {
    for await (const key of this.#walk(prefix)) {
      if (!isLeftover(key)) continue;
      const age = await stat(join(this.location, key)).then(
        ({ mtimeMs }) => now - mtimeMs,
        // Its writer was alive.
        () => 0,
      );
      if (age > LEFT_MILLISECONDS) yield key;
    }
  }

  /** Walks only the directory of the prefix: a listing costs what it shows. */
  #walk(prefix: string): AsyncGenerator<string> {
    return this.#walkIn(prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix);
  }

  /** @param directory - its key, ending in a slash unless it is the store itself */
  async *#walkIn(directory: string, prefix: string): AsyncGenerator<string> {
    const entries = await this.#guarded(directory, async (path) => {
      try {
        const found = await readdir(path, { withFileTypes: true });
        await this.#assertWithin(path);
        return found;
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return [];
        throw error;
      }
    });
    const found = entries.filter(({ name }) => `${directory}${name}`.startsWith(prefix));
    for (const entry of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const key = `${directory}${entry.name}`;
      // No directory of a store has a dot in its name: one that has is in place of an object, and reading it says so.
      if (entry.isDirectory() && !OBJECT.test(entry.name)) yield* this.#walkIn(`${key}/`, prefix);
      else yield key;
    }
  }

  async #write(path: string, body: Uint8Array): Promise<string> {
    await makeDirectory(dirname(path));
    await this.#assertWithin(dirname(path));
    const parts = join(this.location, PARTS);
    await makeDirectory(parts);
    await this.#assertWithin(parts);
    this.#cleared ??= clear(parts);
    await this.#cleared;
    const part = join(parts, `${randomUUID()}.part`);
    const file = await open(part, 'wx');
    try {
      await file.writeFile(body);
      await file.sync();
    } catch (error) {
      // A full disk needs the space back.
      await rm(part, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    return part;
  }

  async #guarded<T>(
    key: string,
    act: (path: string) => Promise<T>,
    remedy = 'Check that the directory is yours to write and has room, or choose another with --store (none keeps nothing).',
  ): Promise<T> {
    assertInside(this.location, key);
    const path = join(this.location, key);
    try {
      return await act(path);
    } catch (error) {
      if (error instanceof AuditError) throw error;
      throw new AuditError('STORE', `${path}: ${messageOf(error)}`, {
        cause: error,
        remedy,
      });
    }
  }
}

/** Removes leftovers of killed processes. */
async function clear(parts: string): Promise<void> {
  for (const name of await readdir(parts)) {
    const path = join(parts, name);
    const modified = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      // Its owner was faster.
      () => Date.now(),
    );
    if (Date.now() - modified > LEFT_MILLISECONDS) await rm(path, { force: true });
  }
}

/** Like `mkdir` with `recursive`, which in Node.js never ends on a file system without mkdir, such as /proc. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path).catch((again: unknown) => {
      // Another writer may have created it in between.
      if (codeOf(again) === 'EEXIST') return;
      if (codeOf(again) !== 'ENOENT') throw again;
      throw new Error(`the file system of ${dirname(path)} lets nobody make ${path}`, { cause: again });
    });
  }
}

/** @throws every error except that there is no such file */
function unlessGone(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}

function etagOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
