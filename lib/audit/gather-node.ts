/** Gathers one node: API, probe, then API again. Errors end up in the node's coverage. */

import type { CheckContext } from '../checks/define.ts';
import { type NodeWatch, type PodsThen, type ProbePods, WatchLost } from '../cluster/index.ts';
import type { ActiveProbe, ProbedActively } from '../model/active-probe.ts';
import type { CheckSet } from '../model/check-set.ts';
import type { CrossPlan } from '../model/crossing.ts';
import { AuditError } from '../model/errors.ts';
import type { Event, Snapshot } from '../model/kubernetes.ts';
import type { NodeResult } from '../model/node-result.ts';
import type { NodeCoverage } from '../model/report.ts';
import { probePod } from '../probe/index.ts';
import { runCanary } from './canary.ts';
import type { JudgedBundle } from './judge.ts';
import { notJudged, type Work } from './judge-bundle.ts';
import { failedCoverage, type Gathered, notProbed } from './judge-node.ts';

export type GatherOptions = {
  readonly runId: string;
  /** Namespace of the probe pods. */
  readonly namespace: string;
  readonly image: string;
  readonly pullSecret: string | null;
  readonly privileged: boolean;
  /** Seconds for one node, from the creation of its pod to the end of its log. */
  readonly deadlineSeconds: number;
  readonly active: readonly ActiveProbe[];
  readonly settleSeconds: CheckContext['settleSeconds'];
  readonly checks: CheckSet;
  /** Whom its pods ping, if that was requested. */
  readonly crossPlan?: CrossPlan | undefined;
};

/** Grace after a pod's own deadline before another run may remove it as a leftover. */
const EXPIRY_GRACE_SECONDS = 60;

/** Gathered data and its result: null when there is no bundle that could be judged. */
export type NodeAudit = { readonly gathered: Gathered; readonly result: NodeResult | null };

/** Reads the API before the probe and after it. */
export type ApiReader = {
  /** Over the pods of the node, where they are not listed. */
  readonly watch: NodeWatch | null;
  /** @param then - the pods when the probe pod was created, if they were watched; null: now, as it was not */
  readonly before: (then: PodsThen | null) => Snapshot;
  /** No older than this revision of a pod. */
  readonly after: (since: string) => Promise<Snapshot>;
  /** Requested only if a sandbox has no pod, or a pin has no sandbox: it reads all events. */
  readonly killings: () => Promise<readonly Event[]>;
};

/** @throws AuditError ABORTED; WatchLost; and CLUSTER_* when not even the first snapshot could be taken. */
export async function gatherNode(
  pods: ProbePods,
  node: string,
  api: ApiReader,
  judge: (work: Work) => Promise<JudgedBundle>,
  options: GatherOptions,
): Promise<NodeAudit> {
  try {
    // First, so that the probe sees what the kubelet left behind.
    const canary = options.active.includes('cni') ? await runCanary(pods, node, options) : null;
    const deadline = options.deadlineSeconds * 1000;
    const { log, revision, before } = await pods.run(manifest(node, options), deadline, api.watch);
    const snapshots = { before: api.before(before), after: await api.after(revision) };
    // Judging may take long, one bundle after another.
    await api.watch?.close();
    const work = {
      kind: 'log',
      log,
      ...snapshots,
      canary,
      record: { active: options.active, settleSeconds: options.settleSeconds },
      checks: options.checks,
      mayAskForKillings: true,
    } as const;
    const judged = await judge(work);
    if (judged.answer.kind !== 'needsKillings') return nodeAudit(work, judged);
    const killings = await api.killings();
    // Events in both lists count once.
    const others = work.after.events.filter(
      ({ uid, reason }) => !killings.some((event) => event.uid === uid && event.reason === reason),
    );
    const more = {
      ...work,
      after: { ...work.after, events: [...others, ...killings] },
      mayAskForKillings: false,
    };
    return nodeAudit(more, await judge(more));
  } catch (error) {
    if (error instanceof WatchLost || (error instanceof AuditError && error.code === 'ABORTED')) throw error;
    return { gathered: notProbed(api.before(null), failedCoverage(node, error)), result: null };
  }
}

/** A bundle that could not be judged is kept as far as it unpacked: it shows what the node did. */
function nodeAudit(
  { before, after, canary }: Extract<Work, { kind: 'log' }>,
  { unpacked, answer }: JudgedBundle,
): NodeAudit {
  const files = unpacked?.files ?? null;
  if (answer.kind === 'judged')
    return { gathered: { before, after, files, canary, coverage: null }, result: answer.result };
  const { message, remedy } = answer.kind === 'failed' ? answer : notJudged('');
  const coverage: NodeCoverage = { node: before.node.name, result: 'failed', reason: message, remedy };
  return {
    gathered: files === null ? notProbed(before, coverage) : { before, after, files, canary, coverage },
    result: null,
  };
}

function manifest(node: string, options: GatherOptions): ReturnType<typeof probePod> {
  const { crossPlan } = options;
  const planned = crossPlan?.status === 'planned' ? crossPlan : null;
  const active = options.active.filter(
    (kind): kind is ProbedActively => kind !== 'cni' && (kind !== 'cross' || planned !== null),
  );
  return probePod({
    runId: options.runId,
    node,
    expires: new Date(Date.now() + (options.deadlineSeconds + EXPIRY_GRACE_SECONDS) * 1000),
    namespace: options.namespace,
    image: options.image,
    privileged: options.privileged,
    activeDeadlineSeconds: options.deadlineSeconds,
    // A node short of CPU also starts the pod slowly; steps that the probe did not reach are reported.
    totalSeconds: Math.max(10, Math.min(90, options.deadlineSeconds - 30)),
    active,
    ...(planned === null ? {} : { cross: planned }),
    ...(options.pullSecret === null ? {} : { imagePullSecret: options.pullSecret }),
  });
}
