/** Kubernetes: connect to a cluster, list what it has, run a probe pod to its end, sweep what was left behind. */
export { grantRights, statusOf } from './api-error.ts';
export { type Cluster, type ClusterTarget, type Connection, connect, identify, open } from './connect.ts';
export { Lease } from './lease.ts';
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
export { listServiceEndpoints } from './list-service-endpoints.ts';
export { ensureNamespace, hasNamespace } from './namespace.ts';
export { evict, listOwnedPods, type OwnedPod } from './owned-pods.ts';
export { ProbePods } from './probe-pods.ts';
export { isAllowed, type Right, whoAmI, wouldAdmit } from './rights.ts';
export { sweep } from './sweep.ts';
