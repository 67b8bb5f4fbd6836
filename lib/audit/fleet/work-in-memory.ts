/** A store for a run within one process: data between its steps stays here, and only lasting results are written. */
import type { PutResult, Store, Stored } from '../../history/store.ts';

const WORK = 'work/';

/** Keeps a run's work in memory, and passes all else to another store. All methods throw AuditError STORE. */
export class WorkInMemory implements Store {
  readonly location: string;
  readonly #kept = new Map<string, Uint8Array>();
  readonly #store: Store | null;

  /** @param store - for all else; null keeps that in memory too, until the process ends */
  constructor(store: Store | null) {
    this.#store = store;
    this.location = store?.location ?? 'memory';
  }

  async putOnce(key: string, body: Uint8Array): Promise<PutResult> {
    const store = this.#storeOf(key);
    if (store !== null) return await store.putOnce(key, body);
    if (this.#kept.has(key)) return 'exists';
    // Evidence is by far the largest part, and no step of a run reads it again.
    if (!key.startsWith('evidence/')) this.#kept.set(key, body);
    return 'written';
  }

  async get(key: string, most?: number): Promise<Stored | null> {
    const store = this.#storeOf(key);
    if (store !== null) return await store.get(key, most);
    const body = this.#kept.get(key);
    return body === undefined ? null : { body, etag: '' };
  }

  async replace(key: string, body: Uint8Array, etag: string | null): Promise<boolean> {
    const store = this.#storeOf(key);
    if (store !== null) return await store.replace(key, body, etag);
    if (this.#kept.has(key) !== (etag !== null)) return false;
    this.#kept.set(key, body);
    return true;
  }

  async *list(prefix: string): AsyncIterable<string> {
    const store = this.#storeOf(prefix);
    if (store !== null) yield* store.list(prefix);
    else yield* [...this.#kept.keys()].filter((key) => key.startsWith(prefix)).toSorted();
  }

  #storeOf(key: string): Store | null {
    return key.startsWith(WORK) ? null : this.#store;
  }
}
