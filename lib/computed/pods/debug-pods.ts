/** Which pods count as debug pods: the auditor's own, and those that people and tools start on a node and forget. */
import type { Pod } from '../../model/kubernetes.ts';
import { isOwnPod } from '../../model/own-pods.ts';

/**
 * Pods of `kubectl debug node/…`, recognized by name alone: with the restricted profile they share nothing
 * with the node.
 */
const BY_NAME = /^node-debugger-/;

/** Names that other pods may have too: these are debug pods only if they use the node's namespaces. */
const BY_NAME_AND_ACCESS =
  /^(nsenter|node-shell|node-debug|collector|kubectl-node-shell|k9s)-|-debug(-[a-z0-9]{5})?$/;

/**
 * True for the auditor's own probe pods and for bare pods named like node-debugger-*, nsenter-*,
 * node-shell-*, k9s-*, collector-* or *-debug (`oc debug node/…`). A pod with a controller is deployed on
 * purpose (an OpenTelemetry collector, say), and a static pod belongs to the node.
 */
export function isDebugPod(pod: Pod): boolean {
  if (pod.controller !== null) return false;
  if (isOwnPod(pod)) return true;
  if (BY_NAME.test(pod.name)) return true;
  return BY_NAME_AND_ACCESS.test(pod.name) && (pod.hostPID || pod.hostNetwork);
}
