/** What became of a pod whose repair did not end. */
import { type Cluster, listOwnedPods, type OwnedPod } from '../cluster/index.ts';
import { messageOf } from '../model/errors.ts';
import type { RepairRecord } from '../model/repair-record.ts';
import { creatingIt, recordedManifest } from '../repair/bare-pod.ts';
import type { ActContext } from './repair-act.ts';

export type Became = {
  readonly outcome: string;
  readonly record: RepairRecord;
  /** The next call has to say it again. */
  readonly isOpen?: boolean;
};

type PodRecord = Extract<RepairRecord, { pod: unknown }>;

/** A pod that cannot be looked at holds up no other repair. */
export async function becameOfPod(
  cluster: Cluster,
  record: PodRecord,
  { signal, place }: Pick<ActContext, 'signal'> & { readonly place: string },
): Promise<Became> {
  try {
    const pods = await listOwnedPods(cluster, record.pod.namespace, { signal });
    return record.manifest === undefined
      ? becameOfControlled(record, pods)
      : becameOfBare(record, pods, place);
  } catch (error) {
    if (signal.aborted) throw error;
    return { outcome: `what came of it is not known: ${messageOf(error)}`, record, isOpen: true };
  }
}

function becameOfControlled(record: PodRecord, pods: readonly OwnedPod[]): Became {
  const { uid, controllerUid } = record.pod;
  if (pods.some((pod) => pod.uid === uid && !pod.isDeleted)) return { outcome: 'it was not evicted', record };
  const successors = pods.filter((pod) => pod.controller?.uid === controllerUid && pod.isReady).length;
  const outcome = `it was evicted; its controller has ${successors} ready pods now. An audit says whether they are in order`;
  return { outcome, record };
}

/** Creates nothing: a record is only text in the store, and the pod may be gone because somebody wanted that. */
function becameOfBare(record: PodRecord, pods: readonly OwnedPod[], place: string): Became {
  const { pod, manifest } = record;
  const there = pods.find(({ name }) => name === pod.name);
  if (there?.uid === pod.uid && !there.isDeleted) return { outcome: 'it was not evicted', record };
  if (there !== undefined && there.uid !== pod.uid) {
    const state = there.isReady ? 'ready' : 'there, but not ready';
    const outcome = `it was evicted, or somebody deleted it, and a pod of its name is ${state}. An audit says whether it is in order`;
    return { outcome, record };
  }
  const outcome =
    recordedManifest(manifest, pod) === null
      ? `it is gone, and the manifest in ${place} is not one of this pod: look at who wrote it`
      : `it was evicted and not created again, or it may have been deleted by somebody: ${creatingIt(pod, place)}`;
  return { outcome, record, isOpen: true };
}
