/** What the API said about the rest of the cluster when the run was planned, and how the kubelet is configured. */
import type { Part, Sources } from '../model/evidence.ts';
import type { Snapshot } from '../model/kubernetes.ts';
import { lines } from './parse/lines.ts';
import { parseKubeletDns } from './parse/resolv-conf.ts';
import type { Reader } from './reader.ts';

const OLDER = 'the evidence is from before it was read';

type Names = 'otherNodes' | 'clusterDns';

/** The API facts with which nodes are compared: the other nodes, and the cluster's DNS. */
export function clusterEvidence(
  { part, read }: Reader,
  { node, cluster }: Snapshot,
): { readonly [Name in Names]: Part<Sources[Name]> } {
  const kubelet = part('node_resolv_conf', () => {
    const settings = read('host/kubelet-dns');
    if (settings === null) throw new Error('no process of its own is the kubelet');
    return parseKubeletDns(lines(settings));
  });
  return {
    otherNodes:
      cluster === undefined
        ? { status: 'absent', reason: OLDER }
        : { status: 'present', value: cluster.nodes.filter(({ name }) => name !== node.name) },
    clusterDns: {
      status: 'present',
      value: {
        services: cluster?.dnsServices ?? null,
        servicesUnread: cluster === undefined ? OLDER : cluster.dnsServicesUnread,
        kubelet: kubelet.status === 'present' ? kubelet.value : null,
        kubeletUnread: kubelet.status === 'present' ? null : kubelet.reason,
      },
    },
  };
}
