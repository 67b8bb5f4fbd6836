/**
 * Repairs of the network of a running pod that the tool makes itself, where one known state of one known
 * object is lost.
 */
import type { PodNetwork } from '../../model/evidence.ts';
import type { RepairOf } from '../../model/repair.ts';
import { type Restorable, restoreSchema } from '../../model/restorable.ts';

/** An object of the pod, without the namespace, which is the pod's. */
type InPod = Restorable extends infer One ? (One extends Restorable ? Omit<One, 'namespace'> : never) : never;

type Named = Pick<PodNetwork, 'sandbox' | 'namespace'>;

/**
 * For a failure: what the tool can put back. Nothing where the pod's namespace has no name that containerd
 * makes, or an object one that no plugin gives: only people repair that.
 *
 * @param objects - in the order in which they are put back
 */
export function restore(
  network: Named,
  ...objects: readonly InPod[]
): { readonly repair?: RepairOf<'restore'> } {
  return restoreEach(objects.map((object) => [network, object]));
}

/** An object, and a pod that lacks or needs it. */
export type LostObject = readonly [Named, InPod];

/** As {@link restore}, of several pods, or of the node, which says with each a pod that needs it. */
export function restoreEach(objects: readonly LostObject[]): {
  readonly repair?: RepairOf<'restore'>;
} {
  const { data } = restoreSchema.safeParse({
    kind: 'restore',
    objects: objects.map(([network, object]) => ({ ...object, namespace: namespaceOf(network) })),
  });
  return data === undefined ? {} : { repair: data };
}

/** The namespace of a pod, as it is known again; of one that no runtime names, what is never touched. */
export function namespaceOf({ sandbox, namespace }: Named) {
  const pin = sandbox.namespacePath?.replace(/^(?:\/var)?\/run\/netns\//, '') ?? '';
  return { pin, inode: namespace ?? 0 };
}

/** The node's end of the pod's pair, as it is known again; of one that is not known, what is never put back. */
export function hostEnd(link: { readonly name: string; readonly index: number } | null) {
  return link === null ? { name: '', index: 0 } : { name: link.name, index: link.index };
}
