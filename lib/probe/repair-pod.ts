/** The pod that repairs one node: like the probe's, but with another script, for exactly the given objects. */
import { COMPONENT_LABEL, REPAIR_NAMESPACE } from '../model/own-pods.ts';
import type { Orphan } from '../model/repair.ts';
import { CAPABILITIES, escaped, type ProbePodOptions, probePod } from './pod-manifest.ts';
import { repairScript } from './repair-script.ts';

/** Maximum number of namespaces for one pod: as many as the admission policy can check. */
export const MOST_ORPHANS = 2000;

export type RepairPodOptions = Pick<
  ProbePodOptions,
  'runId' | 'node' | 'expires' | 'image' | 'imagePullSecret'
> & {
  /** @default netns-audit-remediate */
  readonly namespace?: string;
  /** At most {@link MOST_ORPHANS}. */
  readonly orphans?: readonly Orphan[];
  /** Arguments for other objects, at most as many. */
  readonly objects?: readonly string[];
  /** False: only reports what would be deleted. */
  readonly act: boolean;
  /** Seconds; anything younger may belong to a pod that is being created. */
  readonly settleSeconds: number;
  /** Seconds after which the kubelet kills it; the script starts nothing new in the last minute. */
  readonly activeDeadlineSeconds: number;
};

/** The pod as sent to the API. */
export function repairPod({ orphans = [], objects = [], act, settleSeconds, ...options }: RepairPodOptions) {
  const pod = probePod({ namespace: REPAIR_NAMESPACE, ...options });
  const containers = pod.spec.containers.map((container) => ({
    ...container,
    command: ['sh', '-c', escaped(repairScript()), 'repair'],
    args: [
      `act=${act ? 1 : 0}`,
      `settle=${settleSeconds}`,
      `total=${Math.max(1, options.activeDeadlineSeconds - 60)}`,
      ...orphans.map(({ name, inode, made }) => `orphan=${name}:${inode}:${made}`),
      ...objects,
    ],
    securityContext: {
      ...container.securityContext,
      // It needs no kernel log.
      capabilities: { drop: ['ALL'], add: CAPABILITIES.filter((each) => each !== 'SYSLOG') },
    },
  }));
  return {
    ...pod,
    metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [COMPONENT_LABEL]: 'repair' } },
    spec: { ...pod.spec, containers },
  };
}
