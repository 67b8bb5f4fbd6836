/** Recreates a pod that no controller recreates, if somebody names it: from its own manifest, which is recorded first. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, createAgain, listOwnedPods, type OwnedPod, readWholePod } from '../cluster/index.ts';
import { messageOf } from '../model/errors.ts';
import { type BareManifest, bareManifest, wholePodSchema, whyNotCreatedAgain } from '../repair/bare-pod.ts';
import { type ActContext, renewing } from './repair-act.ts';

/** Beside its grace period, for it to be gone, and for the new one to be ready. */
const MILLISECONDS = 180_000;

/**
 * What it is created again from, if that can be.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function manifestOf(
  cluster: Cluster,
  pod: OwnedPod,
  { mayLose, signal }: Pick<ActContext, 'mayLose' | 'signal'>,
): Promise<BareManifest | { readonly refused: string }> {
  const { success, data } = wholePodSchema.safeParse(await readWholePod(cluster, pod, { signal }));
  if (!success || data.metadata.uid !== pod.uid) return { refused: 'the pod was replaced meanwhile' };
  const isNamed = mayLose.some(({ namespace, name }) => namespace === pod.namespace && name === pod.name);
  const refused = whyNotCreatedAgain(data, isNamed);
  if (refused !== null) return { refused };
  const manifest = bareManifest(data);
  // Under another name, as this one is taken: the server tells of rights, policies and quotas.
  const name = `${pod.name.slice(0, 200)}-again`;
  const tried = { ...manifest, metadata: { ...manifest.metadata, name } };
  try {
    if (await createAgain(cluster, tried, { signal }, true)) return manifest;
  } catch (error) {
    if (signal.aborted) throw error;
    return { refused: `it would not be admitted again: ${messageOf(error)}` };
  }
  return { refused: `there is a pod ${name}, which is the name to try its manifest with` };
}

/**
 * Waits until the evicted pod is gone, creates it again, and waits until it is ready.
 *
 * @returns the new pod, or why there is none
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function createdAgain(
  cluster: Cluster,
  {
    pod,
    manifest,
  }: { readonly pod: Pick<OwnedPod, 'uid' | 'graceSeconds'>; readonly manifest: BareManifest },
  context: Pick<ActContext, 'renew' | 'signal'>,
): Promise<OwnedPod | string> {
  const { namespace, name } = manifest.metadata;
  const { signal } = context;
  const renew = renewing(context);
  const until = async <T>(milliseconds: number, found: (pod: OwnedPod | undefined) => T | null) => {
    const end = Date.now() + milliseconds;
    for (;;) {
      await renew();
      const pods = await listOwnedPods(cluster, namespace, { signal });
      const answer = found(pods.find((each) => each.name === name));
      if (answer !== null || Date.now() > end) return answer;
      await sleep(1000, undefined, { signal });
    }
  };
  const gone = await until(pod.graceSeconds * 1000 + MILLISECONDS, (there) =>
    there?.uid === pod.uid ? null : (there?.uid ?? 'gone'),
  );
  if (gone === null)
    return 'evicted, but it is still Terminating: its runtime or a volume holds it. The record has its manifest';
  if (gone !== 'gone' || !(await createAgain(cluster, manifest, { signal })))
    return 'evicted, but somebody has created a pod of its name meanwhile';
  const ready = await until(MILLISECONDS, (there) => (there?.isReady === true ? there : null));
  return ready ?? 'evicted and created again, but not ready in time';
}

/**
 * What became of a bare pod whose repair was killed; creates it if it was evicted.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function becameOfBare(
  cluster: Cluster,
  { uid, manifest }: { readonly uid: string; readonly manifest: BareManifest },
  context: Pick<ActContext, 'renew' | 'signal'>,
): Promise<string> {
  const { namespace, name } = manifest.metadata;
  const pods = await listOwnedPods(cluster, namespace, { signal: context.signal });
  const there = pods.find((pod) => pod.name === name);
  if (there?.uid === uid && !there.isDeleted) return 'it was not evicted';
  if (there !== undefined && there.uid !== uid)
    return `it was evicted, and a pod of its name is ${there.isReady ? 'ready' : 'there, but not ready'}. An audit says whether it is in order`;
  const created = await createdAgain(
    cluster,
    { pod: { uid, graceSeconds: there?.graceSeconds ?? 0 }, manifest },
    context,
  );
  return typeof created === 'string'
    ? created
    : 'it was evicted, and is created again and ready now. An audit says whether it is in order';
}
