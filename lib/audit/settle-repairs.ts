/** How the next call settles repairs that did not end: their calls were killed, or could not know how they ended. */
import { type Cluster, holderOf, sweep } from '../cluster/index.ts';
import type { Store } from '../history/index.ts';
import { messageOf } from '../model/errors.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import type { RepairRecord } from '../model/repair-record.ts';
import { counted } from '../model/text.ts';
import { becameOfDrain } from './drain-node.ts';
import { finishAllocations } from './finish-allocations.ts';
import { finishOnNode } from './finish-node.ts';
import { becameOfReboot, type Settling } from './reboot-node.ts';
import { type NodeRecord, type OnNode, WORDS } from './repair-node.ts';
import { endOf, halfDoneAt, takeLease, writeAt } from './repair-records.ts';
import { type Became, becameOfPod } from './settle-pod.ts';

/** Of a node as a whole. */
type WholeRecord = Extract<RepairRecord, { act: 'reboot-node' | 'drain-node' }>;
type ReleasedRecord = Extract<RepairRecord, { act: 'release-allocations' }>;

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
