/** Recreates a pod: evicts it if its fault remains and a controller replaces it, then checks the new pod. */
import { type Cluster, evict, listOwnedPods, type OwnedPod } from '../cluster/index.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import type { RepairObject } from '../model/repair-record.ts';
import type { PodAct } from '../repair/act.ts';
import type { BareManifest } from '../repair/bare-pod.ts';
import { whyNotAgain, whyUnread } from './look-again.ts';
import { evictedAndCreated, manifestOf } from './recreate-bare.ts';
import type { ActContext, ExaminedAct, RepairResult } from './repair-act.ts';
import { type Controlled, successorOf } from './successor.ts';

/** They replace an evicted pod. */
export const CONTROLLERS: ReadonlySet<string> = new Set([
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'ReplicationController',
]);

/**
 * Checks the pod and its node again.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function examinePod(cluster: Cluster, act: PodAct, context: ActContext): Promise<ExaminedAct> {
  const found = await examined(cluster, act, context);
  if ('refused' in found) return found;
  const { pod } = found;
  const { namespace, name, uid } = pod;
  const isBare = 'manifest' in found;
  const object: RepairObject = {
    act: 'recreate-pod',
    pod: { namespace, name, uid, node: act.node, controllerUid: isBare ? '' : found.controller.uid },
    ...(isBare ? { manifest: found.manifest } : {}),
  };
  const would = isBare
    ? 'it would be created again on the same node, from its own manifest'
    : `its ${found.controller.kind} would create another pod`;
  return {
    object,
    rehearse: async () => ({
      ok: true,
      detail: `the fault is still there, and ${would}; nothing was changed`,
    }),
    act: async () => {
      if (isBare)
        return await proven(await evictedAndCreated(cluster, pod, found.manifest, context), context);
      await evict(cluster, pod, { signal: context.signal });
      return await proven(await successorOf(cluster, found, context), context);
    },
    after: () => object,
  };
}

/** A pod that no controller recreates. */
type BarePod = { readonly pod: OwnedPod; readonly manifest: BareManifest };

/** The pod, if every precondition holds now; else why not. */
async function examined(
  cluster: Cluster,
  act: PodAct,
  context: ActContext,
): Promise<Controlled | BarePod | { readonly refused: string }> {
  const { pod: before } = await podOf(cluster, act, context);
  if (before === null) return { refused: 'the pod is gone' };
  const report = await context.look(act.node);
  const unread = whyUnread(report, act.node);
  if (unread !== null) return { refused: `its node ${unread}` };
  const refused = whyNotAgain(
    report,
    ({ check, object }) =>
      act.findings.some((finding) => finding.check === check) &&
      object.kind === 'pod' &&
      object.namespace === act.pod.namespace &&
      object.name === act.pod.name,
  );
  if (refused !== null) return { refused };
  // The checked pod must be the evicted one.
  const { pod, earlier } = await podOf(cluster, act, context);
  if (pod === null || pod.uid !== before.uid) return { refused: 'the pod was replaced meanwhile' };
  if (pod.isDeleted) return { refused: 'the pod is being deleted' };
  if (pod.node !== act.node) return { refused: `the pod is on node ${pod.node} by now` };
  const { controller } = pod;
  if (controller === null) {
    if (!context.anyController)
      return {
        refused: 'no controller would make it again: name it with --pod to have it made from its manifest',
      };
    const manifest = await manifestOf(cluster, pod, context);
    return 'refused' in manifest ? manifest : { pod, manifest };
  }
  if (controller.kind === 'Node') return { refused: 'a static pod: its kubelet makes it again only by hand' };
  if (!CONTROLLERS.has(controller.kind) && !context.anyController)
    return {
      refused: `whether its ${controller.kind} makes it again is not known: name it with --pod if it does`,
    };
  return { pod, controller, earlier };
}

async function podOf(
  cluster: Cluster,
  { pod }: PodAct,
  { signal }: ActContext,
): Promise<Pick<Controlled, 'earlier'> & { readonly pod: OwnedPod | null }> {
  const pods = await listOwnedPods(cluster, pod.namespace, { signal });
  return {
    pod: pods.find(({ name }) => name === pod.name) ?? null,
    earlier: new Set(pods.map(({ uid }) => uid)),
  };
}

/** Checks the pod that takes its place. @param successor - or why there is none */
export async function proven(
  successor: OwnedPod | RepairResult | string,
  context: ActContext,
): Promise<RepairResult> {
  if (typeof successor === 'string') return { ok: false, detail: successor };
  if ('ok' in successor) return successor;
  const { name, namespace, node } = successor;
  if (node === null)
    return { ok: false, detail: `${namespacedName({ namespace, name })} is ready, but on no node` };
  await context.renew();
  const report = await context.look(node);
  const unread = whyUnread(report, node);
  if (unread !== null)
    return {
      ok: false,
      detail: `${namespacedName({ namespace, name })} replaced it on ${node}, which ${unread}`,
    };
  const faults = report.findings.filter(
    ({ object, confidence, suppressed }) =>
      object.kind === 'pod' &&
      object.namespace === namespace &&
      object.name === name &&
      confidence !== 'suspected' &&
      suppressed === null,
  );
  if (faults.length > 0)
    return {
      ok: false,
      detail: `${namespacedName({ namespace, name })} replaced it on ${node}, and has ${faults.map(({ check }) => check).join(', ')}`,
    };
  return {
    ok: true,
    detail: `${namespacedName({ namespace, name })} replaced it on ${node}; nothing is wrong with it`,
  };
}
