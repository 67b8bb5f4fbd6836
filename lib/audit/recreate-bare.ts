/** Recreates a pod that no controller recreates, if somebody names it: from its own manifest, which is recorded first. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BudgetRefused,
  type Cluster,
  createAgain,
  evict,
  listOwnedPods,
  type OwnedPod,
  readWholePod,
  statusOf,
} from '../cluster/index.ts';
import { keys } from '../history/index.ts';
import { messageOf } from '../model/errors.ts';
import { printable } from '../model/printable.ts';
import {
  type BareManifest,
  bareManifest,
  creatingIt,
  isAsIn,
  wholePodSchema,
  whyNotCreatedAgain,
} from '../repair/bare-pod.ts';
import { type ActContext, type RepairResult, renewing } from './repair-act.ts';

/** Creating it again cannot succeed later: the server does not understand it, or its namespace is gone. */
const FINAL: readonly (number | null)[] = [400, 404, 422];

/** A bare pod that is about to be evicted, or was. */
type Bare = {
  readonly pod: Pick<OwnedPod, 'uid' | 'graceSeconds'>;
  readonly manifest: BareManifest;
};

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
  const notAdmitted = await whyNotAdmitted(cluster, manifest, signal);
  return notAdmitted === null ? manifest : { refused: notAdmitted };
}

/**
 * Asks the server under another name, as its own may be taken: it knows of rights, policies and quotas.
 * @throws ABORTED
 */
export async function whyNotAdmitted(
  cluster: Cluster,
  manifest: BareManifest,
  signal: AbortSignal,
): Promise<string | null> {
  const name = `${manifest.metadata.name.slice(0, 200)}-again`;
  const tried = { ...manifest, metadata: { ...manifest.metadata, name } };
  try {
    if (await createAgain(cluster, tried, { signal }, true)) return null;
  } catch (error) {
    if (signal.aborted) throw error;
    return `it would not be admitted again: ${messageOf(error)}`;
  }
  return `there is a pod ${name}, which is the name to try its manifest with`;
}

/** Where the record of a repair of this run is that has begun. */
function placeOf(
  { name: cluster }: Pick<Cluster, 'name'>,
  { uid }: Pick<OwnedPod, 'uid'>,
  { store, runId }: Pick<ActContext, 'store' | 'runId'>,
): string {
  return `${store.location}/${keys.repair({ cluster, runId }, `${uid}-begun`)}`;
}

/**
 * Evicts a bare pod and creates it again. From the eviction on, nothing but its record has its manifest: whatever
 * happens, the answer is the new pod, or says where that is.
 */
export async function evictedAndCreated(
  cluster: Cluster,
  pod: OwnedPod,
  manifest: BareManifest,
  context: ActContext,
): Promise<OwnedPod | RepairResult> {
  try {
    await evict(cluster, pod, { signal: context.signal });
  } catch (error) {
    const status = statusOf(error);
    if (error instanceof BudgetRefused || (status !== null && status < 500)) throw error;
    const detail = `whether it was evicted is not known: ${reasonOf(error, context)}`;
    return leftOpen(detail, manifest, placeOf(cluster, pod, context));
  }
  return await createdAgain(cluster, { pod, manifest }, context);
}

/**
 * Waits until the evicted pod is gone, creates it, and waits until it is ready.
 * @returns the new pod, or why there is none
 */
export async function createdAgain(
  cluster: Cluster,
  { pod, manifest }: Bare,
  context: ActContext,
): Promise<OwnedPod | RepairResult> {
  const { namespace, name } = manifest.metadata;
  const { signal, pace } = context;
  const place = placeOf(cluster, pod, context);
  const open = (detail: string): RepairResult => leftOpen(detail, manifest, place);
  const find = async (): Promise<OwnedPod | undefined> =>
    (await listOwnedPods(cluster, namespace, { signal })).find((each) => each.name === name);
  try {
    const gone = await repeated(pod.graceSeconds * 1000 + pace.create, context, async () => {
      const there = await find();
      return there?.uid === pod.uid ? null : (there?.uid ?? 'gone');
    });
    if ('last' in gone)
      return open(
        gone.last === null
          ? 'evicted, but it is still Terminating: its runtime, a volume or a finalizer holds it'
          : `evicted, but whether it is gone is not known: ${gone.last}`,
      );
    const meanwhile = {
      ok: false,
      detail: `evicted, but somebody has created a pod of its name meanwhile, and it is another: the manifest is in ${place}`,
    };
    if (gone.answer !== 'gone') return meanwhile;
    const created = await repeated(pace.create, context, async () => {
      if (await createAgain(cluster, manifest, { signal })) return 'ours';
      // Our own request, whose answer was lost, or somebody who did the same.
      const { data = null } = wholePodSchema.safeParse(
        await readWholePod(cluster, manifest.metadata, { signal }),
      );
      return isAsIn(manifest, data) ? 'ours' : 'another';
    });
    if ('last' in created) return open(`evicted, but it could not be created again: ${created.last}`);
    if (created.answer === 'another') return meanwhile;
  } catch (error) {
    return open(`evicted, but not created again: ${reasonOf(error, context)}`);
  }
  const ready = await repeated(pace.create, context, async () => {
    const there = await find();
    return there?.isReady === true ? there : null;
  });
  return 'last' in ready
    ? { ok: false, detail: 'evicted and created again, but not ready in time' }
    : ready.answer;
}

/** Repeats a step that fails, or finds nothing yet, until its time is over. @returns the last error, if it failed */
async function repeated<T>(
  milliseconds: number,
  context: Pick<ActContext, 'renew' | 'signal' | 'pace'>,
  step: () => Promise<T | null>,
): Promise<{ readonly answer: T } | { readonly last: string | null }> {
  const renew = renewing(context);
  const end = Date.now() + milliseconds;
  for (;;) {
    let last: string | null = null;
    try {
      await renew();
      const answer = await step();
      if (answer !== null) return { answer };
    } catch (error) {
      if (context.signal.aborted || FINAL.includes(statusOf(error))) throw error;
      last = messageOf(error);
    }
    if (Date.now() > end) return { last };
    await sleep(Math.min(context.pace.pause, 1000), undefined, { signal: context.signal });
  }
}

function leftOpen(detail: string, { metadata }: BareManifest, place: string): RepairResult {
  // A long answer of the server must not push the rest out of the line.
  const what = printable(detail, 400);
  return { ok: false, isOpen: true, detail: `${what}; ${creatingIt(metadata, place)}` };
}

function reasonOf(error: unknown, { signal }: Pick<ActContext, 'signal'>): string {
  return signal.aborted ? 'interrupted' : messageOf(error);
}
