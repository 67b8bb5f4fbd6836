/** The store in a directory. Every file appears whole or not at all, whoever is killed when. */
import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AuditError, messageOf } from '../model/errors.ts';
import { removeLeftLocks, withLock } from './lock.ts';
import type { PutResult, Store, Stored } from './store.ts';

/** Where files are written until they are whole: in one place, so that what a killed process left is found again. */
const PARTS = '.parts';
/** No file takes so long to write. */
const LEFT_MILLISECONDS = 3_600_000;

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
        // link(2) fails where the name is taken, so of many writers one wins; rename(2) would replace.
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

  async get(key: string): Promise<Stored | null> {
    return await this.#guarded(key, async (path) => {
      try {
        const body = await readFile(path);
        return { body, etag: etagOf(body) };
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null;
        throw error;
      }
    });
  }

  async replace(key: string, body: Uint8Array, etag: string | null): Promise<boolean> {
    return await this.#guarded(key, async (path) => {
      await makeDirectory(dirname(path));
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

  async *list(prefix: string): AsyncIterable<string> {
    // Only the directory that the prefix is in is walked: a listing costs what it shows.
    yield* this.#walk(prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix);
  }

  /** @param directory - its key, ending in a slash unless it is the store itself */
  async *#walk(directory: string, prefix: string): AsyncGenerator<string> {
    const entries = await this.#guarded(directory, async (path) => {
      try {
        return await readdir(path, { withFileTypes: true });
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return [];
        throw error;
      }
    });
    const found = entries.filter(({ name }) => `${directory}${name}`.startsWith(prefix));
    for (const entry of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const key = `${directory}${entry.name}`;
      if (entry.isDirectory()) yield* this.#walk(`${key}/`, prefix);
      else if (!/\.(part|lock)$/.test(entry.name)) yield key;
    }
  }

  async #write(path: string, body: Uint8Array): Promise<string> {
    await makeDirectory(dirname(path));
    const parts = join(this.location, PARTS);
    await makeDirectory(parts);
    this.#cleared ??= clear(parts);
    await this.#cleared;
    const part = join(parts, `${randomUUID()}.part`);
    const file = await open(part, 'wx');
    try {
      await file.writeFile(body);
      await file.sync();
    } catch (error) {
      // A disk that is full needs the room back.
      await rm(part, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    return part;
  }

  async #guarded<T>(key: string, act: (path: string) => Promise<T>): Promise<T> {
    const path = join(this.location, key);
    try {
      return await act(path);
    } catch (error) {
      if (error instanceof AuditError) throw error;
      throw new AuditError('STORE', `${path}: ${messageOf(error)}`, {
        cause: error,
        remedy:
          'Check that the directory is yours to write and has room, or choose another with --store (none keeps nothing).',
      });
    }
  }
}

/** Removes what processes that were killed left there. */
async function clear(parts: string): Promise<void> {
  for (const name of await readdir(parts)) {
    const path = join(parts, name);
    const modified = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      // Whose it is was faster.
      () => Date.now(),
    );
    if (Date.now() - modified > LEFT_MILLISECONDS) await rm(path, { force: true });
  }
}

/** As `mkdir` with `recursive`, which never ends in Node.js where a file system makes no directories, as that of /proc. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path).catch((again: unknown) => {
      // Another writer may have made it in between.
      if (codeOf(again) === 'EEXIST') return;
      if (codeOf(again) !== 'ENOENT') throw again;
      throw new Error(`the file system of ${dirname(path)} lets nobody make ${path}`, { cause: again });
    });
  }
}

function etagOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
