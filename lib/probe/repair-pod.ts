/** The pod that repairs one node: like the probe's, but with another script, for exactly the given objects. */
import { COMPONENT_LABEL, REPAIR_NAMESPACE } from '../model/own-pods.ts';
import { needsResource } from '../model/raised-limits.ts';
import type { ActKind, Orphan } from '../model/repair.ts';
import { CAPABILITIES, escaped, type ProbePodOptions, probePod } from './pod-manifest.ts';
import { repairScript } from './repair-script.ts';

/**
 * What one pod takes at most: as much as the admission policy can look through, and of what is put back as
 * much as there is time for.
 */
export function mostObjects(kind: ActKind): number {
  return ['restore', 'take-back', 'delete-routes', 'raise-limits'].includes(kind) ? 200 : 2000;
}

export type RepairPodOptions = Pick<
  ProbePodOptions,
  'runId' | 'node' | 'expires' | 'image' | 'imagePullSecret'
> & {
  /** @default netns-audit-remediate */
  readonly namespace?: string;
  /** At most {@link mostObjects}, as of `objects`. */
  readonly orphans?: readonly Orphan[];
  /** Arguments of other objects. */
  readonly objects?: readonly string[];
  /** False: only reports what would be deleted. */
  readonly act: boolean;
  /** Seconds; anything younger may belong to a pod that is being created. */
  readonly settleSeconds: number;
  /** Seconds after which the kubelet kills it; the script starts nothing new in the last minute. */
  readonly activeDeadlineSeconds: number;
};

/**
 * It needs no kernel log. Some limits are written only by who has one capability more, which no other repair gets: a
 * pod for other objects as well would not be admitted with it.
 */
function capabilitiesFor(asked: readonly string[]): string[] {
  const isResource = asked.length > 0 && asked.every(needsResource);
  return [...CAPABILITIES.filter((each) => each !== 'SYSLOG'), ...(isResource ? ['SYS_RESOURCE'] : [])];
}

/** The pod as sent to the API. */
export function repairPod({ orphans = [], objects = [], act, settleSeconds, ...options }: RepairPodOptions) {
  const pod = probePod({ namespace: REPAIR_NAMESPACE, ...options });
  const asked = [...orphans.map(({ name, inode, made }) => `orphan=${name}:${inode}:${made}`), ...objects];
  const containers = pod.spec.containers.map((container) => ({
    ...container,
    command: ['sh', '-c', escaped(repairScript()), 'repair'],
    args: [
      `act=${act ? 1 : 0}`,
      `settle=${settleSeconds}`,
      `total=${Math.max(1, options.activeDeadlineSeconds - 60)}`,
      ...asked,
    ],
    securityContext: {
      ...container.securityContext,
      capabilities: { drop: ['ALL'], add: capabilitiesFor(asked) },
    },
  }));
  return {
    ...pod,
    metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [COMPONENT_LABEL]: 'repair' } },
    spec: { ...pod.spec, containers },
  };
}
