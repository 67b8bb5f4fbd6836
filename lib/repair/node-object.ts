/**
 * Objects other than namespaces for a pod that repairs a node: each is identified so precisely that the pod
 * can verify that it is still the same.
 */
import type { RepairOf } from '../model/repair.ts';

export type NodeObject = {
  /** Its name in the pod's answer. */
  readonly name: string;
  /** The argument by which the pod gets it. */
  readonly argument: string;
  /** How an audit would name it if it still existed. */
  readonly trace: string;
};

export function leakedPair({ name, index }: RepairOf<'delete-veths'>): NodeObject {
  return { name, argument: `veth=${name}:${index}`, trace: name };
}

export function leakedRecords({ records }: RepairOf<'release-addresses'>): NodeObject[] {
  return records.map(({ network, address, container }) => ({
    name: `${network}/${address}`,
    argument: `address=${network}:${address}:${container}`,
    trace: container,
  }));
}
