/** Gathers one node: the API's word, the probe's, and the API's again. Trouble ends in the node's coverage. */
import type { CheckContext } from '../checks/define.ts';
import { podContainerIds, sandboxesByInode, standing } from '../checks/namespaces/ownership.ts';
import { whyNotInApi } from '../checks/sandbox-pod.ts';
import type { ProbePods } from '../cluster/index.ts';
import { AuditError } from '../model/errors.ts';
import type { Evidence } from '../model/evidence.ts';
import type { Event, Snapshot } from '../model/kubernetes.ts';
import { type ActiveProbe, type BundleFiles, buildEvidence, probePod, unpackLog } from '../probe/index.ts';
import { failedCoverage, type Gathering } from './audit-node.ts';
import { canaryLeftovers, runCanary } from './canary.ts';

export type GatherOptions = {
  readonly runId: string;
  /** Namespace of the probe pods. */
  readonly namespace: string;
  readonly image: string;
  readonly pullSecret: string | null;
  readonly privileged: boolean;
  /** Seconds for one node, from the creation of its pod to the end of its log. */
  readonly deadlineSeconds: number;
  readonly active: readonly (ActiveProbe | 'cni')[];
  readonly settleSeconds: CheckContext['settleSeconds'];
};

/** Grace after a pod's own deadline before any other run may take it for a leftover. */
const EXPIRY_GRACE_SECONDS = 60;

/** @throws AuditError ABORTED, and CLUSTER_* when not even the first snapshot could be taken. */
export async function gatherNode(
  pods: ProbePods,
  before: Snapshot,
  after: {
    /** No older than that revision of a pod. */
    readonly snapshot: (since: string) => Promise<Snapshot>;
    /** Asked for only where a sandbox has no pod, or at once a pin no sandbox: all events are read for it. */
    readonly killings: () => Promise<readonly Event[]>;
  },
  options: GatherOptions,
): Promise<Gathering> {
  const node = before.node.name;
  try {
    // First, so that the probe sees what the kubelet left of it.
    const canary = options.active.includes('cni') ? await runCanary(pods, node, options) : null;
    const { log, revision } = await pods.run(manifest(node, options), options.deadlineSeconds * 1000);
    const files = await unpackLog(log);
    const snapshot = await after.snapshot(revision);
    const gathered = assemble({ before, after: snapshot, files, canary }, options.settleSeconds);
    const asked =
      hasSandboxWithoutPod(gathered.evidence) ||
      (options.settleSeconds.orphan === 0 && hasPinWithoutSandbox(gathered.evidence));
    if (!asked) return gathered;
    const killings = await after.killings();
    // What both lists have counts once.
    const others = snapshot.events.filter(
      ({ uid, reason }) => !killings.some((event) => event.uid === uid && event.reason === reason),
    );
    const events = [...others, ...killings];
    return assemble({ before, after: { ...snapshot, events }, files, canary }, options.settleSeconds);
  } catch (error) {
    if (error instanceof AuditError && error.code === 'ABORTED') throw error;
    return {
      before,
      after: null,
      files: null,
      canary: null,
      evidence: null,
      coverage: failedCoverage(node, error),
    };
  }
}

/** From what was gathered, now or years ago, to evidence. Pure. */
export function assemble(
  gathered: Pick<Gathering, 'before' | 'canary'> & { readonly after: Snapshot; readonly files: BundleFiles },
  settleSeconds: CheckContext['settleSeconds'],
): Gathering {
  const { canary } = gathered;
  const evidence = buildEvidence({
    files: gathered.files,
    before: gathered.before,
    after: gathered.after,
    settleSeconds,
  });
  if (canary === null) return { ...gathered, evidence, coverage: null };
  const value = { ...canary, leftovers: canaryLeftovers(evidence, canary.pod) };
  return { ...gathered, evidence: { ...evidence, canary: { status: 'present', value } }, coverage: null };
}

/** With a grace period of 0 the API forgets a pod at once, and the kubelet's events tell that it is being taken down. */
function hasSandboxWithoutPod(evidence: Evidence | null): boolean {
  if (evidence?.sandboxes.status !== 'present' || evidence.pods.status !== 'present') return false;
  const known = new Set(evidence.pods.value.map(({ uid }) => uid));
  return evidence.sandboxes.value.some((sandbox) => !known.has(sandbox.uid) && whyNotInApi(sandbox) === null);
}

/** What is left of a pod at the very end, or a leak: who judges at once has to know. */
function hasPinWithoutSandbox(evidence: Evidence | null): boolean {
  if (evidence === null) return false;
  const { namespaces, pins, sandboxes } = evidence;
  if (namespaces.status !== 'present' || pins.status !== 'present' || sandboxes.status !== 'present')
    return false;
  const owners = sandboxesByInode({
    namespaces: namespaces.value,
    pins: pins.value,
    sandboxes: sandboxes.value,
  });
  const ids = podContainerIds(sandboxes.value);
  return namespaces.value.some((namespace) => standing(namespace, owners, ids).kind === 'pinned');
}

function manifest(node: string, options: GatherOptions): ReturnType<typeof probePod> {
  const active = options.active.filter((kind) => kind !== 'cni');
  return probePod({
    runId: options.runId,
    node,
    expires: new Date(Date.now() + (options.deadlineSeconds + EXPIRY_GRACE_SECONDS) * 1000),
    namespace: options.namespace,
    image: options.image,
    privileged: options.privileged,
    activeDeadlineSeconds: options.deadlineSeconds,
    // A node that is short of CPU takes long to start the pod, too; what the probe did not come to is told as such.
    totalSeconds: Math.max(10, Math.min(90, options.deadlineSeconds - 30)),
    active,
    ...(options.pullSecret === null ? {} : { imagePullSecret: options.pullSecret }),
  });
}
