/** Lists the pods of the next node, before the probe and after: what it pings must still be there then. */
import { type Cluster, listPodsOnNode } from '../cluster/index.ts';
import type { CrossPlan } from '../model/crossing.ts';
import { messageOf } from '../model/errors.ts';
import type { Pod, Snapshot } from '../model/kubernetes.ts';
import { afterwards, crossPlan } from './crossing.ts';
import type { PlannedNode } from './plan.ts';
import type { ClusterPlan } from './plan-cluster.ts';

export type CrossPlans = {
  /** Undefined if nobody asked for pings between nodes. @throws AuditError ABORTED */
  plan(node: PlannedNode, pods: readonly Pod[]): Promise<CrossPlan | undefined>;
  /** @param since - no older than this revision of a pod. @throws AuditError ABORTED */
  after(plan: CrossPlan | undefined, since: string): Promise<Pick<Snapshot, 'crossing'>>;
};

export function crossPlans(
  cluster: Cluster,
  { networkPolicies: policies, record }: Pick<ClusterPlan, 'networkPolicies' | 'record'>,
  signal: AbortSignal,
): CrossPlans {
  /** Not being able to list another node's pods is no failure of this one. */
  async function withPods(next: string, since: string, plan: (pods: Pod[]) => CrossPlan): Promise<CrossPlan> {
    try {
      return plan(await listPodsOnNode(cluster, next, { signal, since }));
    } catch (error) {
      if (signal.aborted) throw error;
      return { status: 'none', reason: `the pods of ${next} are unknown: ${messageOf(error)}`, alone: false };
    }
  }
  return {
    async plan({ next }, own) {
      if (next === undefined) return undefined;
      const choice = { policies, settleSeconds: record.settleSeconds.pod, now: Date.now() };
      if (next === null) return crossPlan({ own, next: [] }, next, choice);
      return await withPods(next.name, '0', (pods) => crossPlan({ own, next: pods }, next, choice));
    },
    async after(plan, since) {
      if (plan?.status !== 'planned' || plan.targets.length === 0)
        return plan === undefined ? {} : { crossing: plan };
      return { crossing: await withPods(plan.next.name, since, (pods) => afterwards(plan, pods)) };
    },
  };
}
