/** Annotations of a node in which agents of CNI plugins say how packets for its pods get there. */

export const OF_FLANNEL = {
  backend: 'flannel.alpha.coreos.com/backend-type',
  backendData: 'flannel.alpha.coreos.com/backend-data',
  address: 'flannel.alpha.coreos.com/public-ip',
  /** Set by people, where the agent would choose another. */
  addressOverwrite: 'flannel.alpha.coreos.com/public-ip-overwrite',
} as const;

export const OF_CALICO = {
  tunnelAddress: 'projectcalico.org/IPv4VXLANTunnelAddr',
  /** With the length of its prefix. */
  address: 'projectcalico.org/IPv4Address',
} as const;

/** What is kept of a node's annotations. */
export const NODE_ANNOTATIONS: readonly string[] = [
  ...Object.values(OF_FLANNEL),
  ...Object.values(OF_CALICO),
];
