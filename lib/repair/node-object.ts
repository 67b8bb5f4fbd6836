/** What a pod that repairs a node is sent for, beside namespaces: each told so exactly that it is known again as the same. */
import type { RepairOf } from '../model/repair.ts';

export type NodeObject = {
  /** As its answer names it. */
  readonly name: string;
  /** What the pod is told of it. */
  readonly argument: string;
  /** What an audit would tell of it if it were still there. */
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
