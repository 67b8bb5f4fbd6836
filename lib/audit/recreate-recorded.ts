/** Creates a bare pod that an earlier repair evicted and did not create again, if somebody names it. */
import { type Cluster, listOwnedPods, type OwnedPod } from '../cluster/index.ts';
import type { Store } from '../history/index.ts';
import type { RecordedBare } from '../repair/act.ts';
import { recordedManifest, whyNotCreatedAgain } from '../repair/bare-pod.ts';
import { createdAgain, whyNotAdmitted } from './recreate-bare.ts';
import { proven } from './recreate-pod.ts';
import type { ActContext, ExaminedAct } from './repair-act.ts';
import { endOf, halfDoneAt, writeAt } from './repair-records.ts';

/**
 * The pod of this name, if the last repair that began with it has no end, and it is gone.
 * @throws AuditError CLUSTER_*, STORE
 */
export async function recordedBare(
  cluster: Cluster,
  store: Store,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  days: readonly string[],
): Promise<RecordedBare | null> {
  const [last] = (await openRecords(cluster, store, days))
    .filter(({ record: { pod } }) => pod.namespace === namespace && pod.name === name)
    .toSorted((a, b) => b.record.at.localeCompare(a.record.at));
  if (last === undefined) return null;
  const there = await podOf(cluster, last);
  return there === null || (there.uid === last.record.pod.uid && there.isDeleted) ? last : null;
}

async function openRecords(cluster: Cluster, store: Store, days: readonly string[]): Promise<RecordedBare[]> {
  return (await halfDoneAt(store, cluster, days)).flatMap(({ key, record }) => {
    if (record.act !== 'recreate-pod') return [];
    const manifest = recordedManifest(record.manifest, record.pod);
    return manifest === null ? [] : [{ key, place: `${store.location}/${key}`, record, manifest }];
  });
}

async function podOf(
  cluster: Cluster,
  { record: { pod } }: RecordedBare,
  signal?: AbortSignal,
): Promise<OwnedPod | null> {
  const pods = await listOwnedPods(cluster, pod.namespace, signal === undefined ? {} : { signal });
  return pods.find(({ name }) => name === pod.name) ?? null;
}

/**
 * Checks again whether it is gone, and may be created.
 * @throws AuditError CLUSTER_*, STORE, ABORTED
 */
export async function examineRecorded(
  cluster: Cluster,
  recorded: RecordedBare,
  context: ActContext,
): Promise<ExaminedAct> {
  const { key, record, manifest } = recorded;
  const { pod } = record;
  const { store, signal } = context;
  const ended = endOf(key);
  if ((await store.get(ended)) !== null) return { refused: 'another call has ended its repair meanwhile' };
  const there = await podOf(cluster, recorded, signal);
  if (there !== null && (there.uid !== pod.uid || !there.isDeleted)) return { refused: 'it is there' };
  // What its volumes had is lost already.
  const refused =
    whyNotCreatedAgain({ ...manifest, metadata: { ...manifest.metadata, uid: pod.uid } }, true) ??
    (await whyNotAdmitted(cluster, manifest, signal));
  if (refused !== null) return { refused };
  const object = { act: 'recreate-pod', pod, manifest } as const;
  return {
    object,
    rehearse: async () => ({
      ok: true,
      detail: `it would be created from its manifest in ${recorded.place}; nothing was changed`,
    }),
    act: async () => {
      // From here on, the record of this run has the manifest.
      await writeAt(store, ended, {
        ...record,
        at: new Date().toISOString(),
        phase: 'failed',
        outcome: `evicted, and created again by run ${context.runId}`,
      });
      const evicted = { uid: pod.uid, graceSeconds: there?.graceSeconds ?? 0 };
      return await proven(await createdAgain(cluster, { pod: evicted, manifest }, context), context);
    },
    after: () => object,
  };
}
