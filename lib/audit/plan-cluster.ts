/** Before the first probe: sweeps leftovers, chooses nodes, reads events and the facts that the whole run shares. */
import {
  type Cluster,
  listCniRecords,
  listDnsServices,
  listEvents,
  listNetworkPolicies,
  listNodes,
  listServiceEndpoints,
  sweep,
} from '../cluster/index.ts';
import type { CheckSet } from '../model/check-set.ts';
import { type CniRecords, NO_CNI_RECORDS } from '../model/cni-records.ts';
import { type NetworkPolicies, NO_NETWORK_POLICIES } from '../model/crossing.ts';
import type { ClusterFacts, Event } from '../model/kubernetes.ts';
import { NO_SERVICE_ENDPOINTS, type ServiceEndpoints } from '../model/service-endpoints.ts';
import type { RunRecord } from '../probe/index.ts';
import { inRing } from './crossing.ts';
import { withEndpoints } from './dns-endpoints.ts';
import { type NodeSelection, otherNodes, type PlannedNode, planNodes } from './plan.ts';

export type PlanOptions = Pick<RunRecord, 'runId' | 'settleSeconds' | 'previousRunId'> & {
  readonly active: readonly RunRecord['active'][number][];
  /** Namespace of the probe pods. */
  readonly namespace: string;
  readonly selection: NodeSelection;
  /** @default all */
  readonly checks?: CheckSet;
  readonly auditorVersion: string;
  readonly signal: AbortSignal;
};

/** What the batches of a run need; it may be split by nodes and kept between processes. */
export type ClusterPlan = {
  readonly record: RunRecord;
  readonly nodes: readonly PlannedNode[];
  readonly events: readonly Event[];
  readonly facts: ClusterFacts;
  /** The CNI agents' API records of all nodes. */
  readonly cniRecords: CniRecords;
  /** Of all pods. */
  readonly serviceEndpoints: ServiceEndpoints;
  /** Read only where pods ping pods of other nodes. */
  readonly networkPolicies: NetworkPolicies;
};

/**
 * @returns also `namespace/name` of removed pods of earlier runs
 * @throws AuditError CLUSTER_*, and USAGE when a selection leaves no node
 */
export async function planCluster(
  cluster: Cluster,
  options: PlanOptions,
): Promise<ClusterPlan & { readonly swept: readonly string[] }> {
  const startedAt = new Date().toISOString();
  const list = { signal: options.signal };
  const crosses = options.active.includes('cross');
  const [nodes, events, dns, cniRecords, serviceEndpoints, networkPolicies, { removed: swept }] =
    await Promise.all([
      listNodes(cluster, list),
      listEvents(cluster, list),
      listDnsServices(cluster, list),
      options.checks === 'counts' ? NO_CNI_RECORDS : listCniRecords(cluster, list),
      options.checks === 'counts' ? NO_SERVICE_ENDPOINTS : listServiceEndpoints(cluster, list),
      crosses ? listNetworkPolicies(cluster, list) : NO_NETWORK_POLICIES,
      sweep(cluster, options.namespace, Date.now(), list),
    ]);
  const { names, labels } = options.selection;
  const whole = names.length === 0 && labels.length === 0 && options.checks !== 'counts';
  const record: RunRecord = {
    version: options.auditorVersion,
    runId: options.runId,
    cluster: { name: cluster.name, uid: cluster.uid, version: cluster.version },
    scope: whole ? 'cluster' : 'part',
    startedAt,
    settleSeconds: options.settleSeconds,
    active: [...options.active],
    previousRunId: options.previousRunId,
  };
  const facts = {
    nodes: otherNodes(nodes),
    dnsServices:
      dns.services === null || options.checks === 'counts'
        ? dns.services
        : await withEndpoints(cluster, dns.services, list),
    dnsServicesUnread: dns.unread,
  };
  const planned = planNodes(nodes, options.selection);
  return {
    record,
    nodes: crosses ? inRing(planned) : planned,
    events,
    facts,
    cniRecords,
    serviceEndpoints,
    networkPolicies,
    swept,
  };
}
