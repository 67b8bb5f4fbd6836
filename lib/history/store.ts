/** Where reports, findings and evidence are kept: one interface, two stores with the same keys. */

/** `exists`: somebody wrote it before, which is success for whoever repeats a step. */
export type PutResult = 'written' | 'exists';

export type Stored = {
  readonly body: Uint8Array /** Changes with every write of the key. */;
  readonly etag: string;
};

/** All methods throw AuditError STORE with the place and the fix. */
export type Store = {
  /** For people: the directory, or s3://bucket/prefix. */
  readonly location: string;
  /** Writes a key that must not exist yet. Of many writers at once exactly one writes. */
  putOnce(key: string, body: Uint8Array): Promise<PutResult>;
  /** Null when there is no such key. */
  get(key: string): Promise<Stored | null>;
  /** Replaces a pointer if it still is what was read (null: was not there). @returns false when it is not. */
  replace(key: string, body: Uint8Array, etag: string | null): Promise<boolean>;
  /** Keys under a prefix, in order. */
  list(prefix: string): AsyncIterable<string>;
};
