/** Pods that are starting or ending, which may own what no sandbox owns. */
import type { ObservedPod, Sandbox } from '../../model/evidence.ts';
import type { Event } from '../../model/kubernetes.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { isSandboxOf } from '../../model/sandbox-owner.ts';

/**
 * A kubelet gives up on creating a sandbox after four minutes; the runtime then removes what exists of it.
 * Removing a sandbox takes seconds, but minutes during a rollout on a node short of CPU.
 */
export const PASSING_SECONDS = 300;

/**
 * Why something of this age (in seconds) may belong to a starting or ending pod; null if there is no such
 * pod. A pod's namespace and address exist before its sandbox is recorded, and after the record is gone.
 */
export function ofPassingPod(
  age: number,
  { pods, sandboxes }: { readonly pods: readonly ObservedPod[]; readonly sandboxes: readonly Sandbox[] },
  now: number,
): string | null {
  const without = podsWithoutSandbox(pods, sandboxes);
  const secondsSince = (time: string) => (now - Date.parse(time)) / 1000;
  const leaving = without.find(
    ({ createdAt, deletionTimestamp }) =>
      deletionTimestamp !== null &&
      secondsSince(deletionTimestamp) < PASSING_SECONDS &&
      // Nothing that belongs to a pod is older than the pod; the clocks of node and API may differ.
      age < secondsSince(createdAt) + PASSING_SECONDS,
  );
  if (leaving !== undefined) return `may be of pod ${namespacedName(leaving)}, which is being deleted`;
  const creating = without.find(
    ({ phase, unsettled, deletionTimestamp }) =>
      deletionTimestamp === null && (phase === 'Pending' || unsettled !== null),
  );
  return creating !== undefined && age < PASSING_SECONDS
    ? `may be of pod ${namespacedName(creating)}, which is being created`
    : null;
}

/** Asked for each of up to ten thousand leaks, so the result for the same lists is cached. */
const found = new WeakMap<readonly ObservedPod[], WeakMap<readonly Sandbox[], readonly ObservedPod[]>>();

function podsWithoutSandbox(
  pods: readonly ObservedPod[],
  sandboxes: readonly Sandbox[],
): readonly ObservedPod[] {
  const ofPods = found.get(pods) ?? new WeakMap<readonly Sandbox[], readonly ObservedPod[]>();
  found.set(pods, ofPods);
  const known = ofPods.get(sandboxes);
  if (known !== undefined) return known;
  const ready = sandboxes.filter(({ state }) => state === 'ready');
  const without = pods.filter(
    (pod) => !pod.hostNetwork && !ready.some((sandbox) => isSandboxOf(sandbox, pod)),
  );
  ofPods.set(sandboxes, without);
  return without;
}

/** A pod that its kubelet is stopping; `at` in milliseconds. */
export type StoppedPod = { readonly namespace: string; readonly name: string; readonly at: number };

/**
 * Pods that the API has forgotten and whose kubelet just reported stopping them: after CNI DEL, no record of
 * the runtime says whose a namespace is.
 */
export function stoppedPods(
  sources: {
    readonly pods: readonly ObservedPod[];
    readonly sandboxes: readonly Sandbox[];
    readonly events: readonly Event[];
  },
  now: number,
): StoppedPod[] {
  const known = new Set([
    ...sources.pods.map(({ uid }) => uid),
    ...sources.sandboxes.flatMap(({ state, uid }) => (state === 'ready' ? [uid] : [])),
    ...sources.events.flatMap(({ reason, uid }) => (reason === 'FailedKillPod' ? [uid] : [])),
  ]);
  return sources.events.flatMap(({ reason, kind, namespace, name, uid, lastSeen }) => {
    if (reason !== 'Killing' || kind !== 'Pod' || uid === null || lastSeen === null || known.has(uid))
      return [];
    const at = Date.parse(lastSeen);
    // There is one event for each container.
    known.add(uid);
    return now - at < PASSING_SECONDS * 1000 ? [{ namespace: namespace ?? '', name, at }] : [];
  });
}
