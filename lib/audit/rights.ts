/** What an audit may do in a cluster. */
import type { Right } from '../cluster/index.ts';
import { CALICO_BLOCKS, CILIUM_ENDPOINTS, NETWORK_POLICIES } from '../model/cni-names.ts';

type OptionalRight = { readonly right: Right; readonly without: string };

/** Rights that an audit requires; deploy/rbac.yaml grants these and {@link optionalRightsOf}. */
export function rightsOf(namespace: string): Right[] {
  return [
    ...['nodes', 'pods', 'events'].map((resource) => ({ verb: 'list', resource })),
    ...['kube-system', namespace].map((name) => ({
      verb: 'get',
      resource: 'namespaces',
      name,
      namespace: name,
    })),
    ...['create', 'watch', 'delete'].map((verb) => ({ verb, resource: 'pods', namespace })),
    { verb: 'get', resource: 'pods/log', namespace },
  ];
}

/** Optional rights, and what is lost without each. */
export function optionalRightsOf(namespace: string): OptionalRight[] {
  // As in deploy/ of earlier versions.
  const without = 'a node costs one more request to the API server with each';
  return [
    { right: { verb: 'watch', resource: 'pods' }, without },
    { right: { verb: 'deletecollection', resource: 'pods', namespace }, without },
    ...OTHER_OPTIONAL_RIGHTS,
  ];
}

const OTHER_OPTIONAL_RIGHTS: readonly OptionalRight[] = [
  {
    // Without it, only the node's Ready condition shows a silent kubelet, half a minute later.
    right: { group: 'coordination.k8s.io', verb: 'get', resource: 'leases', namespace: 'kube-node-lease' },
    without: 'silent nodes are waited for longer',
  },
  {
    right: { verb: 'list', resource: 'services' },
    without: 'whether kubelets give pods the DNS of the cluster is unknown',
  },
  {
    right: { group: 'discovery.k8s.io', verb: 'list', resource: 'endpointslices' },
    without:
      'which Services broken pods still serve is unknown, and so are the checks cluster-dns-unserved and ' +
      'service-rules-stale',
  },
  {
    right: listOf(CILIUM_ENDPOINTS),
    without: "where pods are Cilium's, whether it has their endpoints on file is unknown",
  },
  {
    right: listOf(CALICO_BLOCKS),
    without: "where addresses are Calico's, whether it has them on file is unknown",
  },
  ...NETWORK_POLICIES.map((kind) => ({
    right: listOf(kind),
    without: 'with --active cross, pods that do not answer may be silent on purpose',
  })),
];

function listOf({ group, resource }: { readonly group: string; readonly resource: string }): Right {
  return { group, verb: 'list', resource };
}
