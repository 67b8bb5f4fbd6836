/**
 * The last resort: cordons a node, moves its pods elsewhere, reboots it, audits it and lets pods on it again. Whatever is not as
 * it should be ends it, and leaves the node cordoned.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, uncordonNode } from '../cluster/index.ts';
import { AuditError, type ErrorCode, messageOf } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import type { RepairObject, RepairRecord } from '../model/repair-record.ts';
import { counted } from '../model/text.ts';
import type { RebootAct } from '../repair/act.ts';
import { podsToMove } from './drain.ts';
import { emptyNode, letBack, nodeNow, nodeToEmpty, staysCordoned } from './empty-node.ts';
import { whyUnread } from './look-again.ts';
import { type ActContext, type ExaminedAct, type RepairResult, renewing } from './repair-act.ts';
import { askedOnNode } from './repair-node.ts';

/** The pod that reboots the node ends with it, in one of these ways. */
const ENDED_BY_THE_BOOT: readonly ErrorCode[] = ['NODE_SILENT', 'PROBE_FAILED', 'DEADLINE'];

type Reboot = Extract<RepairObject, { act: 'reboot-node' }>;

/**
 * Checks the node, its pods and the other nodes again.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function examineReboot(
  cluster: Cluster,
  act: RebootAct,
  context: ActContext,
): Promise<ExaminedAct> {
  const object = await examined(cluster, act, context);
  if ('refused' in object) return object;
  return {
    object,
    rehearse: async () => {
      const pods = await podsToMove(cluster, act.node, context);
      const [answer] = await askedToReboot(cluster, object, context, false);
      const what = `${counted(pods.length, 'pod')} would be moved elsewhere, and ${act.node} rebooted; nothing was changed`;
      if (answer?.word === 'would') return { ok: true, detail: what };
      return {
        ok: answer?.word === 'refused',
        detail: `it could not be rebooted: ${answer?.detail}; nothing was changed`,
        answers: answer === undefined ? [] : [answer],
      };
    },
    act: async () => {
      try {
        return await rebooted(cluster, act, object, context);
      } catch (error) {
        if (context.signal.aborted) throw error;
        return staysCordoned(cluster, act.node, messageOf(error));
      }
    },
    after: () => object,
  };
}

/** The node, if every precondition holds now; else why not. */
async function examined(
  cluster: Cluster,
  act: RebootAct,
  context: ActContext,
): Promise<Reboot | { readonly refused: string }> {
  const found = await nodeToEmpty(cluster, act, context);
  if ('refused' in found) return found;
  const { state, known } = found;
  return {
    act: 'reboot-node',
    node: act.node,
    nodeUid: state.uid,
    repairNamespace: context.repairNamespace,
    bootId: state.bootId,
    wasCordoned: state.isCordoned,
    known: [...known],
  };
}

async function askedToReboot(
  cluster: Cluster,
  { node, bootId, repairNamespace }: Reboot,
  context: ActContext,
  act: boolean,
) {
  const request = { node, orphans: [], objects: [{ name: 'reboot', argument: `reboot=${bootId}` }] };
  return await askedOnNode(cluster, request, { ...context, repairNamespace }, act);
}

/** Every step, one after the other, until the first that does not go as it should. */
async function rebooted(
  cluster: Cluster,
  { node, findings }: RebootAct,
  object: Reboot,
  context: ActContext,
): Promise<RepairResult> {
  const { runId, say } = context;
  const emptied = await emptyNode(cluster, object, 'rebooted', context);
  if ('ok' in emptied) return emptied;
  await context.renew();
  say(`${node} is being rebooted.`);
  const failed = await toldToReboot(cluster, object, context);
  if (failed !== null) return staysCordoned(cluster, node, `it was not rebooted: ${failed}`);
  if (!(await hasBooted(cluster, object, context, context.pace.boot)))
    return staysCordoned(
      cluster,
      node,
      'it was told to reboot, and did not come back Ready from another boot in time',
    );
  say(`${node} is back, and is audited.`);
  const checks = new Set(findings.map(({ check }) => check));
  return await letPodsBack(cluster, { object, checks, runId }, context, emptied.moved);
}

/** @returns why it was not; null if the pod ended with the node, or may have */
async function toldToReboot(cluster: Cluster, object: Reboot, context: ActContext): Promise<string | null> {
  try {
    const [answer] = await askedToReboot(cluster, object, context, true);
    return answer?.detail ?? 'its pod did not answer';
  } catch (error) {
    if (error instanceof AuditError && ENDED_BY_THE_BOOT.includes(error.code)) return null;
    throw error;
  }
}

/** Waits until the node is Ready in another boot. */
async function hasBooted(
  cluster: Cluster,
  { node, nodeUid, bootId }: Reboot,
  context: Settling,
  milliseconds: number,
): Promise<boolean> {
  const end = Date.now() + milliseconds;
  const renew = renewing(context);
  for (;;) {
    await renew();
    const state = await nodeNow(cluster, node, context);
    if (state === null || state.uid !== nodeUid) return false;
    if (state.isReady && state.bootId !== '' && state.bootId !== bootId) return true;
    if (Date.now() > end) return false;
    await sleep(context.pace.pause, undefined, { signal: context.signal });
  }
}

/** Audits the node, and uncordons it if the run holds it cordoned and nothing new is found. */
async function letPodsBack(
  cluster: Cluster,
  { object, checks, runId }: { object: Reboot; checks: ReadonlySet<string>; runId: string },
  context: Settling,
  before: string,
): Promise<RepairResult> {
  const { node } = object;
  const end = Date.now() + context.pace.order;
  for (;;) {
    await context.renew();
    const wrong = await whatIsWrong(object, checks, context);
    if (wrong === null) break;
    if (Date.now() > end) return staysCordoned(cluster, node, `${before}, and it has booted; but ${wrong}`);
    await sleep(context.pace.look, undefined, { signal: context.signal });
  }
  const done = `${before}, it has booted, a new pod got its network there, and an audit finds nothing new`;
  if (object.wasCordoned)
    return {
      ok: true,
      detail: `${done}; it was cordoned before, and stays so. If it should not, ${letBack(cluster, node)}`,
    };
  const self = { name: node, uid: object.nodeUid };
  return (await uncordonNode(cluster, self, runId, { signal: context.signal }))
    ? { ok: true, detail: `${done}; it takes pods again` }
    : { ok: true, detail: `${done}; somebody else decided meanwhile whether it takes pods` };
}

async function whatIsWrong(
  { node, known }: Reboot,
  checks: ReadonlySet<string>,
  { look }: Settling,
): Promise<string | null> {
  const report = await look(node, { canary: true });
  const unread = whyUnread(report, node);
  if (unread !== null) return `it ${unread}`;
  const counts = ({ check, fingerprint, suppressed }: Finding): boolean =>
    suppressed === null && (checks.has(check) || !known.includes(fingerprint));
  const found = new Set(report.findings.filter(counts).map(({ check }) => check));
  return found.size === 0 ? null : `an audit finds ${[...found].join(', ')}`;
}

/** What is needed to find out what became of a reboot. */
export type Settling = Pick<ActContext, 'look' | 'say' | 'pace' | 'signal' | 'renew'>;

/**
 * What became of a reboot whose call was killed: a node that has booted is audited and takes pods again, one that has not
 * only takes pods again.
 *
 * @param isUnderWay - the pod that reboots it was there until now
 * @returns the sentence for its record
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function becameOfReboot(
  cluster: Cluster,
  record: Extract<RepairRecord, { act: 'reboot-node' }>,
  context: Settling,
  isUnderWay: boolean,
): Promise<string> {
  const { node, nodeUid, runId, bootId } = record;
  let state = await nodeNow(cluster, node, context);
  if (state === null || state.uid !== nodeUid) return 'the node is gone';
  if (state.bootId !== bootId || isUnderWay || !state.isReady) {
    const mayBoot = isUnderWay || !state.isReady;
    if (mayBoot) context.say(`${node} may be rebooting for run ${runId}: waiting for it, up to 20 minutes.`);
    if (await hasBooted(cluster, record, context, mayBoot ? context.pace.boot : 0)) {
      const checks = new Set(record.checks);
      return (await letPodsBack(cluster, { object: record, checks, runId }, context, 'it was completed'))
        .detail;
    }
    state = await nodeNow(cluster, node, context);
    if (!state?.isReady || state.bootId !== bootId)
      return staysCordoned(cluster, node, 'it is not back Ready from another boot').detail;
  }
  if (state.cordonedBy !== runId)
    return state.isCordoned && !record.wasCordoned
      ? 'it was not rebooted; it is cordoned, but not by this repair'
      : 'it was not rebooted, and is as it was; pods that were evicted are elsewhere';
  return (await uncordonNode(cluster, { name: node, uid: nodeUid }, runId, { signal: context.signal }))
    ? 'it was not rebooted, and takes pods again; pods that were evicted are elsewhere'
    : 'it was not rebooted; somebody else decided meanwhile whether it takes pods';
}
