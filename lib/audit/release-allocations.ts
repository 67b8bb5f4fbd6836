/**
 * Frees addresses in Calico's own records: the API server has them, so no pod on the node is needed. Each is judged by a
 * new audit of its node, by all pods, and once more right before its block is written. Calico writes the block first
 * and the handle second; a handle that counts too many is a leftover, one that counts too few would lose an address.
 */
import {
  type Cluster,
  deleteCalicoHandle,
  listAddressHolders,
  readCalicoBlock,
  readCalicoHandle,
  writeCalicoBlock,
  writeCalicoHandle,
} from '../cluster/index.ts';
import { messageOf } from '../model/errors.ts';
import { allocationName, type LeakedAllocation } from '../model/leaked-allocation.ts';
import type { RepairObject } from '../model/repair-record.ts';
import type { RepairAnswer } from '../probe/index.ts';
import type { AllocationsAct } from '../repair/act.ts';
import { handleAfter, holdsAddress, whyHeld, withoutEntry } from '../repair/calico-ipam.ts';
import {
  allocationsIn,
  entryNow,
  type JudgedAllocation,
  judgedNow,
  type Releasing,
} from './judge-allocations.ts';
import { auditAfter } from './look-again.ts';
import { type ActContext, type ExaminedAct, type RepairResult, renewing } from './repair-act.ts';
import { notDone } from './repair-node.ts';

/** Calico may write the same block at any moment. */
const TRIES = 5;

/**
 * Checks the rights, the node, the pods and the blocks again.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function examineAllocations(
  cluster: Cluster,
  act: AllocationsAct,
  context: ActContext,
): Promise<ExaminedAct> {
  const seenAt = Math.max(...act.findings.map(({ lastSeen }) => Date.parse(lastSeen)));
  const wanted = { ...act, seenAt };
  const judged = await judgedNow(cluster, wanted, context);
  if ('refused' in judged) return judged;
  const reasons = new Set(judged.map(({ entry }) => (typeof entry === 'string' ? entry : null)));
  const [reason = null] = reasons;
  if (reasons.size === 1 && reason !== null) return { refused: reason };
  const object = (answers: readonly RepairAnswer[]): RepairObject => ({
    act: 'release-allocations',
    node: act.node,
    seenAt: new Date(seenAt).toISOString(),
    allocations: judged.map(({ leaked, entry }) => {
      const answer = answers.find(({ name }) => name === allocationName(leaked));
      const before = typeof entry === 'string' ? null : entry;
      return {
        ...leaked,
        name: allocationName(leaked),
        before: before && { handle: before.handle, attribute: before.attribute, sequence: before.sequence },
        result: answer?.word ?? null,
        detail: answer?.detail ?? null,
      };
    }),
  });
  return {
    object: object([]),
    rehearse: async () => {
      const answers = judged.map(({ leaked, entry }) =>
        typeof entry === 'string'
          ? answerOf(leaked, 'refused', entry)
          : answerOf(leaked, 'would', `its handle is ${entry.handle}`),
      );
      const would = answers.filter(({ word }) => word === 'would').length;
      return { ok: true, detail: `${would} would be freed${notDone(answers)}; nothing was changed`, answers };
    },
    act: async () => await proven(act.node, await released(cluster, act.node, judged, context), context),
    after: ({ answers = [] }) => object(answers),
  };
}

/**
 * Frees each that may be, one after the other, until the first that fails.
 * @throws AuditError ABORTED
 */
export async function released(
  cluster: Cluster,
  node: string,
  judged: readonly JudgedAllocation[],
  context: Releasing,
): Promise<RepairAnswer[]> {
  const answers: RepairAnswer[] = [];
  const renew = renewing(context);
  for (const { leaked, entry } of judged) {
    if (answers.some(({ word }) => word === 'failed')) {
      answers.push(answerOf(leaked, 'left', 'another one failed before'));
      continue;
    }
    await renew();
    answers.push(
      typeof entry === 'string'
        ? answerOf(leaked, 'refused', entry)
        : await orFailed(leaked, context, () => releasedOne(cluster, node, leaked, context)),
    );
  }
  return answers;
}

/** A failure may have left the handle as it was: so the record stays open, and the next call completes it. */
export async function orFailed(
  leaked: LeakedAllocation,
  { signal }: Pick<Releasing, 'signal'>,
  release: () => Promise<RepairAnswer>,
): Promise<RepairAnswer> {
  try {
    return await release();
  } catch (error) {
    if (signal.aborted) throw error;
    return answerOf(leaked, 'failed', messageOf(error));
  }
}

async function releasedOne(
  cluster: Cluster,
  node: string,
  leaked: LeakedAllocation,
  context: Releasing,
): Promise<RepairAnswer> {
  const { signal } = context;
  let handle: string | null = null;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const held = whyHeld(await listAddressHolders(cluster, { signal }), leaked);
    if (held !== null) return answerOf(leaked, 'refused', held);
    const read = await entryNow(cluster, node, leaked, context);
    if (typeof read === 'string') {
      // A write whose answer was lost may have freed it.
      const isFreed =
        handle !== null && !holdsAddress(await readCalicoBlock(cluster, leaked.block, { signal }), leaked);
      return isFreed
        ? await withoutHandle(cluster, leaked, handle ?? '', context)
        : answerOf(leaked, 'refused', read);
    }
    const { block, entry } = read;
    handle = entry.handle;
    if (await writeCalicoBlock(cluster, withoutEntry(block, entry), { signal }))
      return await withoutHandle(cluster, leaked, handle, context);
  }
  return answerOf(leaked, 'refused', 'its block was changed by others at each try');
}

/**
 * Once the block has no such address: the handle of its container may count it no longer.
 * @param handle - its id, as the block had it
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function withoutHandle(
  cluster: Cluster,
  leaked: LeakedAllocation,
  handle: string,
  { signal }: Pick<Releasing, 'signal'>,
): Promise<RepairAnswer> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const block = await readCalicoBlock(cluster, leaked.block, { signal });
    if (holdsAddress(block, leaked)) return answerOf(leaked, 'failed', 'its block still has it');
    const found = await readCalicoHandle(cluster, handle, { signal });
    const after = handleAfter(found, block, leaked.block);
    if (found === null || after === null)
      return answerOf(leaked, 'done', `its handle ${handle} no longer counts it`);
    await (after === 'empty'
      ? deleteCalicoHandle(cluster, found, { signal })
      : writeCalicoHandle(cluster, after, { signal }));
  }
  return answerOf(leaked, 'failed', 'it is free, but its handle was changed by others at each try');
}

/** Each was read again after it was written; now an audit of the node may not find it. */
async function proven(
  node: string,
  answers: readonly RepairAnswer[],
  context: Releasing,
): Promise<RepairResult> {
  const done = answers.filter(({ word }) => word === 'done');
  const detail = `${done.length} freed${notDone(answers)}`;
  if (answers.some(({ word }) => word === 'failed')) return { ok: false, detail, answers, isOpen: true };
  if (done.length === 0) return { ok: true, detail, answers };
  const report = await auditAfter(node, context);
  if (typeof report === 'string') return { ok: false, detail: `${detail}; ${report}`, answers };
  const names = new Set(done.map(({ name }) => name));
  const again = report.findings.flatMap(allocationsIn).filter((each) => names.has(allocationName(each)));
  return again.length > 0
    ? {
        ok: false,
        detail: `${detail}; but an audit finds ${again.map(allocationName).join(', ')} again`,
        answers,
      }
    : { ok: true, detail: `${detail}; an audit finds nothing of them`, answers };
}

function answerOf(leaked: LeakedAllocation, word: RepairAnswer['word'], detail: string): RepairAnswer {
  return { name: allocationName(leaked), word, detail };
}
