/** Records of repairs in the store, and the lease under which they are written. */
import { type Cluster, Lease, statusOf } from '../cluster/index.ts';
import { keys, type Store } from '../history/index.ts';
import { dayBefore } from '../model/days.ts';
import { AuditError } from '../model/errors.ts';
import { DEFAULT_NAMESPACE } from '../model/own-pods.ts';
import { type RepairRecord, repairRecordSchema } from '../model/repair-record.ts';
import { dayOf } from '../model/run-id.ts';

const LEASE = 'netns-audit-remediate';

/**
 * A call holds it to repair a cluster or settle a half-done repair. It has one place per cluster, whatever
 * namespaces a call names for its pods: otherwise two calls with different ones would not see each other.
 *
 * @throws AuditError CLUSTER_API where somebody holds it; USAGE where its place is missing
 */
export async function takeLease(cluster: Cluster, holder: string): Promise<Lease> {
  try {
    return await Lease.take(cluster, DEFAULT_NAMESPACE, LEASE, holder);
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    throw new AuditError(
      'USAGE',
      `the namespace ${DEFAULT_NAMESPACE} is missing, where the lease of repairs is kept`,
      {
        cause: error,
        remedy:
          'Ask an administrator to apply what is needed: netns-audit manifests --remediate | kubectl apply -f -',
      },
    );
  }
}

/** @throws AuditError STORE where another call wrote it */
export async function writeRecord(store: Store, record: RepairRecord): Promise<void> {
  const part = `${partOf(record)}-${record.phase === 'begun' ? 'begun' : 'ended'}`;
  await writeAt(store, keys.repair({ cluster: record.cluster, runId: record.runId }, part), record);
}

/** Two nodes may have objects of one name. The name of a node has no underscore. */
function partOf(record: RepairRecord): string {
  if ('pod' in record) return record.pod.uid;
  const first = firstOf(record)?.name;
  return first === undefined ? record.node : `${record.node}_${first.replaceAll('/', '-')}`;
}

/** The key of the end of a repair, by that of its begin. */
export function endOf(begun: string): string {
  return begun.replace(/-begun\.json$/, '-ended.json');
}

export async function writeAt(store: Store, key: string, record: RepairRecord): Promise<void> {
  if ((await store.putOnce(key, Buffer.from(`${JSON.stringify(record)}\n`))) === 'exists')
    throw new AuditError('STORE', `${store.location}: ${key} was written by another call`, {
      remedy: 'Its lease had ended, and another call settled it. Audit the cluster before you continue.',
    });
}

/**
 * Repairs of recent days with a begin but no end: the call that did them was killed.
 * @throws AuditError STORE
 */
export async function halfDone(
  store: Store,
  cluster: { readonly name: string; readonly uid: string },
  days: readonly string[],
): Promise<RepairRecord[]> {
  return (await halfDoneAt(store, cluster, days)).map(({ record }) => record);
}

/** The same, with their keys. @throws AuditError STORE */
export async function halfDoneAt(
  store: Store,
  cluster: { readonly name: string; readonly uid: string },
  days: readonly string[],
): Promise<RecordAt[]> {
  const begun = new Map<string, string>();
  for (const day of days)
    for await (const key of store.list(keys.repairsOf(cluster.name, day))) {
      if (key.endsWith('-begun.json')) begun.set(key.replace(/-begun\.json$/, ''), key);
      if (key.endsWith('-ended.json')) begun.delete(key.replace(/-ended\.json$/, ''));
    }
  return await recordsAt(store, cluster, begun.values());
}

/**
 * What became of the repairs of one run, in the order in which they began; of one that has no end, how it began.
 * @param runId - the name of a run
 * @throws AuditError STORE
 */
export async function recordsOfRun(
  store: Store,
  cluster: { readonly name: string; readonly uid: string },
  runId: string,
): Promise<RepairRecord[]> {
  const day = keys.repairsOf(cluster.name, dayOf(runId));
  return await lastRecords(store, cluster, day, (key) => key.includes(`/${runId}/`));
}

/**
 * What other runs did since the day of one run, in the order in which it began or ended.
 * @param runId - the name of a run
 * @throws AuditError STORE
 */
export async function recordsSince(
  store: Store,
  cluster: { readonly name: string; readonly uid: string },
  runId: string,
): Promise<RepairRecord[]> {
  const since = keys.repairsOf(cluster.name, dayOf(runId));
  // Days are in the keys, so that later ones sort after it.
  const isSince = (key: string): boolean => key >= since && !key.includes(`/${runId}/`);
  return await lastRecords(store, cluster, keys.allRepairsOf(cluster.name), isSince);
}

/** The last record of each repair: its end, or how it began. In the order of their times. */
async function lastRecords(
  store: Store,
  cluster: { readonly name: string; readonly uid: string },
  prefix: string,
  isWanted: (key: string) => boolean,
): Promise<RepairRecord[]> {
  const last = new Map<string, string>();
  for await (const key of store.list(prefix)) {
    const object = key.replace(/-(?:begun|ended)\.json$/, '');
    if (isWanted(key) && (key.endsWith('-ended.json') || !last.has(object))) last.set(object, key);
  }
  const records = await recordsAt(store, cluster, last.values());
  return records.map(({ record }) => record).toSorted((a, b) => a.at.localeCompare(b.at));
}

type RecordAt = { readonly key: string; readonly record: RepairRecord };

async function recordsAt(
  store: Store,
  cluster: { readonly uid: string },
  places: Iterable<string>,
): Promise<RecordAt[]> {
  const records: RecordAt[] = [];
  for (const key of places) {
    const stored = await store.get(key);
    if (stored === null) continue;
    const read = repairRecordSchema.safeParse(parsed(stored.body));
    if (!read.success)
      throw new AuditError(
        'STORE',
        `${store.location}: ${key} is no record of a repair that this version knows`,
        {
          cause: read.error,
          remedy:
            'If a newer version wrote it, use that one. Otherwise look at it, and move it away: netns-audit doctor --store PLACE',
        },
      );
    // An earlier cluster had the name; its repairs are gone with it.
    if ((read.data.clusterUid ?? cluster.uid) === cluster.uid) records.push({ key, record: read.data });
  }
  return records;
}

function firstOf(
  record: Exclude<RepairRecord, { readonly pod: unknown }>,
): { readonly name: string } | undefined {
  if (record.act === 'reboot-node' || record.act === 'drain-node') return undefined;
  if (record.act === 'release-allocations') return record.allocations[0];
  return record.act === 'delete-namespaces' ? record.namespaces[0] : record.objects[0];
}

/** The days on which an interrupted repair may have begun: today and the two before. */
export function recentDays(now: Date): string[] {
  return [0, 1, 2].map((ago) => dayBefore(now.getTime(), ago));
}

/** Undefined if it is no JSON, which no schema accepts. */
function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}
