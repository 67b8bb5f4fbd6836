/** Storage for reports, findings and evidence: one interface, two stores with the same keys. */
import { AuditError } from '../model/errors.ts';
import { command } from '../model/shell.ts';

/** Maximum bytes of an object to write or read: no file of the store may take all memory. */
export const LARGEST_OBJECT = 256 * 1024 * 1024;

/** `exists`: already written, which is success for a repeated step. */
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
  /** Writes a key that must not exist yet. Exactly one of many simultaneous writers succeeds. */
  putOnce(key: string, body: Uint8Array): Promise<PutResult>;
  /**
   * Null if there is no such key. An object larger than `most` bytes is an error, and is not read.
   * @param most - default: {@link LARGEST_OBJECT}
   */
  get(key: string, most?: number): Promise<Stored | null>;
  /** Replaces a pointer if it is unchanged since it was read (null: did not exist). @returns false if it changed. */
  replace(key: string, body: Uint8Array, etag: string | null): Promise<boolean>;
  /** Keys under a prefix, in order. */
  list(prefix: string): AsyncIterable<string>;
};

/**
 * Refuses a key that would lead out of a store, or is another spelling of a different one.
 *
 * @param key - of an object, or a prefix to list, which may end in a slash or be empty
 * @throws AuditError STORE
 */
export function assertInside(location: string, key: string): void {
  const parts = key.split('/');
  const last = parts.pop();
  const isOdd = (part: string): boolean => part === '.' || part === '..' || /[\\\p{Cc}]/u.test(part);
  if (last !== undefined && !isOdd(last) && parts.every((part) => part !== '' && !isOdd(part))) return;
  throw new AuditError('STORE', `${location}: ${JSON.stringify(key)} is not a key of a store`, {
    remedy: 'Look for what is damaged in it: netns-audit doctor --store PLACE',
  });
}

/** A command that moves an object out of the way: beside a directory store; a bucket keeps the content as a version. */
export function moveAway({ location }: Pick<Store, 'location'>, key: string): string {
  const path = `${location}/${key}`;
  return location.startsWith('s3://')
    ? command('aws', 's3', 'rm', path)
    : command('mv', path, `${path}.damaged`);
}
