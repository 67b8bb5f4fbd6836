/**
 * Repairs: for each act check again, act, and prove it. Any doubt refuses the act; the first surprise ends
 * all. Each act is recorded before it begins, so the next call knows what was half done.
 */
import { type Cluster, hasNamespace, holderOf, whoAmI } from '../cluster/index.ts';
import { AuditError, messageOf } from '../model/errors.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import type { RepairObject, RepairRecord } from '../model/repair-record.ts';
import { type Act, needsRepairPod } from '../repair/act.ts';
import { answerWord } from './answer-word.ts';
import { examineDrain } from './drain-node.ts';
import { examineReboot } from './reboot-node.ts';
import { examinePod } from './recreate-pod.ts';
import { examineRecorded } from './recreate-recorded.ts';
import { examineAllocations } from './release-allocations.ts';
import type { ActContext, ActResult, ExaminedAct, RepairOptions, RepairResult } from './repair-act.ts';
import { examineOnNode } from './repair-node.ts';
import { takeLease, writeRecord } from './repair-records.ts';
import { examineAgent } from './restart-agent.ts';

/**
 * Carries out the acts one by one, and ends with the first surprise.
 * @returns the outcome of each act tried
 * @throws AuditError CLUSTER_*, ABORTED, STORE
 */
export async function carryOutAll(
  cluster: Cluster,
  acts: readonly Act[],
  options: RepairOptions,
): Promise<ActResult[]> {
  const by = (await whoAmI(cluster, options.signal)) ?? 'unknown';
  const results: ActResult[] = [];
  const lease = await takeLease(cluster, holderOf(by));
  try {
    for (const act of acts) {
      if (options.signal.aborted)
        throw new AuditError('ABORTED', `interrupted before ${nameOf(act)}`, {
          remedy: 'Earlier repairs are recorded in the store; the next call continues with the rest.',
        });
      await lease.renew();
      const result = await carryOut(cluster, act, by, { ...options, renew: () => lease.renew() });
      results.push(result);
      options.onResult(result);
      if (result.result === 'surprise') break;
    }
  } finally {
    await lease.release();
  }
  return results;
}

/**
 * Refuses acts that need a repair pod if the namespace of these pods is missing. It is never created here:
 * its admission policy comes with it, and without that policy anybody who may start pods there owns the node.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function withoutNamespace(
  cluster: Cluster,
  acts: readonly Act[],
  namespace: string,
  signal?: AbortSignal,
): Promise<Act[]> {
  const needsIt = acts.some(needsRepairPod);
  if (!needsIt || (await hasNamespace(cluster, namespace, signal))) return [...acts];
  const refused =
    `the namespace ${namespace} is missing: have an administrator apply it with its admission policy, ` +
    'netns-audit manifests --remediate | kubectl apply -f -';
  return acts.map((act) => (needsRepairPod(act) ? { ...act, refused } : act));
}

function nameOf(act: Act): string {
  return act.kind === 'recreate-pod' ? namespacedName(act.pod) : act.node;
}

async function carryOut(cluster: Cluster, act: Act, by: string, context: ActContext): Promise<ActResult> {
  const ended = (
    result: ActResult['result'],
    { detail, answers = [], next }: Omit<RepairResult, 'ok'>,
  ): ActResult => ({
    act,
    result,
    detail,
    answers,
    ...(next === undefined ? {} : { next }),
  });
  if (act.refused !== null) return ended('refused', { detail: act.refused });
  const found = await examine(cluster, act, context);
  if ('refused' in found) return ended('refused', { detail: found.refused });
  if (context.rehearse) {
    const would = await found.rehearse();
    return ended(!would.ok ? 'unseen' : areRefused(would) ? 'refused' : 'rehearsed', would);
  }
  const write = async (
    object: RepairObject,
    { phase, outcome }: Pick<RepairRecord, 'phase' | 'outcome'>,
  ): Promise<void> =>
    await writeRecord(context.store, {
      schemaVersion: 1,
      kind: 'RemedyRecord',
      runId: context.runId,
      cluster: cluster.name,
      clusterUid: cluster.uid,
      checks: [...checksOf(act)],
      by,
      at: new Date().toISOString(),
      phase,
      outcome,
      ...object,
    });
  // The check may have taken minutes, and a laptop may have slept.
  await context.renew();
  await write(found.object, { phase: 'begun', outcome: null });
  let repair: RepairResult;
  try {
    repair = await found.act();
  } catch (error) {
    // Without an end in the store, the next call reports the outcome.
    if (context.signal.aborted)
      return ended('surprise', { detail: 'interrupted before the result was known' });
    repair = { ok: false, detail: messageOf(error) };
  }
  if (repair.isOpen === true) return ended('surprise', repair);
  await write(found.after(repair), { phase: repair.ok ? 'done' : 'failed', outcome: repair.detail });
  return ended(!repair.ok ? 'surprise' : areRefused(repair) ? 'refused' : 'done', repair);
}

function checksOf(act: Act): readonly string[] {
  if (act.kind === 'recreate-pod' && act.recorded !== undefined) return act.recorded.record.checks;
  return [...new Set(act.findings.map(({ check }) => check))];
}

async function examine(cluster: Cluster, act: Act, context: ActContext): Promise<ExaminedAct> {
  if (act.kind === 'recreate-pod' && act.recorded !== undefined)
    return await examineRecorded(cluster, act.recorded, context);
  if (act.kind === 'recreate-pod') return await examinePod(cluster, act, context);
  if (act.kind === 'restart-agent') return await examineAgent(cluster, act, context);
  if (act.kind === 'reboot-node') return await examineReboot(cluster, act, context);
  if (act.kind === 'drain-node') return await examineDrain(cluster, act, context);
  if (act.kind === 'release-allocations') return await examineAllocations(cluster, act, context);
  return await examineOnNode(cluster, act, context);
}

/** Nothing was done if every object was refused, and is not in order. */
function areRefused({ answers }: RepairResult): boolean {
  return answers?.every((answer) => answerWord(answer) === 'refused') === true;
}
