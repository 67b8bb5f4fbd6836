/** The packets of a VXLAN tunnel as the nodes at its ends see them: UDP between addresses of nodes. */
import { ENCRYPTED_WAYS } from '../../model/cni-names.ts';
import { CILIUM_CNI } from '../../model/cni-plugins.ts';
import type { Sources } from '../../model/evidence.ts';
import type { NetworkStack } from '../../model/network.ts';
import { familyOf, sameAddress } from '../cidr.ts';
import type { FilteredPacket } from '../firewall/filtered-packet.ts';
import { bestOf } from '../routes/routing-decision.ts';
import { announcedAddresses, reachedBy, type Tunnel } from './tunnel.ts';

/** Rules that let some nodes through may be meant; rules that stop several of them stop them all. */
const ASKED = 5;
/** Of one node: which of its addresses it sends from is not always known. */
const OF_NODE = 3;
/** Links that see packets again which came in by another: decrypted, or for a virtual router. */
const BEHIND: readonly (string | null)[] = ['wireguard', 'vrf', 'xfrm'];
/** No packet of another node comes in by these, though a node may have its address there. */
const INSIDE: readonly (string | null)[] = ['dummy', 'vxlan', 'geneve'];

export type TunnelEnds = {
  /** Addresses at which the node may get what the tunnel brings. */
  readonly own: readonly string[];
  /** Of each other node that is reached through it. */
  readonly others: readonly (readonly string[])[];
};

type Asked = {
  readonly node: Pick<Sources['node'], 'addresses' | 'annotations'>;
  readonly host: NetworkStack;
  readonly otherNodes: Sources['otherNodes'];
};

/** What is dropped of nodes that have just joined is dropped of all. */
const HOWEVER_YOUNG = Number.POSITIVE_INFINITY;

/** The addresses that agents announce or the device has are those of the tunnel, whatever the API lists first. */
export function tunnelEnds(tunnel: Tunnel, { node, host, otherNodes }: Asked): TunnelEnds {
  const local = tunnel.link?.vxlanLocal ?? null;
  const own = local === null ? [...announcedAddresses(node.annotations), ...node.addresses] : [local];
  const others =
    tunnel.plugin === CILIUM_CNI
      ? otherNodes.filter(({ ready }) => ready)
      : reachedBy(tunnel, host, otherNodes, HOWEVER_YOUNG);
  return {
    own: own.filter((address) => host.addresses.some((held) => sameAddress(held.address, address))),
    others: others.map(({ addresses }) => addresses),
  };
}

/** Why the node may not need the tunnel's port; null if it does. */
export function needlessTunnel({ plugin, device }: Tunnel, { routes, links }: NetworkStack): string | null {
  const encrypted = links.find(({ name }) => ENCRYPTED_WAYS.test(name));
  if (encrypted !== undefined) return `${encrypted.name} may carry what is for pods of other nodes`;
  // flannel and Calico route to nodes of the same network without it, if they are told to.
  return plugin === CILIUM_CNI || routes.some(({ link }) => link === device)
    ? null
    : `no route leads to another node over ${device}`;
}

/** Links by which packets of the tunnel may come in and leave. Empty if that is not known. */
export function tunnelLinks({ own, others }: TunnelEnds, host: NetworkStack): readonly string[] {
  return [
    ...new Set([
      ...own.flatMap((address) => linksOf(address, null, host)),
      ...own.flatMap((address) => others.flat().flatMap((other) => linksOf(address, other, host))),
    ]),
  ];
}

function linksOf(own: string, other: string | null, host: NetworkStack): string[] {
  const { addresses, links, routes } = host;
  const family = familyOf(own);
  const held = addresses.filter(({ address }) => sameAddress(address, own)).map(({ link }) => link);
  const best =
    other === null || familyOf(other) !== family
      ? null
      : bestOf(routes, 'main', { family, destination: other });
  const towards = routes.filter(
    ({ table, destination }) => best !== null && table === best.table && destination === best.destination,
  );
  const known = new Set([...held, ...towards.map(({ link }) => link)]);
  const outer = links
    .filter(({ name, loopback, kind }) => known.has(name) && !loopback && !INSIDE.includes(kind))
    .map(({ name }) => name);
  return outer.length === 0
    ? []
    : [...outer, ...links.filter(({ kind }) => BEHIND.includes(kind)).map(({ name }) => name)];
}

/**
 * What other nodes send to the node, and what it sends to them, from each address and by each link that they may use.
 * Empty if none is known.
 */
export function tunnelPackets(
  { own, others }: TunnelEnds,
  host: NetworkStack,
  port: number,
): Readonly<Record<'received' | 'sent', readonly FilteredPacket[]>> {
  const ways = own.slice(0, OF_NODE).flatMap((address) => {
    const family = familyOf(address);
    return others.slice(0, ASKED).flatMap((addresses) =>
      addresses
        .filter((other) => familyOf(other) === family)
        .slice(0, OF_NODE)
        .flatMap((other) => linksOf(address, other, host).map((link) => ({ family, address, other, link }))),
    );
  });
  const packet = { state: 'NEW', protocol: 'udp', port, inputPort: null, outputPort: null } as const;
  return {
    received: ways.map(({ family, address, other, link }) => ({
      ...{ ...packet, family, way: 'received', source: other, destination: address },
      ...{ inputLink: link, outputLink: null, devices: [link] },
    })),
    sent: ways.map(({ family, address, other, link }) => ({
      ...{ ...packet, family, way: 'sent', source: address, destination: other },
      ...{ inputLink: null, outputLink: link, devices: [] },
    })),
  };
}
