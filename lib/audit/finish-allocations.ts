/** Completes a repair of Calico's records whose call was killed: between the block and the handle, or before the block. */
import { type Cluster, readCalicoBlock } from '../cluster/index.ts';
import { messageOf } from '../model/errors.ts';
import type { RepairRecord } from '../model/repair-record.ts';
import type { RepairAnswer } from '../probe/index.ts';
import { holdsAddress } from '../repair/calico-ipam.ts';
import { judgedNow, type Releasing } from './judge-allocations.ts';
import { orFailed, released, withoutHandle } from './release-allocations.ts';
import { notDone } from './repair-node.ts';
import type { Became } from './settle-pod.ts';

type ReleasedRecord = Extract<RepairRecord, { act: 'release-allocations' }>;

/**
 * An address that is still taken is freed under the same conditions as before; of one that is free, the handle is
 * looked at, which may still count it.
 * @throws AuditError ABORTED
 */
export async function finishAllocations(
  cluster: Cluster,
  record: ReleasedRecord,
  context: Releasing,
): Promise<Became> {
  try {
    const { answers, why } = await finished(cluster, record, context);
    const became = new Map(answers.map(({ name, word, detail }) => [name, { result: word, detail }]));
    const allocations = record.allocations.map((each) => ({ ...each, ...became.get(each.name) }));
    const done = answers.filter(({ word }) => word === 'done').length;
    const outcome = `${done} freed${notDone(answers)}${why}`;
    const isOpen = answers.some(({ word }) => word === 'failed');
    return { outcome: `it was completed: ${outcome}`, record: { ...record, allocations }, isOpen };
  } catch (error) {
    if (context.signal.aborted) throw error;
    return { outcome: `it could not be completed: ${messageOf(error)}`, record, isOpen: true };
  }
}

async function finished(
  cluster: Cluster,
  { node, seenAt, allocations }: ReleasedRecord,
  context: Releasing,
): Promise<{ readonly answers: RepairAnswer[]; readonly why: string }> {
  const { signal } = context;
  const answers: RepairAnswer[] = [];
  const taken: ReleasedRecord['allocations'] = [];
  for (const each of allocations) {
    const { before } = each;
    if (before === null) continue;
    if (holdsAddress(await readCalicoBlock(cluster, each.block, { signal }), each)) taken.push(each);
    else
      answers.push(await orFailed(each, context, () => withoutHandle(cluster, each, before.handle, context)));
  }
  if (taken.length === 0) return { answers, why: '' };
  const judged = await judgedNow(cluster, { node, allocations: taken, seenAt: Date.parse(seenAt) }, context);
  if ('refused' in judged)
    return { answers, why: `; ${taken.length} stay for another repair: ${judged.refused}` };
  answers.push(...(await released(cluster, node, judged, context)));
  return { answers, why: '' };
}
