/** Which API pod a runtime's sandbox belongs to: used by everything that joins the two. */
import type { Sandbox } from './evidence.ts';
import type { Pod } from './kubernetes.ts';

/**
 * Compares uids. A static pod has its mirror's uid in the API but the hash of its manifest in the runtime, so
 * it is matched by name; that hash as an annotation proves nothing, as anyone may write it on a pod.
 */
export function isSandboxOf(
  sandbox: Pick<Sandbox, 'namespace' | 'name' | 'uid'>,
  pod: Pick<Pod, 'namespace' | 'name' | 'uid' | 'controller' | 'annotations'>,
): boolean {
  if (sandbox.uid === pod.uid) return true;
  return isStaticPod(pod) && sandbox.namespace === pod.namespace && sandbox.name === pod.name;
}

/** Created by the kubelet from a file; the API has a mirror of it. */
export function isStaticPod({ controller, annotations }: Pick<Pod, 'controller' | 'annotations'>): boolean {
  return controller === 'Node' || 'kubernetes.io/config.mirror' in annotations;
}
