/** Probes that send packets or start a pod: they run only where they were asked for. */
export const activeProbes = ['ping', 'dns', 'cni'] as const;
export type ActiveProbe = (typeof activeProbes)[number];
