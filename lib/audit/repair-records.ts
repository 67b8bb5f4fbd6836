/** Records of repairs, and how the next call settles those that did not end. */
import { type Cluster, holderOf, Lease, statusOf, sweep } from '../cluster/index.ts';
import { keys, type Store } from '../history/index.ts';
import { dayBefore } from '../model/days.ts';
import { AuditError, messageOf } from '../model/errors.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { DEFAULT_NAMESPACE } from '../model/own-pods.ts';
import { type RepairRecord, repairRecordSchema } from '../model/repair-record.ts';
import { dayOf } from '../model/run-id.ts';
import { counted } from '../model/text.ts';
import { becameOfDrain } from './drain-node.ts';
import { finishAllocations } from './finish-allocations.ts';
import { finishOnNode } from './finish-node.ts';
import { becameOfReboot, type Settling } from './reboot-node.ts';
import { type NodeRecord, type OnNode, WORDS } from './repair-node.ts';
import { type Became, becameOfPod } from './settle-pod.ts';

/** Of a node as a whole. */
type WholeRecord = Extract<RepairRecord, { act: 'reboot-node' | 'drain-node' }>;
type ReleasedRecord = Extract<RepairRecord, { act: 'release-allocations' }>;

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
  const last = new Map<string, string>();
  for await (const key of store.list(keys.repairsOf(cluster.name, dayOf(runId)))) {
    const object = key.replace(/-(?:begun|ended)\.json$/, '');
    if (key.includes(`/${runId}/`) && (key.endsWith('-ended.json') || !last.has(object)))
      last.set(object, key);
  }
  const records = await recordsAt(store, cluster, last.values());
  return records.map(({ record }) => record).toSorted((a, b) => a.at.localeCompare(b.at));
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
  const last = new Map<string, string>();
  const since = keys.repairsOf(cluster.name, dayOf(runId));
  for await (const key of store.list(keys.allRepairsOf(cluster.name))) {
    const object = key.replace(/-(?:begun|ended)\.json$/, '');
    // Days are in the keys, so that later ones sort after it.
    if (key < since || key.includes(`/${runId}/`)) continue;
    if (key.endsWith('-ended.json') || !last.has(object)) last.set(object, key);
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

function firstOf(record: NodeRecord | WholeRecord | ReleasedRecord): { readonly name: string } | undefined {
  if (record.act === 'reboot-node' || record.act === 'drain-node') return undefined;
  if (record.act === 'release-allocations') return record.allocations[0];
  return record.act === 'delete-namespaces' ? record.namespaces[0] : record.objects[0];
}

function whatOf(record: NodeRecord): string {
  if (record.act === 'delete-namespaces') return counted(record.namespaces.length, 'orphaned namespace');
  const what = {
    restore: ['object of pods', 'objects of pods'],
    'take-back': ['object of pods', 'objects of pods'],
    'delete-pins': ['pin that is a plain file', 'pins that are plain files'],
    'raise-limits': ['set of limits', 'sets of limits'],
    'delete-veths': ['leaked pair', 'leaked pairs'],
    'delete-routes': ['route or rule', 'routes and rules'],
    'release-addresses': ['leaked record of addresses', 'leaked records of addresses'],
  } as const;
  const [one, more] = what[record.act];
  return counted(record.objects.length, one, more);
}

/** The sentence for a record without end. Only the holder of the lease knows whether it is still running. */
export function begunSentence(record: RepairRecord): string {
  const what =
    'pod' in record
      ? `${record.act === 'restart-agent' ? 'restart the agent' : 'recreate'} ${namespacedName(record.pod)}`
      : record.act === 'reboot-node' || record.act === 'drain-node'
        ? `${record.act === 'reboot-node' ? 'reboot' : 'drain'} ${record.node}`
        : record.act === 'release-allocations'
          ? `free ${counted(record.allocations.length, 'leaked address', 'leaked addresses')} of Calico on ${record.node}`
          : `${WORDS[record.act].verb} ${whatOf(record)} on ${record.node}`;
  return `${record.by} began to ${what} at ${record.at} (run ${record.runId})`;
}

/**
 * Settles half-done repairs: completes them if possible, says what happened to each object, and records that,
 * so that it is reported once. Holds the lease meanwhile: without it, a repair that another call is doing
 * right now would look the same.
 * @returns one sentence each
 * @throws AuditError CLUSTER_API if another call repairs the cluster
 */
export async function settleHalfDone(
  cluster: Cluster,
  store: Store,
  options: {
    readonly days: readonly string[];
    /** The Kubernetes namespace is for records of earlier versions, which do not name it. */
  } & Omit<OnNode, 'runId'> &
    Pick<Settling, 'look' | 'say' | 'pace'>,
): Promise<string[]> {
  const said: string[] = [];
  const lease = await takeLease(cluster, holderOf('settling'));
  try {
    for (const { key, record } of await halfDoneAt(store, cluster, options.days)) {
      await lease.renew();
      const {
        outcome,
        record: settled,
        isOpen = false,
      } = 'pod' in record
        ? await becameOfPod(cluster, record, { ...options, place: `${store.location}/${key}` })
        : await became(cluster, record, { ...options, renew: () => lease.renew() });
      if (isOpen) {
        said.push(`${begunSentence(record)} and did not end: ${outcome}.`);
        continue;
      }
      const end = { ...settled, at: new Date().toISOString(), phase: 'failed', outcome } as const;
      // Beside its begin: an earlier version named records without their node.
      await writeAt(store, endOf(key), end);
      said.push(`${begunSentence(record)} and was stopped: ${outcome}.`);
    }
  } finally {
    await lease.release();
  }
  return said;
}

async function became(
  cluster: Cluster,
  record: NodeRecord | WholeRecord | ReleasedRecord,
  options: Omit<OnNode, 'runId'> & Settling,
): Promise<Became> {
  if (record.act === 'release-allocations') return await finishAllocations(cluster, record, options);
  if (record.act !== 'reboot-node' && record.act !== 'drain-node')
    return await becameOnNode(cluster, record, options);
  try {
    return { outcome: await becameOfWhole(cluster, record, options), record };
  } catch (error) {
    if (options.signal.aborted) throw error;
    // Whoever may not patch nodes may still make other repairs.
    return { outcome: `it could not be settled: ${messageOf(error)}`, record, isOpen: true };
  }
}

async function becameOfWhole(
  cluster: Cluster,
  record: WholeRecord,
  options: Omit<OnNode, 'runId'> & Settling,
): Promise<string> {
  if (record.act === 'drain-node') return await becameOfDrain(cluster, record, options);
  const { removed } = await sweep(cluster, record.repairNamespace, null, { component: 'repair' });
  return await becameOfReboot(cluster, record, options, removed.length > 0);
}

/** The request was to delete all, and each is checked again: so it is completed. */
async function becameOnNode(
  cluster: Cluster,
  record: NodeRecord,
  options: Omit<OnNode, 'runId'> & Settling,
): ReturnType<typeof finishOnNode> {
  const repairNamespace = record.repairNamespace ?? options.repairNamespace;
  // Under the lease no other call has repair pods. Our other pods here belong to an audit.
  const { removed } = await sweep(cluster, repairNamespace, null, { component: 'repair' });
  const pod = removed.length > 0 ? 'its pod went on, and is removed now' : 'its pod is gone';
  const finished = await finishOnNode(cluster, record, { ...options, repairNamespace });
  return { ...finished, outcome: `${pod}; ${finished.outcome}` };
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
