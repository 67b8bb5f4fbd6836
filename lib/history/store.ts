/** Where reports, findings and evidence are kept: one interface, two stores with the same keys. */
import { AuditError } from '../model/errors.ts';
import { command } from '../model/shell.ts';

/** Bytes of an object that is written or read: no file of the store may take all memory. */
export const LARGEST_OBJECT = 256 * 1024 * 1024;

/** `exists`: somebody wrote it before, which is success for whoever repeats a step. */
export type PutResult = 'written' | 'exists';

export type Stored = {
  readonly body: Uint8Array;
  /** Changes with every write of the key. */
  readonly etag: string;
};

/** All methods throw AuditError STORE with the place and the fix. */
export type Store = {
  /** For people: the directory, or s3://bucket/prefix. */
  readonly location: string;
  /** Writes a key that must not exist yet. Of many writers at once exactly one writes. */
  putOnce(key: string, body: Uint8Array): Promise<PutResult>;
  /**
   * Null when there is no such key. An object that is larger than `most` bytes is not read, but an error.
   * @param most - default: {@link LARGEST_OBJECT}
   */
  get(key: string, most?: number): Promise<Stored | null>;
  /** Replaces a pointer if it still is what was read (null: was not there). @returns false when it is not. */
  replace(key: string, body: Uint8Array, etag: string | null): Promise<boolean>;
  /** Keys under a prefix, in order. */
  list(prefix: string): AsyncIterable<string>;
};

/**
 * Refuses a key that would lead out of a store, or means another one written otherwise.
 *
 * @param key - of an object, or the beginning of keys to be listed, which may end in a slash or be empty
 * @throws AuditError STORE
 */
export function assertInside(location: string, key: string): void {
  const parts = key.split('/');
  const last = parts.pop();
  const isOdd = (part: string): boolean => part === '.' || part === '..' || /[\\\p{Cc}]/u.test(part);
  if (last !== undefined && !isOdd(last) && parts.every((part) => part !== '' && !isOdd(part))) return;
  throw new AuditError('STORE', `${location}: ${JSON.stringify(key)} is no key of a store`, {
    remedy: 'Look for what is damaged in it: netns-audit doctor --store PLACE',
  });
}

/** A command that puts an object out of the way: in a directory beside it, as what a bucket has is kept in its versions. */
export function moveAway({ location }: Pick<Store, 'location'>, key: string): string {
  const path = `${location}/${key}`;
  return location.startsWith('s3://')
    ? command('aws', 's3', 'rm', path)
    : command('mv', path, `${path}.damaged`);
}
