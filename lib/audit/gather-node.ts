/** Gathers one node: the API's word, the probe's, and the API's again. Trouble ends in the node's coverage. */
import type { CheckContext } from '../checks/define.ts';
import type { ProbePods } from '../cluster/index.ts';
import { AuditError } from '../model/errors.ts';
import type { Snapshot } from '../model/kubernetes.ts';
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
  snapshotAfter: () => Promise<Snapshot>,
  options: GatherOptions,
): Promise<Gathering> {
  const node = before.node.name;
  try {
    // First, so that the probe sees what the kubelet left of it.
    const canary = options.active.includes('cni') ? await runCanary(pods, node, options) : null;
    const files = await unpackLog(await pods.run(manifest(node, options), options.deadlineSeconds * 1000));
    const after = await snapshotAfter();
    return assemble({ before, after, files, canary }, options.settleSeconds);
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
    totalSeconds: Math.max(10, Math.min(60, options.deadlineSeconds - 10)),
    active,
    ...(options.pullSecret === null ? {} : { imagePullSecret: options.pullSecret }),
  });
}
