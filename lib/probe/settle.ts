/** Which pods and sandboxes are settled, that is, did not change between two snapshots: only these are judged. */
import type { ObservedPod, Sandbox } from '../model/evidence.ts';
import type { Pod, Snapshot } from '../model/kubernetes.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { isOwnPod } from '../model/own-pods.ts';
import { isSandboxOf } from '../model/sandbox-owner.ts';

/**
 * All pods of either snapshot, each with the reason why it is not judged. The resourceVersion is not
 * compared: a crashing pod changes it all the time, while its network stays the same.
 * @param sandboxes - null if they are not known: they then cannot unsettle a pod
 * @param nodeTime - the node's own time: what its kubelet and runtime dated is compared with the same clock,
 * which may be wrong
 */
export function observePods(
  { before, after }: { readonly before: Snapshot; readonly after: Snapshot },
  sandboxes: readonly Sandbox[] | null,
  settleSeconds: number,
  nodeTime: string = after.takenAt,
): ObservedPod[] {
  const earlier = new Map(before.pods.map((pod) => [namespacedName(pod), pod]));
  const later = new Set(after.pods.map(({ uid }) => uid));
  const gone = before.pods.filter(({ uid }) => !later.has(uid));
  return [
    ...after.pods.map((pod) => ({
      ...pod,
      ...settled(
        earlier.get(namespacedName(pod)),
        pod,
        sandboxes,
        { api: after.takenAt, node: nodeTime },
        settleSeconds,
      ),
    })),
    // With a grace period of 0 the API forgets a pod before its kubelet stops it.
    ...gone.map((pod) => ({
      ...pod,
      deletionTimestamp: pod.deletionTimestamp ?? after.takenAt,
      unsettled: 'it was gone when the pods were listed again',
    })),
  ];
}

function settled(
  before: Pod | undefined,
  after: Pod,
  sandboxes: readonly Sandbox[] | null,
  now: { readonly api: string; readonly node: string },
  settleSeconds: number,
): Pick<ObservedPod, 'unsettled' | 'isYoung'> {
  const changed = whatChanged(before, after, sandboxes);
  if (changed !== null) return { unsettled: changed };
  const age = after.startedAt === null ? since(after.createdAt, now.api) : since(after.startedAt, now.node);
  // A new sandbox of an old pod is as young as a new pod.
  const youngest = readySandboxes(sandboxes, after).reduce(
    (least, { createdAt }) => (createdAt === null ? least : Math.min(least, since(createdAt, now.node))),
    age,
  );
  return youngest < settleSeconds
    ? { unsettled: `it is younger than ${settleSeconds} seconds`, isYoung: true }
    : { unsettled: null };
}

function whatChanged(
  before: Pod | undefined,
  after: Pod,
  sandboxes: readonly Sandbox[] | null,
): string | null {
  if (isOwnPod(after)) return 'it belongs to the audit';
  if (before === undefined) return 'it did not exist yet when the pods were first listed';
  if (before.uid !== after.uid) return 'it was replaced by another of the same name meanwhile';
  if (before.node !== after.node) return 'it changed its node meanwhile';
  if (after.deletionTimestamp !== null) return 'it is being deleted';
  if (before.podIPs.join() !== after.podIPs.join()) return 'its addresses changed meanwhile';
  return readySandboxes(sandboxes, after).some(({ stable }) => !stable)
    ? 'its sandbox changed meanwhile'
    : null;
}

function readySandboxes(sandboxes: readonly Sandbox[] | null, pod: Pod): Sandbox[] {
  return (sandboxes ?? []).filter((sandbox) => sandbox.state === 'ready' && isSandboxOf(sandbox, pod));
}

/**
 * The sandboxes, with `stable` set to false for ready ones whose pod may have been created after the first
 * API list and deleted before the second: with a grace period of 0 the API forgets a pod at once, so neither
 * list has it.
 * @param probe - when it began, by the node's clock, and how long it took
 */
export function observeSandboxes(
  sandboxes: readonly Sandbox[],
  { before, after }: { readonly before: Snapshot; readonly after: Snapshot },
  probe: { readonly startedAt: string; readonly milliseconds: number },
): Sandbox[] {
  const known = [...before.pods, ...after.pods];
  // The age of the first list when the probe began, at most (a cache of the API server lags by a moment).
  // Both clocks may be wrong, so they are not compared with each other.
  const seconds = since(before.takenAt, after.takenAt) - probe.milliseconds / 1000;
  const isNew = ({ state, createdAt }: Sandbox) =>
    // A stopped sandbox is dated by its record, which may be rewritten. File times have no fractions of a
    // second.
    state === 'ready' && seconds > 0 && createdAt !== null && since(createdAt, probe.startedAt) < seconds + 1;
  return sandboxes.map((sandbox) =>
    isNew(sandbox) && !known.some((pod) => isSandboxOf(sandbox, pod))
      ? { ...sandbox, stable: false }
      : sandbox,
  );
}

/** In seconds. */
const since = (time: string, now: string) => (Date.parse(now) - Date.parse(time)) / 1000;
