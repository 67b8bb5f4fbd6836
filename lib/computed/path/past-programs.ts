/** Packets of pods of Cilium whose programs hand them on to the node's kernel. */
import { CILIUM_CNI, cniPlugin } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { familyOf } from '../cidr.ts';
import type { FilteredPacket } from '../firewall/filtered-packet.ts';
import { layoutOf } from '../layouts.ts';
import { linkFault, mainAddresses, networkElsewhere } from '../preconditions.ts';

/** The node's link to which the kernel sends what is for pods. */
export const BEHIND = cniPlugin(CILIUM_CNI)?.layout?.gatewayLink ?? null;

/** What a pod sends, without where that goes. */
export type From = Omit<FilteredPacket, 'destination' | 'outputLink' | 'source' | 'inputLink'> & {
  readonly source: string;
  readonly inputLink: string;
};

/** Null for pods of other plugins. */
export function pastOf(network: PodNetwork): From | null {
  const source = mainAddresses(network)[0]?.address;
  const inputLink = network.hostLink?.name ?? null;
  if (typeof layoutOf(network) === 'string' || network.plugin !== CILIUM_CNI || source === undefined)
    return null;
  if (inputLink === null || networkElsewhere(network) !== null || linkFault(network) !== null) return null;
  const family = familyOf(source);
  return {
    ...{ way: 'forwarded', family, state: 'NEW', source, inputLink, devices: [inputLink] },
    ...{ inputPort: null, outputPort: null, protocol: null, port: null },
  };
}

/** The kernel sends what is for pods of Cilium to one link of its own. */
export function deliveredBehind(packet: FilteredPacket): FilteredPacket {
  return { ...packet, outputLink: BEHIND };
}
