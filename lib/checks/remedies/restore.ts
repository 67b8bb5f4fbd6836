/** Repairs of the network of a running pod that the tool makes itself, where one known state of one known object is lost. */
import type { PodNetwork } from '../../model/evidence.ts';
import type { RepairOf } from '../../model/repair.ts';
import { type Restorable, restoreSchema } from '../../model/restorable.ts';

/** An object of the pod, without the namespace, which is the pod's. */
type InPod = Restorable extends infer One ? (One extends Restorable ? Omit<One, 'namespace'> : never) : never;

/**
 * For a failure: what the tool can put back. Nothing where the pod's namespace has no name that containerd makes, or an object one that no
 * plugin gives: only people repair that.
 *
 * @param objects - in the order in which they are put back
 */
export function restore(
  { sandbox, namespace }: Pick<PodNetwork, 'sandbox' | 'namespace'>,
  ...objects: readonly InPod[]
): { readonly repair?: RepairOf<'restore'> } {
  const pin = sandbox.namespacePath?.replace(/^(?:\/var)?\/run\/netns\//, '');
  const { data } = restoreSchema.safeParse({
    kind: 'restore',
    objects: objects.map((object) => ({ ...object, namespace: { pin, inode: namespace } })),
  });
  return data === undefined ? {} : { repair: data };
}

/** The node's end of the pod's pair, as it is known again. */
export function hostEnd({ name, index }: { readonly name: string; readonly index: number }) {
  return { name, index };
}
