/** Reads a whole store, object by object, and says how to repair each damaged one. */
import * as z from 'zod';
import { alertRecordSchema } from '../alert/index.ts';
import {
  checkRows,
  DirectoryStore,
  damageOf,
  keys,
  moveAway,
  newestReport,
  type OnDamage,
  parsedJson,
  readPointer,
  reportOfRun,
  type Store,
  unlessDamaged,
  unpacked,
} from '../history/index.ts';
import { clusterOf, PREFIXES } from '../history/keys.ts';
import { AuditError, messageOf } from '../model/errors.ts';
import { forEachLimited } from '../model/limit.ts';
import { repairRecordSchema } from '../model/repair-record.ts';
import { command } from '../model/shell.ts';
import { readArchive } from '../probe/index.ts';
import { registerSchema } from './fleet/register.ts';

/** Folders of a store's objects: anything else in that place is not ours. */
const FOLDERS = Object.keys(PREFIXES).map((prefix) => `${prefix}/`);

/** Objects read at once, each of up to {@link LARGEST_OBJECT} bytes. */
const AT_ONCE = 4;

export type StoreHealth = { readonly objects: number; readonly damaged: number; readonly leftovers: number };

export type StoreWatch = {
  /** Called for each damaged object, with its remedy. */
  readonly onDamage: (damage: AuditError) => void;
  /** Called after each object read, with the count so far. */
  readonly onObject: (objects: number) => void;
  readonly signal: AbortSignal;
};

/**
 * Writes and repairs nothing itself.
 *
 * @throws AuditError USAGE where there is no store, ABORTED, STORE where it cannot be listed or does not answer now
 */
export async function examineStore(store: Store, watch: StoreWatch): Promise<StoreHealth> {
  const { onObject, signal } = watch;
  const known = new Map<string, { reports: boolean; pointer: boolean }>();
  let objects = 0;
  let damaged = 0;
  let leftovers = 0;
  const onDamage = (damage: AuditError): void => {
    damaged += 1;
    watch.onDamage(damage);
  };
  for (const prefix of FOLDERS)
    await forEachLimited(listed(store, prefix, onDamage), AT_ONCE, async (key) => {
      if (signal.aborted) throw new AuditError('ABORTED', 'interrupted', { remedy: 'Run it again.' });
      note(known, key);
      await unlessDamaged(() => examineObject(store, key), onDamage);
      objects += 1;
      onObject(objects);
    });
  for (const [cluster, found] of known) {
    if (found.pointer || !found.reports) continue;
    const newest = await newestReport(store, cluster, () => {});
    if (newest !== null)
      onDamage(damageOf(store, keys.latest(cluster), 'is gone', { remedy: await pointing(store, cluster) }));
  }
  if (store instanceof DirectoryStore)
    for (const prefix of [...FOLDERS, '.parts/'])
      await unlessDamaged(
        async () => {
          for await (const key of store.leftovers(prefix)) {
            leftovers += 1;
            const remedy = `Remove it: ${command('rm', `${store.location}/${key}`)}`;
            watch.onDamage(damageOf(store, key, 'was left by a writer that was killed', { remedy }));
          }
        },
        // Already reported when its objects were listed.
        () => {},
      );
  if (objects + leftovers + damaged > 0) return { objects, damaged, leftovers };
  throw new AuditError('USAGE', `${store.location} holds nothing of netns-audit`, {
    remedy: 'Name another --store, or audit a cluster first.',
  });
}

/** If a folder cannot be listed, only its objects are missed. */
async function* listed(store: Store, prefix: string, onDamage: OnDamage): AsyncGenerator<string> {
  const keys = store.list(prefix)[Symbol.asyncIterator]();
  for (;;) {
    const next = await unlessDamaged(() => keys.next(), onDamage);
    if (next === null || next.done === true) return;
    yield next.value;
  }
}

function note(known: Map<string, { reports: boolean; pointer: boolean }>, key: string): void {
  const [, kind, part = ''] = /^(reports|latest)\/cluster=([^/]+?)(?:\.json$|\/)/.exec(key) ?? [];
  const cluster = kind === undefined ? null : clusterOf(part);
  if (cluster === null) return;
  const before = known.get(cluster) ?? { reports: false, pointer: false };
  known.set(cluster, {
    reports: before.reports || kind === 'reports',
    pointer: before.pointer || kind === 'latest',
  });
}

/** @throws AuditError STORE that says what is wrong */
async function examineObject(store: Store, key: string): Promise<void> {
  const [kind] = key.split('/');
  if (/\.damaged(?:\/|$)/.test(key)) return;
  if (kind === 'latest' && key !== keys.register()) return await examinePointer(store, key);
  if (/^reports\/.*\/report\.json$/.test(key)) return await examineReport(store, key);
  const stored = await store.get(key);
  if (stored === null) return;
  const { body } = stored;
  if (kind === 'findings' || kind === 'nodes') return await checkRows(store, key, body);
  if (key === keys.register()) return void parsedJson(store, key, body, registerSchema);
  if (kind === 'remedies') return void parsedJson(store, key, body, repairRecordSchema);
  if (kind === 'evidence') return await examineEvidence(store, key, body);
  if (/^alerts\/.*\/dt=[^/]+\/[^/]+\.json$/.test(key)) {
    const record = parsedJson(store, key, body, alertRecordSchema);
    if (keys.alerts(record) !== key) throw damageOf(store, key, 'is the record of another run or cluster');
  } else if (key.endsWith('/last.json')) parsedJson(store, key, body, z.object({ runId: z.string() }));
  else if (key.endsWith('.html')) examinePage(store, key, body);
  else if (key.endsWith('.json')) parsedJson(store, key, body, z.unknown());
  else if (key.endsWith('.gz')) unpacked(store, key, body);
}

async function examinePointer(store: Store, key: string): Promise<void> {
  const cluster = clusterOf(/^latest\/cluster=([^/]+)\.json$/.exec(key)?.[1] ?? '%');
  if (cluster === null) throw damageOf(store, key, 'is not the pointer of a cluster');
  let damage: AuditError;
  try {
    const pointer = await readPointer(store, cluster);
    const run = pointer === null ? null : { cluster, runId: pointer.runId };
    if (run === null || (await reportOfRun(store, run)) !== null) return;
    damage = damageOf(store, key, `leads to run ${run.runId}, whose report is gone`);
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== 'STORE' || error.retryable) throw error;
    damage = error;
  }
  const isItself = damage.message.includes(key);
  throw new AuditError(
    'STORE',
    isItself ? damage.message : `${store.location}/${key} leads to what is damaged: ${damage.message}`,
    { cause: damage, remedy: await pointing(store, cluster) },
  );
}

/** How to point a cluster's `latest` to the newest readable report. */
async function pointing(store: Store, cluster: string): Promise<string> {
  const newest = await newestReport(store, cluster, () => {});
  const key = keys.latest(cluster);
  const path = `${store.location}/${key}`;
  if (newest === null)
    return `No report of ${cluster} can be read. Move it away, and the next audit starts again: ${moveAway(store, key)}`;
  const { runId } = newest;
  const pointer = JSON.stringify({ runId, report: keys.report({ cluster, runId }) });
  const print = command('printf', '%s\\n', pointer);
  const isThere = await isKey(store, key);
  const isBucket = store.location.startsWith('s3://');
  return `Let it lead to the newest report that can be read: ${
    isBucket
      ? `${print} | ${command('aws', 's3', 'cp', '-', path)}`
      : `${isThere ? `${moveAway(store, key)} && ` : ''}${print} > ${command(path)}`
  }`;
}

async function isKey(store: Store, key: string): Promise<boolean> {
  for await (const each of store.list(key)) if (each === key) return true;
  return false;
}

async function examineReport(store: Store, key: string): Promise<void> {
  const [, part = '', runId = ''] = /^reports\/cluster=([^/]+)\/dt=[^/]+\/([^/]+)\//.exec(key) ?? [];
  const cluster = clusterOf(part);
  if (cluster === null || keys.report({ cluster, runId }) !== key)
    throw damageOf(store, key, 'is in the place of no report');
  await reportOfRun(store, { cluster, runId });
}

async function examineEvidence(store: Store, key: string, body: Uint8Array): Promise<void> {
  const [, cluster, runId] = /^evidence\/cluster=([^/]+)\/dt=[^/]+\/([^/]+)\//.exec(key) ?? [];
  let audit: Awaited<ReturnType<typeof readArchive>>['audit'];
  try {
    ({ audit } = await readArchive(body));
  } catch (error) {
    throw damageOf(store, key, `is not evidence: ${messageOf(error)}`, { cause: error });
  }
  if (audit.runId !== runId || audit.cluster.name !== clusterOf(cluster ?? ''))
    throw damageOf(store, key, `is of run ${audit.runId} of cluster ${audit.cluster.name}`);
}

function examinePage(store: Store, key: string, body: Uint8Array): void {
  const end = Buffer.from(body.subarray(Math.max(0, body.length - 100))).toString();
  if (!end.trimEnd().endsWith('</html>')) throw damageOf(store, key, 'is a page without an end');
}
