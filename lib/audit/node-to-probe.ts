/** Which node doctor probes. */
import { type Cluster, listNodes } from '../cluster/index.ts';
import { AuditError } from '../model/errors.ts';
import { planNodes } from './plan.ts';

/**
 * @param node - the one that somebody named; null: any, a ready one first
 * @returns it, null where the cluster has none to probe, as with Fargate only; and how many there are
 * @throws AuditError CLUSTER_*; USAGE if the named node, or every node, cannot be probed
 */
export async function nodeFor(
  cluster: Cluster,
  { node, signal }: { readonly node: string | null; readonly signal: AbortSignal },
): Promise<{ readonly node: string | null; readonly nodes: number }> {
  const all = await listNodes(cluster, { signal });
  const plan = (names: string[]) => planNodes(all, { names, labels: [] });
  const planned = plan(node === null ? [] : [node]);
  const nodes = plan([]).filter(({ coverage }) => coverage === null).length;
  const [first] = planned
    .toSorted((a, b) => Number(b.node.ready) - Number(a.node.ready))
    .filter((each) => each.coverage === null);
  if (first !== undefined) return { node: first.node.name, nodes };
  const lost = planned.find(({ coverage }) => node !== null || coverage?.result === 'failed');
  if (lost === undefined) return { node: null, nodes };
  throw new AuditError('USAGE', lost.coverage?.reason ?? 'no node can be probed', {
    remedy: lost.coverage?.remedy ?? 'Name another node with --node.',
  });
}
