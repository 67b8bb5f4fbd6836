/** How the auditor's own pods are recognized, and their default names. The manifests in deploy/ repeat them. */

import type { Pod } from './kubernetes.ts';

export const OWN_LABEL = { name: 'app.kubernetes.io/name', value: 'netns-auditor' } as const;

/** Label selector of all pods of the auditor. */
export const OWN_PODS = `${OWN_LABEL.name}=${OWN_LABEL.value}`;

/** Kind of pod: probe, canary or repair. */
export const COMPONENT_LABEL = 'app.kubernetes.io/component';

/** Name of the container that reads the node, even if a webhook adds others. */
export const PROBE_CONTAINER = 'probe';

/** The run that a pod belongs to. */
export const RUN_LABEL = 'netns-auditor/run';

/** The batch of the run that a pod belongs to, where nodes are audited in batches. */
export const BATCH_LABEL = 'netns-auditor/batch';

/**
 * The process that created a pod, by chance: run, batch and name are the same for one that was killed and for the one
 * that tries again.
 */
export const ATTEMPT_LABEL = 'netns-auditor/attempt';

/** ISO 8601: after this time any run may delete the pod, as the run that created it is dead. */
export const EXPIRES_ANNOTATION = 'netns-auditor/expires';

/** On a node: the run that cordoned it. */
export const CORDON_ANNOTATION = 'netns-auditor/cordoned-by';

/** Kubernetes namespace of the pods. */
export const DEFAULT_NAMESPACE = 'netns-audit';

/** Kubernetes namespace of the pods that repair nodes: separate, as different people may create them. */
export const REPAIR_NAMESPACE = 'netns-audit-remediate';

/** Written in full, as the admission policy compares it as text. */
export const DEFAULT_IMAGE = 'docker.io/nicolaka/netshoot:v0.16';

/**
 * Whether the pod is the auditor's. The label alone would let any pod hide from the audit, so the pod must
 * have no controller, and must have the annotation with its expiry, or use the node's namespaces.
 */
export function isOwnPod(pod: Pod): boolean {
  return (
    pod.labels[OWN_LABEL.name] === OWN_LABEL.value &&
    pod.controller === null &&
    (EXPIRES_ANNOTATION in pod.annotations || (pod.hostPID && pod.hostNetwork))
  );
}
