/** What both checks of a pod's own rules ask before they judge. */

import { networkElsewhere } from '../../computed/preconditions.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { AuditedObject } from '../../model/finding.ts';
import type { PacketFilter } from '../../model/network.ts';
import { notApplicable, type Outcome, pass, podObject, unknown } from '../define.ts';

/** `find` picks rules of a pod; `judge` gets those that no container with `mayOwn` can have written. */
export function judgeRules<Found>(
  networks: readonly PodNetwork[],
  node: string,
  {
    find,
    mayOwn,
    judge,
  }: {
    readonly find: (network: PodNetwork, filters: readonly PacketFilter[]) => readonly Found[];
    readonly mayOwn: (container: PodNetwork['pod']['containers'][number]) => boolean;
    readonly judge: (
      object: AuditedObject,
      found: readonly Found[],
      network: PodNetwork,
      filters: readonly PacketFilter[],
    ) => Outcome;
  },
): Outcome[] {
  return networks.map((network) => {
    const object = podObject(network.pod, node);
    if (network.stack === null) return unknown(object, 'the namespace of the pod could not be read');
    const elsewhere = networkElsewhere(network);
    if (elsewhere !== null) return notApplicable(object, elsewhere);
    const { packetFilters, packetFiltersFailed } = network.stack;
    const found = find(network, packetFilters);
    if (found.length === 0) {
      return packetFiltersFailed === null ? pass(object) : unknown(object, packetFiltersFailed);
    }
    const owner = network.pod.containers.find(mayOwn);
    if (owner !== undefined) {
      return notApplicable(object, `container ${owner.name} may change the network, and may own these rules`);
    }
    return judge(object, found, network, packetFilters);
  });
}
