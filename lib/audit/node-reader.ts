/** What the API says of a node and its pods before its probe and after it: watched, or listed twice. */
import {
  type Cluster,
  listKillings,
  listPodsOnNode,
  type NodeWatch,
  type PodsThen,
} from '../cluster/index.ts';
import type { CrossPlan } from '../model/crossing.ts';
import type { ClusterFacts, Event, Node, Pod, Snapshot } from '../model/kubernetes.ts';
import { shared } from '../model/limit.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import type { ServiceEndpoints } from '../model/service-endpoints.ts';
import { crossPlans } from './cross-plans.ts';
import { withLaterEndpoints } from './dns-endpoints.ts';
import type { ApiReader } from './gather-node.ts';
import { cniRecordsOf } from './node-cni-records.ts';
import type { PlannedNode } from './plan.ts';
import type { ClusterPlan } from './plan-cluster.ts';

/** By node name, or by the pod's namespace and name. */
type EventsByObject = ReadonlyMap<string, readonly Event[]>;

export type NodeReader = {
  /** Whether pods may be watched: a cross plan needs them before the probe pod is created; a canary would be among them. */
  readonly mayWatch: boolean;
  /** Without pods. */
  readonly bare: (node: Node) => Snapshot;
  /** @throws AuditError CLUSTER_*, ABORTED */
  readonly list: (node: Node, since: string) => Promise<Snapshot>;
  /** @throws AuditError CLUSTER_*, ABORTED */
  readonly read: (
    planned: PlannedNode,
    watch: NodeWatch | null,
    since: string,
  ) => Promise<{ readonly api: ApiReader; readonly crossPlan: CrossPlan | undefined }>;
};

export function nodeReader(cluster: Cluster, plan: ClusterPlan, signal: AbortSignal): NodeReader {
  const { active } = plan.record;
  const events: EventsByObject = Map.groupBy(plan.events, ({ kind, namespace, name }) =>
    kind === 'Node' ? name : namespacedName({ namespace: namespace ?? '', name }),
  );
  const listed = async (node: Node, since: string): Promise<Snapshot> =>
    snapshotOf(node, now(await listPodsOnNode(cluster, node.name, { signal, since })), events);
  // Nodes that end together share the answer.
  const factsNow = shared(() => readFacts(cluster, plan.facts, signal));
  const withFacts = async (snapshot: Snapshot): Promise<Snapshot> => ({
    ...snapshot,
    cluster: await factsNow(),
    serviceEndpoints: endpointsOf(plan.serviceEndpoints, snapshot.pods),
    cniRecords: await cniRecordsOf(cluster, plan.cniRecords, snapshot, { signal }),
  });
  const neighbours = crossPlans(cluster, plan, signal);
  const killings = shared(() => listKillings(cluster, { signal }));

  return {
    mayWatch: !active.includes('cross') && !active.includes('cni'),
    bare: (node) => snapshotOf(node, now([]), events),
    list: listed,
    async read(planned, watch, since) {
      const { node } = planned;
      const ofNode = async (): Promise<Event[]> =>
        (await killings()).filter((event) => event.node === node.name);
      if (watch !== null) {
        const api: ApiReader = {
          watch,
          before: (then) => snapshotOf(node, then ?? watch.now, events),
          after: () => withFacts(snapshotOf(node, watch.now, events)),
          killings: ofNode,
        };
        return { api, crossPlan: undefined };
      }
      // It may be a moment old: pods that changed meanwhile are not judged.
      const before = await listed(node, since);
      const crossPlan = await neighbours.plan(planned, before.pods);
      const api: ApiReader = {
        watch,
        before: () => before,
        async after(end) {
          const snapshot = await withFacts(await listed(node, end));
          return { ...snapshot, ...(await neighbours.after(crossPlan, end)) };
        },
        killings: ofNode,
      };
      return { api, crossPlan };
    },
  };
}

async function readFacts(cluster: Cluster, facts: ClusterFacts, signal: AbortSignal): Promise<ClusterFacts> {
  const { dnsServices } = facts;
  if (dnsServices === null) return facts;
  return { ...facts, dnsServices: await withLaterEndpoints(cluster, dnsServices, { signal }) };
}

/** Those of one node's pods. */
function endpointsOf(all: ServiceEndpoints, pods: readonly Pod[]): ServiceEndpoints {
  if (all.status !== 'present') return all;
  const names = new Set(pods.map(namespacedName));
  return {
    status: 'present',
    value: all.value.filter(({ namespace, pod }) => names.has(namespacedName({ namespace, name: pod }))),
  };
}

function now(pods: Pod[]): PodsThen {
  return { pods, takenAt: new Date().toISOString() };
}

function snapshotOf(node: Node, { pods, takenAt }: PodsThen, events: EventsByObject): Snapshot {
  const objects = [node.name, ...pods.map(namespacedName)];
  return {
    takenAt,
    node,
    pods,
    events: objects.flatMap((object) => events.get(object) ?? []),
  };
}
