/** Completes a repair on a node whose call was killed. */
import type { Cluster } from '../cluster/index.ts';
import { messageOf } from '../model/errors.ts';
import { byCapability } from '../model/raised-limits.ts';
import type { RepairAnswer } from '../probe/index.ts';
import type { Settling } from './reboot-node.ts';
import {
  askedOnNode,
  becameBy,
  foundAgain,
  type NodeRecord,
  notDone,
  type OnNode,
  type RepairRequest,
  WORDS,
} from './repair-node.ts';

/**
 * Repeats a repair that was killed: the pod completes what is half done, under the same preconditions.
 * @returns the outcome, and the record with what became of each object
 * @throws AuditError PROBE_REFUSED, PROBE_FAILED, CLUSTER_*
 */
export async function finishOnNode(
  cluster: Cluster,
  record: NodeRecord,
  context: Omit<OnNode, 'runId'> & Pick<Settling, 'look' | 'renew'>,
): Promise<{ readonly outcome: string; readonly record: NodeRecord }> {
  const { runId } = record;
  try {
    const request = await whatToFinish(record, context);
    // A record of an earlier version does not identify them.
    if (typeof request === 'string' || request.orphans.length + request.objects.length === 0) {
      const why = typeof request === 'string' ? `${request}; ` : '';
      return {
        outcome: `${why}what it did not delete is found by the next audit, and can be deleted then`,
        record,
      };
    }
    const answers: RepairAnswer[] = [];
    for (const part of partsOf(request)) {
      if (answers.length > 0) await context.renew();
      answers.push(...(await askedOnNode(cluster, part, { ...context, runId }, true)));
    }
    const done = answers.filter(({ word }) => word === 'done').length;
    const isSettled = ({ word, detail }: RepairAnswer): boolean =>
      word === 'refused' && WORDS[record.act].settled === detail;
    const settled = answers.filter(isSettled).length;
    const rest = answers.filter((answer) => !isSettled(answer));
    const outcome = `it was completed: ${settled} were ${WORDS[record.act].all}, ${done} ${WORDS[record.act].done} now${notDone(rest)}`;
    return { outcome: `${outcome}${notAsked(record, answers)}`, record: withAnswers(record, answers) };
  } catch (error) {
    if (context.signal.aborted) throw error;
    return { outcome: `it could not be completed: ${messageOf(error)}`, record };
  }
}

/** The objects for the pod; or why it cannot be sent: as before the repair, another audit has to find routes and rules. */
async function whatToFinish(
  record: NodeRecord,
  { look, renew }: Pick<Settling, 'look' | 'renew'>,
): Promise<RepairRequest | string> {
  const { node } = record;
  if (record.act === 'delete-namespaces') {
    const orphans = record.namespaces.flatMap(({ name, inode, made }) =>
      made === null ? [] : { name, inode, made },
    );
    return { node, orphans, objects: [] };
  }
  if (record.act !== 'delete-routes') return { node, orphans: [], objects: record.objects };
  const again = await foundAgain(node, look);
  await renew();
  if ('refused' in again) return again.refused;
  const objects = record.objects.filter(({ argument }) => again.found.has(argument));
  return objects.length === 0 ? 'an audit finds none of them' : { node, orphans: [], objects };
}

/** Each for one pod. */
function partsOf(request: RepairRequest): RepairRequest[] {
  if (request.objects.length === 0) return [request];
  return byCapability(request.objects, ({ argument }) => argument).map((objects) => ({
    ...request,
    objects,
  }));
}

function notAsked(record: NodeRecord, answers: readonly RepairAnswer[]): string {
  const all = record.act === 'delete-namespaces' ? record.namespaces : record.objects;
  const count = record.act === 'delete-routes' ? all.length - answers.length : 0;
  return count === 0 ? '' : `; an audit does not find the other ${count}`;
}

function withAnswers(record: NodeRecord, answers: readonly RepairAnswer[]): NodeRecord {
  const became = becameBy(answers);
  return record.act === 'delete-namespaces'
    ? { ...record, namespaces: record.namespaces.map((each) => ({ ...each, ...became(each.name) })) }
    : { ...record, objects: record.objects.map((each) => ({ ...each, ...became(each.name) })) };
}
