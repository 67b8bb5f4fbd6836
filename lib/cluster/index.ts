/** Kubernetes: connect to a cluster, list its objects, run a probe pod to its end, sweep leftovers. */
export { grantRights, statusOf } from './api-error.ts';
export { createAgain, readWholePod } from './bare-pod.ts';
export {
  deleteCalicoHandle,
  listAddressHolders,
  readCalicoBlock,
  readCalicoHandle,
  writeCalicoBlock,
  writeCalicoHandle,
} from './calico-ipam.ts';
export { type Cluster, type Connection, connect, identify, open } from './connect.ts';
export { holderOf, Lease } from './lease.ts';
export type { ListOptions } from './list.ts';
export {
  isNodeGone,
  listDnsServices,
  listEvents,
  listKillings,
  listNodes,
  listPodsInNamespace,
  listPodsOnNode,
} from './list.ts';
export { listCalicoBlock, listCiliumEndpoint, listCniRecords } from './list-cni-records.ts';
export { listNetworkPolicies } from './list-network-policies.ts';
export { listServiceEndpoints, readEndpoints } from './list-service-endpoints.ts';
export { ensureNamespace, hasNamespace } from './namespace.ts';
export { cordonNode, listNodeStates, type NodeState, uncordonNode } from './node-state.ts';
export { type NodeWatch, type PodsThen, WatchLost } from './node-watch.ts';
export { BudgetRefused, evict, listOwnedPods, listOwnedPodsOnNode, type OwnedPod } from './owned-pods.ts';
export { ProbePods } from './probe-pods.ts';
export { isAllowed, type Right, whoAmI, wouldAdmit } from './rights.ts';
export { sweep } from './sweep.ts';
export type { ClusterTarget } from './target.ts';
