/**
 * Objects other than namespaces for a pod that repairs a node: each is identified so precisely that the pod
 * can verify that it is still the same.
 */
import type { Finding } from '../model/finding.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { limitsArgument, limitsUndo } from '../model/raised-limits.ts';
import type { RepairOf } from '../model/repair.ts';
import { isOfNode, restorableName } from '../model/restorable.ts';
import { restoreArgument } from '../model/restore-argument.ts';
import { undoCommand } from '../model/restore-undo.ts';
import { staleArgument, staleName, staleUndo } from '../model/stale.ts';

export type NodeObject = {
  /** Its name in the pod's answer. */
  readonly name: string;
  /** The argument by which the pod gets it. */
  readonly argument: string;
  /** How an audit would name it if it still existed; of what is put back, the fingerprint of its finding. */
  readonly trace: string;
  /** The command that takes back what was done, where that can be. */
  readonly undo?: string;
};

export function leakedPair({ name, index }: RepairOf<'delete-veths'>): NodeObject {
  return { name, argument: `veth=${name}:${index}`, trace: name };
}

export function staleObjects({ objects }: RepairOf<'delete-routes'>): NodeObject[] {
  return objects.map((each) => ({
    name: staleName(each),
    argument: staleArgument(each),
    trace: staleArgument(each),
    undo: staleUndo(each),
  }));
}

export function raisedLimits(repair: RepairOf<'raise-limits'>): NodeObject {
  return {
    name: repair.limits,
    argument: limitsArgument(repair),
    trace: repair.limits,
    undo: limitsUndo(repair),
  };
}

export function plainPin({ name, inode, made }: RepairOf<'delete-pins'>): NodeObject {
  return { name, argument: `pin=${name}:${inode}:${made}`, trace: name };
}

export function leakedRecords({ records }: RepairOf<'release-addresses'>): NodeObject[] {
  return records.map(({ network, address, container }) => ({
    name: `${network}/${address}`,
    argument: `address=${network}:${address}:${container}`,
    trace: container,
  }));
}

/** Each with the name of its pod, or of what the finding is about; what is the node's has a name of its own. */
export function restorables(
  { fingerprint, object }: Pick<Finding, 'fingerprint' | 'object'>,
  { objects }: RepairOf<'restore'>,
): NodeObject[] {
  const owner = namespacedName(object);
  return objects.map((lost) => {
    const name = isOfNode(lost) ? restorableName(lost) : `${owner}/${restorableName(lost)}`;
    return { name, argument: restoreArgument(name, lost), trace: fingerprint, undo: undoCommand(lost) };
  });
}
