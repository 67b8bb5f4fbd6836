/** The packets of a VXLAN tunnel as the nodes at its ends see them: UDP between addresses of nodes. */
import type { Sources } from '../../model/evidence.ts';
import type { NetworkStack } from '../../model/network.ts';
import { familyOf, sameAddress } from '../cidr.ts';
import type { FilteredPacket } from '../firewall/filtered-packet.ts';

/** Rules that let some nodes through may be meant; rules that stop several of them stop them all. */
const ASKED = 5;

/** What other nodes send to the node, and what it sends to them. Empty if none is known of its family. */
export function tunnelPackets(
  { addresses: own }: Pick<Sources['node'], 'addresses'>,
  host: NetworkStack,
  otherNodes: Sources['otherNodes'],
  port: number,
): Readonly<Record<'received' | 'sent', readonly FilteredPacket[]>> {
  const held = host.addresses.find(({ address }) => own.some((each) => sameAddress(each, address)));
  if (held === undefined) return { received: [], sent: [] };
  const { address, family, link } = held;
  const others = otherNodes
    .flatMap(({ addresses }) => addresses.filter((each) => familyOf(each) === family).slice(0, 1))
    .slice(0, ASKED);
  const packet = { family, state: 'NEW', protocol: 'udp', port, inputPort: null, outputPort: null } as const;
  return {
    received: others.map((source) => ({
      ...packet,
      way: 'received',
      source,
      destination: address,
      inputLink: link,
      outputLink: null,
      devices: [link],
    })),
    sent: others.map((destination) => ({
      ...packet,
      way: 'sent',
      source: address,
      destination,
      inputLink: null,
      outputLink: link,
      devices: [],
    })),
  };
}
