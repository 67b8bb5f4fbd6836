/** Opens the store that a place names. */
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { DirectoryStore, parseS3Place, S3Store, type Store } from '../history/index.ts';
import { AuditError, codeOf } from '../model/errors.ts';

/** The user's data directory, as the XDG base directory specification places it. */
export function defaultStore(): string {
  return join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'netns-audit');
}

/** `none` keeps nothing: null. @throws AuditError USAGE for a place of unknown kind. */
export function openStore(place: string): Store | null {
  if (place === 'none') return null;
  if (place.startsWith('s3://')) return new S3Store(parseS3Place(place));
  if (/^[a-z][a-z0-9+.-]*:\/\//.test(place)) {
    throw new AuditError('USAGE', `--store ${place}: only directories and s3:// can be stores`, {
      remedy: 'Use a directory, s3://bucket/prefix, or none.',
    });
  }
  return new DirectoryStore(resolve(place));
}

/**
 * An audit creates its store's directory; for a command that reads a store, a missing one is a typo.
 * @throws AuditError USAGE
 */
export async function assertThere(store: Store): Promise<void> {
  if (!(store instanceof DirectoryStore)) return;
  await access(store.location).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') return;
    throw new AuditError('USAGE', `${store.location}: there is no such directory`, {
      cause: error,
      remedy:
        'Name the directory that audits are kept in with --store. For a first audit, create one with mkdir.',
    });
  });
}
