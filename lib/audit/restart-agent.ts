/**
 * Restarts the agent of a node's CNI plugin: evicts its pod there, waits for the new one, and starts and ends
 * a pod to test it.
 */
import { type Cluster, evict, listOwnedPods, type OwnedPod } from '../cluster/index.ts';
import type { Finding } from '../model/finding.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import type { RepairObject } from '../model/repair-record.ts';
import type { AgentAct } from '../repair/act.ts';
import { whyNotAgain, whyUnread } from './look-again.ts';
import type { ActContext, ExaminedAct, RepairResult } from './repair-act.ts';
import { type Controlled, successorOf } from './successor.ts';

/** Says whether a new pod gets a network on the node, and leaves nothing behind. */
const TRIED_BY = 'cni-add-failing';

/**
 * Checks the node and the agent's pod again.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function examineAgent(
  cluster: Cluster,
  act: AgentAct,
  context: ActContext,
): Promise<ExaminedAct> {
  const found = await examined(cluster, act, context);
  if ('refused' in found) return found;
  const { namespace, name, uid } = found.pod;
  const object: RepairObject = {
    act: 'restart-agent',
    pod: { namespace, name, uid, node: act.node, controllerUid: found.controller.uid },
  };
  return {
    object,
    rehearse: async () => ({
      ok: true,
      detail: `${namespacedName({ namespace, name })} is still there, and still has the fault; nothing was changed`,
    }),
    act: async () => {
      await evict(cluster, found.pod, { signal: context.signal });
      return await proven(cluster, act, found, context);
    },
    after: () => object,
  };
}

/** The agent's pod, if every precondition holds now; else why not. */
async function examined(
  cluster: Cluster,
  act: AgentAct,
  context: ActContext,
): Promise<Controlled | { readonly refused: string }> {
  const report = await context.look(act.node);
  const unread = whyUnread(report, act.node);
  if (unread !== null) return { refused: `its node ${unread}` };
  const refused = whyNotAgain(
    report,
    (now) => act.findings.some(({ check }) => check === now.check) && isOfAgent(act, now),
  );
  if (refused !== null) return { refused };
  const pods = await listOwnedPods(cluster, act.agent.namespace, { signal: context.signal });
  const [pod, another] = pods.filter((each) => each.node === act.node && hasLabel(each, act.agent.selector));
  if (pod === undefined) return { refused: 'no pod of the agent is on the node' };
  if (another !== undefined) return { refused: 'more than one pod of the agent is on the node' };
  if (pod.isDeleted) return { refused: 'its pod is being deleted' };
  const { controller } = pod;
  if (controller?.kind !== 'DaemonSet') return { refused: 'no DaemonSet makes its pod again' };
  return { pod, controller, earlier: new Set(pods.map(({ uid }) => uid)) };
}

function isOfAgent({ agent }: AgentAct, { repair }: Finding): boolean {
  return (
    repair?.kind === 'restart-agent' &&
    repair.namespace === agent.namespace &&
    repair.selector === agent.selector
  );
}

function hasLabel({ labels }: OwnedPod, selector: string): boolean {
  const [name = '', value] = selector.split('=');
  return labels[name] === value;
}

/** Waits for its successor, and tests it by starting and ending a pod on the node. */
async function proven(
  cluster: Cluster,
  act: AgentAct,
  found: Controlled,
  context: ActContext,
): Promise<RepairResult> {
  const successor = await successorOf(cluster, found, context);
  if (typeof successor === 'string') return { ok: false, detail: successor };
  const name = namespacedName(successor);
  if (successor.node !== act.node)
    return { ok: false, detail: `${name} is ready, but on ${successor.node ?? 'no node'}` };
  await context.renew();
  const report = await context.look(act.node, { canary: true });
  const no = (why: string): RepairResult => ({ ok: false, detail: `${name} replaced it, but ${why}` });
  const unread = whyUnread(report, act.node);
  if (unread !== null) return no(`the node ${unread}`);
  const checks = new Set([TRIED_BY, ...act.findings.map(({ check }) => check)]);
  const again = report.findings.filter(({ check, suppressed }) => checks.has(check) && suppressed === null);
  if (again.length > 0)
    return no(`an audit finds ${[...new Set(again.map(({ check }) => check))].join(', ')}`);
  const tried = report.coverage.checks.find(({ check }) => check === TRIED_BY);
  if (tried === undefined || tried.examined === 0)
    return no(`no pod could be started to try it: ${tried?.reasons[0] ?? 'the check did not run'}`);
  return { ok: true, detail: `${name} replaced it; a new pod got its network, and left nothing behind` };
}
