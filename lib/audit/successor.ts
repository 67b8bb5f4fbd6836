/** Waits for the pod that takes the place of one that was evicted. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, listOwnedPods, type OwnedPod } from '../cluster/index.ts';
import { type ActContext, renewing } from './repair-act.ts';

/** Beside its grace period, for a pod to be gone and its successor to be ready. */
const READY_MILLISECONDS = 180_000;

/** A pod that is about to be evicted. */
export type Controlled = {
  readonly pod: OwnedPod;
  readonly controller: NonNullable<OwnedPod['controller']>;
  /** Uids of all pods of its namespace before the act. */
  readonly earlier: ReadonlySet<string>;
};

/**
 * @returns the first new pod of its controller that is ready once it is gone, or why there is none
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function successorOf(
  cluster: Cluster,
  { pod, controller, earlier }: Controlled,
  context: ActContext,
): Promise<OwnedPod | string> {
  const end = Date.now() + pod.graceSeconds * 1000 + READY_MILLISECONDS;
  let isGone = false;
  // A pod may take longer to end than the lease is held.
  const renew = renewing(context);
  for (;;) {
    await renew();
    if (Date.now() > end)
      return isGone
        ? `evicted, but no other pod of its ${controller.kind} became ready in time`
        : 'evicted, but it is still Terminating: its runtime, a volume or a finalizer holds it, as kubectl describe pod says';
    const pods = await listOwnedPods(cluster, pod.namespace, { signal: context.signal });
    isGone = pods.every(({ uid }) => uid !== pod.uid);
    const successor = pods.find(
      (each) => isGone && each.isReady && each.controller?.uid === controller.uid && !earlier.has(each.uid),
    );
    if (successor !== undefined) return successor;
    await sleep(1000, undefined, { signal: context.signal });
  }
}
