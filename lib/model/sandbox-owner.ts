/** Which pod of the API a sandbox of the runtime is: the one answer for whoever joins them. */
import type { Sandbox } from './evidence.ts';
import type { Pod } from './kubernetes.ts';

/**
 * By uid. A static pod has the uid of its mirror in the API and the hash of its manifest in the runtime, so it is known by its
 * name; that hash as an annotation is no proof, as anyone may write it on a pod.
 */
export function isSandboxOf(
  sandbox: Pick<Sandbox, 'namespace' | 'name' | 'uid'>,
  pod: Pick<Pod, 'namespace' | 'name' | 'uid' | 'controller' | 'annotations'>,
): boolean {
  if (sandbox.uid === pod.uid) return true;
  return isStaticPod(pod) && sandbox.namespace === pod.namespace && sandbox.name === pod.name;
}

/** Made by the kubelet from a file; in the API is a mirror of it. */
export function isStaticPod({ controller, annotations }: Pick<Pod, 'controller' | 'annotations'>): boolean {
  return controller === 'Node' || 'kubernetes.io/config.mirror' in annotations;
}
