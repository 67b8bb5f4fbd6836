/** Probes that send packets or start a pod: they run only if requested. */
export const activeProbes = ['ping', 'dns', 'cross', 'cni'] as const;
export type ActiveProbe = (typeof activeProbes)[number];
/** Those that the probe itself runs: for `cni`, a pod is started. */
export type ProbedActively = Exclude<ActiveProbe, 'cni'>;
