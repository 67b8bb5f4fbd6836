/** What CNI agents recorded in the API, as IPAM stores and endpoints of one node. */

import { CALICO_ANNOTATION, CALICO_BLOCKS } from '../model/cni-names.ts';
import { CALICO, CALICO_IPAM, CILIUM_CNI } from '../model/cni-plugins.ts';
import type { CalicoBlock } from '../model/cni-records.ts';
import type { CniConfig, CniEndpoints, Ipam, Part, PodNetwork } from '../model/evidence.ts';
import type { Snapshot } from '../model/kubernetes.ts';

const OLDER = 'the evidence is from before it was read';

/** When the probe read the node. */
type Moment = { readonly nodeTime: string };

/** When the records were listed, by the node's clock, which dated everything that they are compared with. */
function listedAt({ takenAt, cniRecords }: Snapshot, { nodeTime }: Moment): string {
  const age = Math.max(0, Date.parse(takenAt) - Date.parse(cniRecords?.takenAt ?? takenAt));
  return new Date(Date.parse(nodeTime) - age).toISOString();
}

/** The endpoints of the plugin that attaches the node's pods. */
export function cniEndpointsEvidence(
  after: Snapshot,
  networks: Part<PodNetwork[]>,
  moment: Moment,
): Part<CniEndpoints> {
  if (networks.status !== 'present') return networks;
  const plugins = new Set(networks.value.map(({ plugin }) => plugin));
  if (plugins.has(CALICO)) return { status: 'present', value: ofCalico(networks.value, moment) };
  const records = after.cniRecords;
  if (records === undefined) return { status: 'absent', reason: OLDER };
  const list = records.ciliumEndpoints;
  if (list.status === 'absent') return list;
  if (!plugins.has(CILIUM_CNI))
    return { status: 'absent', reason: 'no pod of the node is attached by Cilium or Calico' };
  if (list.status === 'failed') return list;
  return {
    status: 'present',
    value: {
      kind: 'cilium',
      listedAt: listedAt(after, moment),
      endpoints: list.value.map(({ node, state: _, ...endpoint }) => ({
        ...endpoint,
        containerId: null,
        elsewhere: node !== null && !after.node.addresses.includes(node) ? node : null,
      })),
      unconfirmed: records.unconfirmed,
    },
  };
}

/**
 * With the Kubernetes datastore, the pod is the endpoint, and the plugin adds annotations to it
 * (libcalico-go, workload_endpoint_default.go).
 */
function ofCalico(networks: readonly PodNetwork[], { nodeTime }: Moment): CniEndpoints {
  return {
    kind: 'calico',
    listedAt: nodeTime,
    endpoints: networks.flatMap(({ pod, plugin }) => {
      const id = pod.annotations[`${CALICO_ANNOTATION}containerID`];
      const addresses =
        pod.annotations[`${CALICO_ANNOTATION}podIPs`] ?? pod.annotations[`${CALICO_ANNOTATION}podIP`];
      if (plugin !== CALICO || addresses === undefined) return [];
      return [
        {
          namespace: pod.namespace,
          name: pod.name,
          podUid: pod.uid,
          containerId: id === undefined || id === '' ? null : id,
          addresses: addresses
            .split(',')
            .map((address) => address.replace(/\/\d+$/, ''))
            .filter((address) => address !== ''),
          createdAt: null,
          elsewhere: null,
        },
      ];
    }),
    unconfirmed: 0,
  };
}

/** Empty if Calico's own IPAM is not in use. */
export function calicoIpam(after: Snapshot, config: CniConfig | null, moment: Moment): Ipam[] {
  const list = after.cniRecords?.calicoBlocks;
  if (list === undefined || list.status === 'absent') return [];
  if (config !== null && !config.files.some(({ ipam }) => ipam.includes(CALICO_IPAM))) return [];
  const store = {
    kind: 'calico',
    network: CALICO_IPAM,
    path: `API: ${CALICO_BLOCKS.resource}`,
    capacity: null,
    corrupt: [],
  } as const;
  if (list.status === 'failed') {
    return config === null ? [] : [{ ...store, corrupt: [], allocations: [], unread: list.reason }];
  }
  return [
    {
      ...store,
      corrupt: [],
      listedAt: listedAt(after, moment),
      allocations: list.value.flatMap((block) =>
        block.allocations.flatMap((each) => allocation(each, block, after.node.name)),
      ),
    },
  ];
}

/**
 * Handles of pods are `NETWORK.CONTAINER` (cni-plugin/internal/pkg/utils); those of tunnels and services have
 * other forms.
 */
function allocation(
  { address, handle, node, pod, takenAt }: CalicoBlock['allocations'][number],
  block: CalicoBlock,
  name: string,
): Ipam['allocations'] {
  const containerId = /\.([0-9a-f]{64})$/.exec(handle)?.[1];
  if (pod === null || containerId === undefined) return [];
  return [
    {
      address,
      containerId,
      interface: null,
      modifiedAt: takenAt,
      pod,
      block: block.name,
      ...(node === name ? {} : { otherNode: node ?? 'another node' }),
    },
  ];
}
