/**
 * A node that only another boot or another machine repairs: what must hold before, and how its pods leave it. Whatever is
 * not as it should be ends it, and leaves the node cordoned.
 */
import { type Cluster, cordonNode, isAllowed, listNodeStates, type NodeState } from '../cluster/index.ts';
import { CORDON_ANNOTATION } from '../model/own-pods.ts';
import { command } from '../model/shell.ts';
import { counted } from '../model/text.ts';
import type { DrainAct, RebootAct } from '../repair/act.ts';
import { drainNode, podNames, podsToMove, whyNotEvicted, whyNotMoved } from './drain.ts';
import { whyNotAgain, whyUnread } from './look-again.ts';
import type { ActContext, RepairResult } from './repair-act.ts';

export type NodeToEmpty = {
  readonly state: NodeState;
  /** Fingerprints of what an audit found on it right before. */
  readonly known: readonly string[];
};

/** The node, if every precondition holds now; else why not. */
export async function nodeToEmpty(
  cluster: Cluster,
  { node, findings }: RebootAct | DrainAct,
  context: ActContext,
): Promise<NodeToEmpty | { readonly refused: string }> {
  const { signal } = context;
  if (!(await isAllowed(cluster, { verb: 'patch', resource: 'nodes', name: node }, signal)))
    return {
      refused:
        'you may not cordon it: have an administrator apply netns-audit manifests --remediate --reboot',
    };
  const before = await nodeNow(cluster, node, context);
  if (before === null) return { refused: 'the node is gone' };
  const refused = whyNotNow(before, await listNodeStates(cluster, null, { signal }));
  if (refused !== null) return { refused };
  const report = await context.look(node);
  const unread = whyUnread(report, node);
  if (unread !== null) return { refused: `it ${unread}` };
  const notAgain = whyNotAgain(
    report,
    ({ check, repair }) => repair?.kind === 'reboot-node' && findings.some((each) => each.check === check),
  );
  if (notAgain !== null) return { refused: notAgain };
  const now = await nodeNow(cluster, node, context);
  if (now?.bootId !== before.bootId) return { refused: 'it has booted meanwhile' };
  const pods = await podsToMove(cluster, node, context);
  const notMoved = whyNotMoved(pods, context) ?? (await whyNotEvicted(cluster, pods, context));
  if (notMoved !== null) return { refused: notMoved };
  return { state: now, known: report.findings.map(({ fingerprint }) => fingerprint) };
}

/** What of the nodes alone speaks against it. */
function whyNotNow(node: NodeState, all: readonly NodeState[]): string | null {
  if (node.isControlPlane) return 'it is of the control plane: reboot it by hand';
  if (node.bootId === '') return 'its kubelet does not say which boot it is in';
  const others = all.filter(({ name }) => name !== node.name);
  const left = others.find(({ cordonedBy }) => cordonedBy !== null);
  if (left !== undefined)
    return `a repair left ${left.name} cordoned (run ${left.cordonedBy}): see that it is in order, and uncordon it, first`;
  if (!others.some(({ isReady, isCordoned }) => isReady && !isCordoned))
    return 'no other node is Ready and takes pods';
  return null;
}

export async function nodeNow(
  cluster: Cluster,
  node: string,
  { signal }: Pick<ActContext, 'signal'>,
): Promise<NodeState | null> {
  const [state] = await listNodeStates(cluster, node, { signal });
  return state ?? null;
}

/** As it was before its pods left it. */
export type Emptied = { readonly node: string; readonly nodeUid: string; readonly wasCordoned: boolean };

/**
 * Cordons the node in the name of the run, and moves its pods elsewhere.
 *
 * @param undone - what was not done to it where its pods stay: rebooted, for example
 * @returns what became of its pods, and which the kernel still holds; the result of the repair where that is its end
 */
export async function emptyNode(
  cluster: Cluster,
  { node, nodeUid, wasCordoned, bootId }: Emptied & { readonly bootId: string },
  undone: string,
  context: ActContext,
): Promise<{ readonly moved: string; readonly stuck: string } | RepairResult> {
  const { signal, runId, say } = context;
  if (!wasCordoned && !(await cordonNode(cluster, { name: node, uid: nodeUid }, runId, { signal })))
    return {
      ok: false,
      detail: 'somebody else cordoned it meanwhile, or it is another node: nothing was done',
    };
  say(`${node} is cordoned.`);
  const moved = await drainNode(cluster, node, context);
  if (typeof moved === 'string')
    return staysCordoned(cluster, node, `it was not ${undone}, as not all pods left it: ${moved}`);
  const pods = `${counted(moved.evicted, 'pod')} ${moved.evicted === 1 ? 'was' : 'were'} moved elsewhere`;
  const stuck = moved.stuck.length === 0 ? '' : `; ${podNames(moved.stuck)} still Terminating`;
  say(`${node}: ${pods}${stuck}.`);
  const now = await nodeNow(cluster, node, context);
  if (now?.uid !== nodeUid || now.bootId !== bootId || !now.isCordoned)
    return staysCordoned(cluster, node, `it was not ${undone}: it has booted, or was uncordoned, meanwhile`);
  return { moved: pods, stuck };
}

export function staysCordoned(cluster: Cluster, node: string, why: string): RepairResult {
  return {
    ok: false,
    detail: `${why}. ${node} stays cordoned. Once it is in order, ${letBack(cluster, node)}`,
  };
}

/**
 * How a person lets pods on it again. Without the annotation, a later cordon of theirs is not taken for the run's.
 * Without a kubeconfig, the text names the cluster.
 */
export function letBack({ name, kubectl }: Pick<Cluster, 'name' | 'kubectl'>, node: string): string {
  const typed = ['kubectl', ...(kubectl ?? [])];
  const where = kubectl === undefined ? ` (cluster ${name})` : '';
  const mark = command(...typed, 'annotate', 'node', node, `${CORDON_ANNOTATION}-`);
  return `let pods on it again${where}: ${mark} && ${command(...typed, 'uncordon', node)}`;
}
