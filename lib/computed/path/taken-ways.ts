/** Networks and addresses of the node itself that take what is for other nodes and their pods. */
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import type { NetworkStack, Route } from '../../model/network.ts';
import { addressBits, addressKey, contains, familyOf, prefixLength, sameAddress } from '../cidr.ts';
import { routeText } from '../routes/gateway.ts';
import { defaultRoutes } from '../routes/uplinks.ts';
import { routesToPods } from './pod-packets.ts';
import { routesIntoTunnel } from './tunnel.ts';

export type TakenWay = {
  /** What takes it, and whom it is for, in words. */
  readonly text: string;
  readonly whom: string;
  /** Not for another node itself, which a tunnel needs as well. */
  readonly ofPods: boolean;
  readonly source: string;
  /** The arguments of the command that ends it. */
  readonly remove: readonly string[];
};

/** Bridges of container engines and virtual machines: nothing of other nodes is behind them. */
const LOCAL: readonly (string | null)[] = ['bridge', 'dummy'];

export function takenWays(
  host: NetworkStack,
  { node, otherNodes, podNetworks }: Pick<Sources, 'node' | 'otherNodes' | 'podNetworks'>,
): TakenWay[] {
  return [
    ...heldAddresses(host, { node, otherNodes }),
    ...takingRoutes(host, { node, otherNodes, podNetworks }),
  ];
}

/** The kernel delivers to the node itself what is for an address that it has, on whichever link. */
function heldAddresses(
  host: NetworkStack,
  { node, otherNodes }: Pick<Sources, 'node' | 'otherNodes'>,
): TakenWay[] {
  const own = new Set(node.addresses.map(addressKey));
  // The first of a family is the node's own; a floating one that follows may have moved here.
  const names = new Map(
    otherNodes.flatMap(({ name, addresses }) =>
      ([4, 6] as const).flatMap((family) => {
        const first = addresses.find((address) => familyOf(address) === family);
        return first === undefined ? [] : [[addressKey(first), name] as const];
      }),
    ),
  );
  return host.addresses.flatMap(({ address, prefixLength: length, link }) => {
    const name = names.get(addressKey(address));
    // One that moves between nodes may be written down for two.
    if (name === undefined || own.has(addressKey(address))) return [];
    return {
      text: `the node's own ${address} on ${link}`,
      whom: `node ${name}`,
      ofPods: false,
      source: 'ip addr (node)',
      remove: ['ip', 'addr', 'del', `${address}/${length}`, 'dev', link],
    };
  });
}

/** A network of the node that lies in the range of another node's pods, or around the address of another node. */
function takingRoutes(
  host: NetworkStack,
  { node, otherNodes, podNetworks }: Pick<Sources, 'node' | 'otherNodes' | 'podNetworks'>,
): TakenWay[] {
  const main = host.routes.filter(({ table, type }) => table === 'main' && type === 'unicast');
  const local = localLinks(host, { node, podNetworks });
  const toOthers = [...routesToPods(host, otherNodes), ...routesIntoTunnel(host)];
  return main.flatMap((route) => {
    const { family, destination, gateway, link } = route;
    if (gateway !== null || link === null || !local.has(link)) return [];
    const length = prefixLength(destination);
    const [first = ''] = destination.split('/');
    const pods = toOthers.find(
      (other) =>
        other.family === family &&
        length > prefixLength(other.destination) &&
        contains(other.destination, first),
    );
    const [other] = otherNodes.flatMap(({ name, addresses }) =>
      addresses.some(
        (address) =>
          familyOf(address) === family &&
          contains(destination, address) &&
          isNear(address, length, main, local),
      )
        ? [name]
        : [],
    );
    const whom =
      pods === undefined ? (other === undefined ? null : `node ${other}`) : `pods in ${pods.destination}`;
    return whom === null || isHost(route)
      ? []
      : {
          text: `"${routeText(route)}"`,
          whom,
          ofPods: pods !== undefined,
          source: `ip -${family} route show table main (node)`,
          remove: ['ip', `-${family}`, 'route', 'del', destination, 'dev', link, 'table', 'main'],
        };
  });
}

/** Those of pods, of the node's own address and of its default route lead to others. */
function localLinks(
  host: NetworkStack,
  { node, podNetworks }: { readonly node: Sources['node']; readonly podNetworks: readonly PodNetwork[] },
): ReadonlySet<string> {
  const used = new Set([
    ...podNetworks.flatMap(({ hostLink }) => [hostLink?.name, hostLink?.master]),
    ...host.addresses
      .filter(({ address }) => node.addresses.some((own) => sameAddress(own, address)))
      .map(({ link }) => link),
    ...([4, 6] as const).flatMap((family) => defaultRoutes(host, family).map(({ link }) => link)),
  ]);
  // A bridge with anything else than pairs among its ports may be an uplink.
  const leading = new Set(
    host.links.flatMap(({ master, kind }) => (master !== null && kind !== 'veth' ? [master] : [])),
  );
  return new Set(
    host.links.flatMap(({ name, kind }) =>
      LOCAL.includes(kind) && !used.has(name) && !leading.has(name) ? [name] : [],
    ),
  );
}

/** A wider network of the node, behind another link, has the address too. */
const isNear = (
  address: string,
  length: number,
  main: readonly Route[],
  local: ReadonlySet<string>,
): boolean =>
  main.some(
    ({ destination, gateway, link }) =>
      gateway === null &&
      link !== null &&
      !local.has(link) &&
      prefixLength(destination) > 0 &&
      prefixLength(destination) < length &&
      contains(destination, address),
  );

/** Of one address: what attaches pods writes such routes. */
const isHost = ({ destination }: Route): boolean =>
  prefixLength(destination) === addressBits(destination.split('/')[0] ?? '');
