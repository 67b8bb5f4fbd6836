/** How the auditor's own pods are told from all others, and what they are by default. The manifests in deploy/ say the same. */

import type { Pod } from './kubernetes.ts';

export const OWN_LABEL = { name: 'app.kubernetes.io/name', value: 'netns-auditor' } as const;

/** Label selector of all our pods. */
export const OWN_PODS = `${OWN_LABEL.name}=${OWN_LABEL.value}`;

/** What kind of our pods: probe, canary or repair. */
export const COMPONENT_LABEL = 'app.kubernetes.io/component';

/** Name of the container that reads the node, whatever a webhook puts beside it. */
export const PROBE_CONTAINER = 'probe';

/** The run that a pod belongs to. */
export const RUN_LABEL = 'netns-auditor/run';

/** ISO 8601: from then on any run may delete the pod, as the run that made it is dead. */
export const EXPIRES_ANNOTATION = 'netns-auditor/expires';

/** Kubernetes namespace of the pods. */
export const DEFAULT_NAMESPACE = 'netns-audit';

/** Kubernetes namespace of the pods that repair nodes: apart, as other people may make them. */
export const REPAIR_NAMESPACE = 'netns-audit-remediate';

/** Written in full, as the admission policy compares it as text. */
export const DEFAULT_IMAGE = 'docker.io/nicolaka/netshoot:v0.16';

/**
 * One of ours. The label alone would let any pod hide from the audit: a controller's pod never is, and ours have the
 * annotation that says when they may go, or the node's namespaces.
 */
export function isOwnPod(pod: Pod): boolean {
  return (
    pod.labels[OWN_LABEL.name] === OWN_LABEL.value &&
    pod.controller === null &&
    (EXPIRES_ANNOTATION in pod.annotations || (pod.hostPID && pod.hostNetwork))
  );
}
