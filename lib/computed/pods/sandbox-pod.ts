/** Matches a sandbox with its pod: why it may have none, and whether the pod is ending. */
import type { Sandbox } from '../../model/evidence.ts';
import type { Event, Pod } from '../../model/kubernetes.ts';
import { DEFAULT_NAMESPACE } from '../../model/own-pods.ts';
import { isSandboxOf } from '../../model/sandbox-owner.ts';
import { PASSING_SECONDS } from './passing-pods.ts';

/** Probe pods are created after the first list of pods, and gone before the second. */
const OWN_NAME = /^netns-audit-.+-[0-9a-f]{6,}$/;
/** A static pod's uid is the hash of its manifest; the API may refuse its mirror pod. */
const STATIC_UID = /^[0-9a-f]{32}$/;

/** Why the API need not have a pod with the sandbox's uid; null if it should. */
export function whyNotInApi({
  uid,
  namespace,
  name,
}: Pick<Sandbox, 'uid' | 'namespace' | 'name'>): string | null {
  if (uid === '') return 'not created by a kubelet';
  if (STATIC_UID.test(uid)) return 'a static pod, whose mirror in the API may be missing';
  if (namespace === DEFAULT_NAMESPACE || OWN_NAME.test(name))
    return 'a pod of the auditor itself: see debug-pod-leftover';
  return null;
}

/**
 * Why a fault of the sandbox is left to the check of whether the sandbox should exist: its pod is being
 * deleted, or is gone. The runtime removes a sandbox piece by piece, so its process and pin may be gone
 * already.
 */
export function whyOnItsWayOut(
  sandbox: Pick<Sandbox, 'namespace' | 'name' | 'uid'>,
  pods: readonly Pod[],
): string | null {
  const pod = pods.find((candidate) => isSandboxOf(sandbox, candidate));
  if (pod === undefined)
    return whyNotInApi(sandbox) === null ? 'no pod in the API has this sandbox: see sandbox-ghost' : null;
  return pod.deletionTimestamp === null ? null : 'the pod is being deleted: see sandbox-stuck-terminating';
}

/**
 * Whether the kubelet just reported that it is stopping the pod's containers, and no failure to do so. With a
 * grace period of 0 the API forgets the pod at once, while the node is still removing it.
 */
export function isBeingStopped(
  sandbox: Pick<Sandbox, 'uid'>,
  events: readonly Event[],
  now: number,
): boolean {
  const own = events.filter(({ uid }) => uid === sandbox.uid);
  if (own.some(({ reason }) => reason === 'FailedKillPod')) return false;
  return own.some(
    ({ reason, lastSeen }) =>
      reason === 'Killing' && lastSeen !== null && now - Date.parse(lastSeen) < PASSING_SECONDS * 1000,
  );
}
