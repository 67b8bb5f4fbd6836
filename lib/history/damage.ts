/** What of a store cannot be used: said as an error that names the object and the way out, and told to whoever asks. */
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { AuditError, messageOf } from '../model/errors.ts';
import { moveAway, type Store } from './store.ts';

/** Told of each object that is left out, with its name and how to mend it. */
export type OnDamage = (damage: AuditError) => void;

/** @param what - what is wrong with the object, as `is empty` */
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
 * What `read` gives; null where what it reads is damaged, which is told. A store that may answer later is no damage.
 *
 * @throws AuditError STORE that is retryable, and all that is no AuditError STORE
 */
export async function unlessDamaged<T>(read: () => Promise<T>, onDamage: OnDamage): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    return told(error, onDamage);
  }
}

/** As {@link unlessDamaged}, of what was fetched before. */
export function unlessDamagedNow<T>(read: () => T, onDamage: OnDamage): T | null {
  try {
    return read();
  } catch (error) {
    return told(error, onDamage);
  }
}

function told(error: unknown, onDamage: OnDamage): null {
  if (!(error instanceof AuditError) || error.code !== 'STORE' || error.retryable) throw error;
  onDamage(error);
  return null;
}

/** JSON of an object of the store as what it should be. @throws AuditError STORE that says what is wrong with it. */
export function parsedJson<T>(store: Store, key: string, body: Uint8Array, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    if (body.length === 0) throw new Error('it is empty');
    json = JSON.parse(Buffer.from(body).toString());
  } catch (error) {
    throw damageOf(store, key, `is no JSON: ${messageOf(error).slice(0, 200)}`, { cause: error });
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

/** Objects within objects without end overflow the stack of whoever walks them. */
function attempt<T>(act: () => T): T | null {
  try {
    return act();
  } catch {
    return null;
  }
}

/** The first thing that is wrong, and where. */
export function problemOf(error: z.ZodError | undefined): string {
  const [issue] = error?.issues ?? [];
  if (issue === undefined) return 'it cannot be read';
  const where = issue.path.map(String).join('.').slice(0, 200);
  return `${where === '' ? '' : `${where}: `}${issue.message.slice(0, 200)}`;
}

/** Text of a file that unpacks to more is none of ours; a text of JavaScript holds little more. */
const LARGEST_TEXT = 512 * 1024 * 1024 - 1024;

/** The text of a `.gz` of the store. @throws AuditError STORE where it is cut or no gzip. */
export function unpacked(store: Store, key: string, body: Uint8Array): string {
  try {
    return gunzipSync(body, { maxOutputLength: LARGEST_TEXT }).toString();
  } catch (error) {
    throw damageOf(store, key, `cannot be unpacked: ${messageOf(error)}`, { cause: error });
  }
}
