/** Damage in a store: an error that names the object and the way out, also passed to a listener. */
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { AuditError, messageOf } from '../model/errors.ts';
import { moveAway, type Store } from './store.ts';

/** Called for each object that is left out, with its name and how to fix it. */
export type OnDamage = (damage: AuditError) => void;

/** @param what - what is wrong with the object, such as `is empty` */
export function damageOf(
  store: Pick<Store, 'location'>,
  key: string,
  what: string,
  options: { cause?: unknown; remedy?: string } = {},
): AuditError {
  return new AuditError('STORE', `${store.location}/${key} ${what}`, {
    remedy: `Move it away: ${moveAway(store, key)}`,
    ...options,
  });
}

/**
 * The result of `read`; null if the object is damaged, which is reported. A store that may answer later is not damaged.
 *
 * @throws AuditError STORE if retryable, and every other error that is not AuditError STORE
 */
export async function unlessDamaged<T>(read: () => Promise<T>, onDamage: OnDamage): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    return reportDamage(error, onDamage);
  }
}

/** Like {@link unlessDamaged}, for an object already fetched. */
export function unlessDamagedNow<T>(read: () => T, onDamage: OnDamage): T | null {
  try {
    return read();
  } catch (error) {
    return reportDamage(error, onDamage);
  }
}

function reportDamage(error: unknown, onDamage: OnDamage): null {
  if (!(error instanceof AuditError) || error.code !== 'STORE' || error.retryable) throw error;
  onDamage(error);
  return null;
}

/**
 * Parses the JSON of a stored object into its expected type.
 * @throws AuditError STORE that says what is wrong with it.
 */
export function parsedJson<T>(store: Store, key: string, body: Uint8Array, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    if (body.length === 0) throw new Error('it is empty');
    json = JSON.parse(Buffer.from(body).toString());
  } catch (error) {
    throw damageOf(store, key, `is not JSON: ${messageOf(error).slice(0, 200)}`, { cause: error });
  }
  const version = z.object({ schemaVersion: z.unknown() }).safeParse(json).data?.schemaVersion;
  if (version !== undefined && version !== 1)
    throw damageOf(
      store,
      key,
      `has schemaVersion ${JSON.stringify(version)?.slice(0, 20)}, and 1 is known here`,
      {
        remedy: `Update netns-auditor where a newer one wrote it, else move it away: ${moveAway(store, key)}`,
      },
    );
  const parsed = attempt(() => schema.safeParse(json));
  if (parsed?.success === true) return parsed.data;
  throw damageOf(store, key, `is not what it should be: ${problemOf(parsed?.error)}`, {
    cause: parsed?.error,
  });
}

/** Endlessly nested objects overflow the stack of code that walks them. */
function attempt<T>(act: () => T): T | null {
  try {
    return act();
  } catch {
    return null;
  }
}

/** The first mistake, and where it is. */
export function problemOf(error: z.ZodError | undefined): string {
  const [issue] = error?.issues ?? [];
  if (issue === undefined) return 'it cannot be read';
  const where = issue.path.map(String).join('.').slice(0, 200);
  return `${where === '' ? '' : `${where}: `}${issue.message.slice(0, 200)}`;
}

/** A file that unpacks to more text is not ours; a JavaScript string holds little more. */
const LARGEST_TEXT = 512 * 1024 * 1024 - 1024;

/** The text of a `.gz` in the store. @throws AuditError STORE if it is truncated or not gzip. */
export function unpacked(store: Store, key: string, body: Uint8Array): string {
  try {
    return gunzipSync(body, { maxOutputLength: LARGEST_TEXT }).toString();
  } catch (error) {
    throw damageOf(store, key, `cannot be unpacked: ${messageOf(error)}`, { cause: error });
  }
}
