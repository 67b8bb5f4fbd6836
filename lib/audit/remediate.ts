/**
 * Repairs: of each act look again, act, and prove it. Whatever is not sure refuses the act; the first surprise ends all. What is
 * begun is written down before it begins, so that the next call knows of what was half done.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, evict, Lease, listOwnedPods, type OwnedPod, whoAmI } from '../cluster/index.ts';
import type { Store } from '../history/index.ts';
import { AuditError, messageOf } from '../model/errors.ts';
import type { RemedyRecord } from '../model/remedy-record.ts';
import type { ClusterReport } from '../model/report.ts';
import type { Act } from '../remedy/plan.ts';
import { LEASE, writeRecord } from './repair-records.ts';

export type RepairOptions = {
  readonly runId: string;
  /** Where the lease is: the namespace of the probe pods. */
  readonly namespace: string;
  readonly store: Store;
  /** Looks at one node now, at pods of any age. */
  readonly look: (node: string) => Promise<ClusterReport>;
  /** Everything but the act. */
  readonly rehearse: boolean;
  /** Kinds of controllers aside from those of Kubernetes that make a pod again; named pods may be of any. */
  readonly anyController: boolean;
  readonly signal: AbortSignal;
  readonly onResult: (result: ActResult) => void;
};

export type ActResult = {
  readonly act: Act;
  /** A surprise: something was done, and its proof failed. */
  readonly result: 'done' | 'rehearsed' | 'refused' | 'surprise';
  readonly detail: string;
};

/** They make a pod again in the place of one that is evicted. */
const CONTROLLERS: ReadonlySet<string> = new Set([
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'ReplicationController',
]);
/** Beside its grace period, for a pod to be gone and its successor to be ready. */
const READY_MILLISECONDS = 180_000;
const RENEWAL_MILLISECONDS = 60_000;

/** Carries out acts one after the other, and ends with the first surprise. @returns what came of each that was tried */
export async function repair(
  cluster: Cluster,
  acts: readonly Act[],
  options: RepairOptions,
): Promise<ActResult[]> {
  const by = (await whoAmI(cluster, options.signal)) ?? 'unknown';
  const results: ActResult[] = [];
  const lease = await Lease.take(cluster, options.namespace, LEASE, `${by} ${randomUUID()}`);
  try {
    for (const act of acts) {
      if (options.signal.aborted)
        throw new AuditError('ABORTED', `interrupted before ${nameOf(act)}`, {
          remedy: 'What was repaired before is in the store; the next call goes on with the rest.',
        });
      await lease.renew();
      const result = await carryOut(cluster, act, { ...options, by, renew: () => lease.renew() });
      results.push(result);
      options.onResult(result);
      if (result.result === 'surprise') break;
    }
  } finally {
    await lease.release();
  }
  return results;
}

type Context = RepairOptions & { readonly by: string; readonly renew: () => Promise<void> };

function nameOf({ pod }: Act): string {
  return `${pod.namespace}/${pod.name}`;
}

async function carryOut(cluster: Cluster, act: Act, context: Context): Promise<ActResult> {
  if (act.refused !== null) return { act, result: 'refused', detail: act.refused };
  const found = await examined(cluster, act, context);
  if ('refused' in found) return { act, result: 'refused', detail: found.refused };
  const { pod, controller } = found;
  if (context.rehearse)
    return {
      act,
      result: 'rehearsed',
      detail: `the fault is still there, and its ${controller.kind} would make another pod`,
    };
  const record = recordOf(act, pod, controller.uid, cluster, context);
  // A look may have taken minutes, and a laptop may have slept.
  await context.renew();
  await writeRecord(context.store, record);
  let repair: RepairResult;
  try {
    await evict(cluster, pod, { signal: context.signal });
    repair = await proven(cluster, found, context);
  } catch (error) {
    // Without an end in the store, the next call says what became of it.
    if (context.signal.aborted)
      return { act, result: 'surprise', detail: 'interrupted before its successor was seen' };
    repair = { ok: false, detail: messageOf(error) };
  }
  await writeRecord(context.store, {
    ...record,
    at: new Date().toISOString(),
    phase: repair.ok ? 'done' : 'failed',
    outcome: repair.detail,
  });
  return { act, result: repair.ok ? 'done' : 'surprise', detail: repair.detail };
}

type Controlled = {
  readonly pod: OwnedPod;
  readonly controller: NonNullable<OwnedPod['controller']>;
  /** Uids of all pods of its namespace before the act. */
  readonly earlier: ReadonlySet<string>;
};
type RepairResult = { readonly ok: boolean; readonly detail: string };

/** The pod, if every precondition holds on what there is now; else why not. */
async function examined(
  cluster: Cluster,
  act: Act,
  context: Context,
): Promise<Controlled | { readonly refused: string }> {
  const { pod: before } = await podOf(cluster, act, context);
  if (before === null) return { refused: 'the pod is gone' };
  const report = await context.look(act.node);
  const node = report.coverage.nodes.find((each) => each.node === act.node);
  if (node?.result !== 'audited')
    return { refused: `its node could not be looked at in full: ${node?.reason ?? 'it is not listed'}` };
  const stands = act.findings.filter(({ check }) =>
    report.findings.some(
      (now) =>
        now.check === check &&
        now.confidence !== 'suspected' &&
        now.partOf === null &&
        now.object.kind === 'pod' &&
        now.object.namespace === act.pod.namespace &&
        now.object.name === act.pod.name,
    ),
  );
  if (stands.length === 0) return { refused: 'the fault was not seen again' };
  // The pod that was looked at must be the one that is evicted.
  const { pod, earlier } = await podOf(cluster, act, context);
  if (pod === null || pod.uid !== before.uid) return { refused: 'the pod was replaced meanwhile' };
  if (pod.isDeleted) return { refused: 'the pod is being deleted' };
  if (pod.node !== act.node) return { refused: `the pod is on node ${pod.node} by now` };
  const { controller } = pod;
  if (controller === null)
    return { refused: 'no controller would make it again: save it, and delete it by hand' };
  if (controller.kind === 'Node') return { refused: 'a static pod: its kubelet makes it again only by hand' };
  if (!CONTROLLERS.has(controller.kind) && !context.anyController)
    return {
      refused: `whether its ${controller.kind} makes it again is not known: name it with --pod if it does`,
    };
  return { pod, controller, earlier };
}

async function podOf(
  cluster: Cluster,
  { pod }: Act,
  { signal }: Context,
): Promise<Pick<Controlled, 'earlier'> & { readonly pod: OwnedPod | null }> {
  const pods = await listOwnedPods(cluster, pod.namespace, { signal });
  return {
    pod: pods.find(({ name }) => name === pod.name) ?? null,
    earlier: new Set(pods.map(({ uid }) => uid)),
  };
}

/** Waits for the pod's successor, and looks at it. */
async function proven(
  cluster: Cluster,
  { pod, controller, earlier }: Controlled,
  context: Context,
): Promise<RepairResult> {
  const end = Date.now() + pod.graceSeconds * 1000 + READY_MILLISECONDS;
  let successor: OwnedPod | undefined;
  // A pod may take longer to end than the lease is held.
  let renewed = Date.now();
  while (successor === undefined) {
    if (Date.now() - renewed > RENEWAL_MILLISECONDS) {
      await context.renew();
      renewed = Date.now();
    }
    if (Date.now() > end)
      return {
        ok: false,
        detail: `evicted, but no other pod of its ${controller.kind} became ready in time`,
      };
    const pods = await listOwnedPods(cluster, pod.namespace, { signal: context.signal });
    const isGone = pods.every(({ uid }) => uid !== pod.uid);
    successor = pods.find(
      (each) => isGone && each.isReady && each.controller?.uid === controller.uid && !earlier.has(each.uid),
    );
    if (successor === undefined) await sleep(1000, undefined, { signal: context.signal });
  }
  const { name, namespace, node } = successor;
  if (node === null) return { ok: false, detail: `${namespace}/${name} is ready, but on no node` };
  await context.renew();
  const report = await context.look(node);
  const result = report.coverage.nodes.find((each) => each.node === node)?.result;
  if (result !== 'audited')
    return {
      ok: false,
      detail: `${namespace}/${name} took its place on ${node}, which could not be looked at in full`,
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
      detail: `${namespace}/${name} took its place on ${node}, and has ${faults.map(({ check }) => check).join(', ')}`,
    };
  return { ok: true, detail: `${namespace}/${name} took its place on ${node}; nothing is wrong with it` };
}

function recordOf(
  act: Act,
  { namespace, name, uid }: OwnedPod,
  controllerUid: string,
  cluster: Cluster,
  { runId, by }: Context,
): RemedyRecord {
  return {
    schemaVersion: 1,
    kind: 'RemedyRecord',
    runId,
    cluster: cluster.name,
    act: act.kind,
    pod: { namespace, name, uid, node: act.node, controllerUid },
    checks: act.findings.map(({ check }) => check),
    by,
    at: new Date().toISOString(),
    phase: 'begun',
    outcome: null,
  };
}
