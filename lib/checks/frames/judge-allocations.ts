/** What every check of a pod's addresses in their IPAM store asks first. */
import { addressesInUse, ipamOf } from '../../computed/allocations.ts';
import type { Ipam, PodNetwork } from '../../model/evidence.ts';
import type { AuditedObject } from '../../model/finding.ts';
import { notApplicable, type Outcome, podObject } from '../define.ts';

/** Calls `judge` with each pod whose addresses can be compared with their store; says why the others cannot. */
export function judgeAllocations(
  networks: readonly PodNetwork[],
  stores: readonly Ipam[],
  node: string,
  judge: (object: AuditedObject, network: PodNetwork, store: Ipam, addresses: readonly string[]) => Outcome,
): Outcome[] {
  return networks.map((network) => {
    const object = podObject(network.pod, node);
    const store = ipamOf(network, stores);
    if (typeof store === 'string') return notApplicable(object, store);
    const addresses = addressesInUse(network);
    if (addresses.length === 0) return notApplicable(object, 'the pod has no address to compare');
    if (store.corrupt.some(({ path }) => path === store.path)) {
      return notApplicable(object, 'the store cannot be read: see ipam-corrupt');
    }
    return judge(object, network, store, addresses);
  });
}
