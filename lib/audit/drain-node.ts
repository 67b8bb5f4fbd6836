/**
 * In place of a reboot: cordons a node and moves its pods elsewhere, so that a person can replace its machine. The node stays
 * cordoned, and nothing of the cloud is asked.
 */
import { type Cluster, listNodeStates, type NodeState, uncordonNode } from '../cluster/index.ts';
import { messageOf } from '../model/errors.ts';
import type { RepairObject, RepairRecord } from '../model/repair-record.ts';
import { counted } from '../model/text.ts';
import type { DrainAct } from '../repair/act.ts';
import { howToReplace, instanceOf } from '../repair/replace-node.ts';
import { podsToMove } from './drain.ts';
import { emptyNode, letBack, nodeNow, nodeToEmpty, staysCordoned } from './empty-node.ts';
import type { ActContext, ExaminedAct, RepairResult } from './repair-act.ts';

/**
 * Checks the node, its pods and the other nodes again.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function examineDrain(
  cluster: Cluster,
  act: DrainAct,
  context: ActContext,
): Promise<ExaminedAct> {
  const found = await nodeToEmpty(cluster, act, context);
  if ('refused' in found) return found;
  const { state } = found;
  const { node } = act;
  const refused = whyNotKnown(state, await listNodeStates(cluster, null, { signal: context.signal }));
  if (refused !== null) return { refused };
  const object = {
    act: 'drain-node',
    node,
    nodeUid: state.uid,
    wasCordoned: state.isCordoned,
  } as const satisfies RepairObject;
  return {
    object,
    rehearse: async () => {
      const pods = await podsToMove(cluster, node, context);
      const detail = `${counted(pods.length, 'pod')} would be moved elsewhere; nothing was changed`;
      return { ok: true, detail };
    },
    act: async (): Promise<RepairResult> => {
      try {
        const emptied = await emptyNode(cluster, { ...object, bootId: state.bootId }, 'drained', context);
        if ('ok' in emptied) return emptied;
        const { moved, stuck } = emptied;
        return {
          ok: true,
          detail: `${moved}${stuck === '' ? '' : `${stuck}, until its machine ends`}; it stays cordoned, to be replaced`,
          next: [...howToReplace(state, cluster), `Or ${letBack(cluster, node)}`],
        };
      } catch (error) {
        if (context.signal.aborted) throw error;
        return staysCordoned(cluster, node, messageOf(error));
      }
    },
    after: () => object,
  };
}

/** Its kubelet says which machine it is, and whoever owns the node may have it name another's. */
function whyNotKnown({ name, providerId }: NodeState, all: readonly NodeState[]): string | null {
  if (providerId === '') return null;
  const instance = instanceOf(providerId);
  const isSame = (other: string): boolean =>
    other === providerId || (instance !== null && other.split('/').at(-1) === instance);
  const twin = all.find((other) => other.name !== name && isSame(other.providerId));
  return twin === undefined
    ? null
    : `${twin.name} says that it is the same machine (providerID): which is whose is not known`;
}

/**
 * What became of a drain whose call was killed: the node takes pods again.
 * @returns the sentence for its record
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function becameOfDrain(
  cluster: Cluster,
  { node, nodeUid, runId, wasCordoned }: Extract<RepairRecord, { act: 'drain-node' }>,
  context: Pick<ActContext, 'signal'>,
): Promise<string> {
  const state = await nodeNow(cluster, node, context);
  if (state === null || state.uid !== nodeUid) return 'the node is gone';
  if (state.cordonedBy !== runId)
    return state.isCordoned && !wasCordoned
      ? 'it is cordoned, but not by this repair'
      : 'it is as it was; pods that were evicted are elsewhere';
  return (await uncordonNode(cluster, { name: node, uid: nodeUid }, runId, { signal: context.signal }))
    ? 'it takes pods again; pods that were evicted are elsewhere'
    : 'somebody else decided meanwhile whether it takes pods';
}
