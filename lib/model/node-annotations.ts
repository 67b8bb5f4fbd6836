/** Annotations in which a node's CNI agents say how to send packets to its pods. */

export const OF_FLANNEL = {
  backend: 'flannel.alpha.coreos.com/backend-type',
  backendData: 'flannel.alpha.coreos.com/backend-data',
  address: 'flannel.alpha.coreos.com/public-ip',
  /** Set by people to override the agent's choice. */
  addressOverwrite: 'flannel.alpha.coreos.com/public-ip-overwrite',
} as const;

export const OF_CALICO = {
  tunnelAddress: 'projectcalico.org/IPv4VXLANTunnelAddr',
  /** With its prefix length. */
  address: 'projectcalico.org/IPv4Address',
} as const;

/** The annotations of a node that are kept. */
export const NODE_ANNOTATIONS: readonly string[] = [
  ...Object.values(OF_FLANNEL),
  ...Object.values(OF_CALICO),
];
