/** The pod that repairs one node: as the probe's, with another script, on exactly the objects that it is given. */
import type { Orphan } from '../model/orphan.ts';
import { COMPONENT_LABEL, REPAIR_NAMESPACE } from '../model/own-pods.ts';
import { CAPABILITIES, escaped, type ProbePodOptions, probePod } from './pod-manifest.ts';
import { repairScript } from './repair-script.ts';

/** Namespaces that one pod takes: as many as the admission policy can look through. */
export const MOST_ORPHANS = 2000;

export type RepairPodOptions = Pick<
  ProbePodOptions,
  'runId' | 'node' | 'expires' | 'image' | 'imagePullSecret'
> & {
  /** @default netns-audit-remediate */
  readonly namespace?: string;
  /** At most {@link MOST_ORPHANS}. */
  readonly orphans?: readonly Orphan[];
  /** Arguments of other objects, at most as many. */
  readonly objects?: readonly string[];
  /** False: it says of each whether it would go, and changes nothing. */
  readonly act: boolean;
  /** Seconds: what is younger may belong to a pod that is being created. */
  readonly settleSeconds: number;
  /** Seconds after which the kubelet kills it; the script begins nothing new a minute before. */
  readonly activeDeadlineSeconds: number;
};

/** The pod as the API takes it. */
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
