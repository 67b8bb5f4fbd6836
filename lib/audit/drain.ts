/** Moves the pods of a node elsewhere, as disruption budgets allow, before it is rebooted. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BudgetRefused,
  type Cluster,
  evict,
  listOwnedPodsOnNode,
  type OwnedPod,
  statusOf,
} from '../cluster/index.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { CONTROLLERS } from './recreate-pod.ts';
import { type ActContext, renewing } from './repair-act.ts';

/** Names printed of many pods. */
const NAMES = 5;

export type Moved = {
  /** Pods that are gone. */
  readonly evicted: number;
  /** Pods that stay in Terminating: a kernel that no longer deletes namespaces holds them until the reboot. */
  readonly stuck: readonly OwnedPod[];
};

/** Pods that must be gone before the reboot: not those of DaemonSets, static ones, and those that have ended. */
export async function podsToMove(
  cluster: Cluster,
  node: string,
  { signal }: Pick<ActContext, 'signal'>,
): Promise<OwnedPod[]> {
  const pods = await listOwnedPodsOnNode(cluster, node, { signal });
  const stays = ({ controller, hasEnded, isDeleted }: OwnedPod): boolean =>
    ['DaemonSet', 'Node'].includes(controller?.kind ?? '') || (hasEnded && !isDeleted);
  return pods.filter((pod) => !stays(pod));
}

/** Why these pods must not be evicted; null if they may. A pod that is being deleted is lost in any case. */
export function whyNotMoved(
  pods: readonly OwnedPod[],
  { mayLose }: Pick<ActContext, 'mayLose'>,
): string | null {
  const isNamed = ({ namespace, name }: OwnedPod): boolean =>
    mayLose.some((each) => each.namespace === namespace && each.name === name);
  const lost = pods
    .filter((pod) => !pod.isDeleted && !isNamed(pod))
    .flatMap((pod) => {
      const why = whyLost(pod);
      return why === null ? [] : [{ pod, why }];
    });
  if (lost.length === 0) return null;
  const [first] = lost;
  const names = lost.map(({ pod }) => pod);
  return (
    `${podNames(names)} would be lost (${first?.why}): name what may be, ` +
    names
      .slice(0, NAMES)
      .map((pod) => `--lose-pod ${namespacedName(pod)}`)
      .join(' ')
  );
}

function whyLost({ controller, hasLocalData }: OwnedPod): string | null {
  if (controller === null) return 'no controller makes it again';
  if (!CONTROLLERS.has(controller.kind)) return `whether its ${controller.kind} makes it again is not known`;
  return hasLocalData ? 'its emptyDir volumes are lost with it' : null;
}

/**
 * Asks for each pod whether it could be evicted right now.
 * @returns why not; null if all could be
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function whyNotEvicted(
  cluster: Cluster,
  pods: readonly OwnedPod[],
  { signal }: Pick<ActContext, 'signal'>,
): Promise<string | null> {
  for (const pod of pods.filter(({ isDeleted }) => !isDeleted)) {
    try {
      await evict(cluster, pod, { signal }, true);
    } catch (error) {
      if (error instanceof BudgetRefused) return error.message;
      throw error;
    }
  }
  return null;
}

/**
 * Evicts all pods that have to leave, and waits until they are gone. A budget that refuses is asked again, as
 * it may allow more once pods elsewhere are ready.
 *
 * @returns what became of them, or why the node is not empty
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function drainNode(
  cluster: Cluster,
  node: string,
  context: ActContext,
): Promise<Moved | string> {
  const end = Date.now() + context.pace.drain;
  const deleted = new Map<string, number>();
  const evicted = new Set<string>();
  const renew = renewing(context);
  for (;;) {
    await renew();
    const pods = await podsToMove(cluster, node, context);
    const refused = whyNotMoved(pods, context);
    if (refused !== null) return refused;
    let budget: string | null = null;
    for (const pod of pods.filter(({ isDeleted }) => !isDeleted)) {
      // A budget that refuses is asked for a quarter of a minute.
      await renew();
      try {
        await evict(cluster, pod, { signal: context.signal });
        evicted.add(pod.uid);
      } catch (error) {
        // A pod of a StatefulSet may have been replaced under its name since it was listed.
        if (statusOf(error) === 409) continue;
        if (!(error instanceof BudgetRefused)) throw error;
        budget = error.message;
      }
    }
    for (const { uid, isDeleted } of pods) if (isDeleted && !deleted.has(uid)) deleted.set(uid, Date.now());
    const waiting = pods.filter((pod) => !isStuck(pod, deleted.get(pod.uid), context.pace.stuck));
    if (waiting.length === 0) {
      for (const { uid } of pods) evicted.delete(uid);
      return { evicted: evicted.size, stuck: pods };
    }
    if (Date.now() > end)
      return `${podNames(waiting)} ${waiting.length === 1 ? 'is' : 'are'} still there${budget === null ? '' : `: ${budget}`}`;
    await sleep(context.pace.pause, undefined, { signal: context.signal });
  }
}

/** Its kubelet has killed its processes by now, so that nothing of it is cut short. */
function isStuck({ graceSeconds }: OwnedPod, since: number | undefined, stuck: number): boolean {
  return since !== undefined && Date.now() - since > graceSeconds * 1000 + stuck;
}

/** Names of pods, of many the first. */
export function podNames(pods: readonly OwnedPod[]): string {
  const names = pods.slice(0, NAMES).map(namespacedName).join(', ');
  return pods.length > NAMES ? `${names} and ${pods.length - NAMES} more` : names;
}
