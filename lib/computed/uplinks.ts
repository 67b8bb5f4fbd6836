/** How a node reaches everything that is not on it. */
import type { NetworkStack, Route } from '../model/network.ts';
import { familyOf, prefixLength } from './cidr.ts';

/** The address family in which the cluster knows the node; 4 where the API names none. */
export function nodeFamily(addresses: readonly string[]): 4 | 6 {
  const [first] = addresses.filter((address) => /^[0-9a-f:.]+$/i.test(address) && /[.:]/.test(address));
  return first === undefined ? 4 : familyOf(first);
}

/** Default routes of one family in the tables that every packet of the node is looked up in, best first. */
export function defaultRoutes(host: NetworkStack, family: 4 | 6): Route[] {
  const always = host.rules
    .filter((rule) => rule.family === family && rule.table !== null && isForAll(rule))
    .map(({ table }) => table);
  const tables = new Set<string | null>(['main', ...always]);
  return host.routes
    .filter(
      (route) => route.family === family && tables.has(route.table) && prefixLength(route.destination) === 0,
    )
    .toSorted((a, b) => (a.metric ?? 0) - (b.metric ?? 0));
}

function isForAll(rule: NetworkStack['rules'][number]): boolean {
  return (
    /^(all|0\.0\.0\.0\/0|::\/0|)$/.test(rule.source) &&
    (rule.destination === null || /^(all|0\.0\.0\.0\/0|::\/0)$/.test(rule.destination)) &&
    rule.inputLink === null &&
    rule.outputLink === null &&
    rule.fwmark === null
  );
}

/** Links of the default routes and those that hold an address by which the cluster knows the node. */
export function uplinks(host: NetworkStack, nodeAddresses: readonly string[]): string[] {
  const known = new Set(nodeAddresses);
  const links = [
    ...([4, 6] as const).flatMap((family) => defaultRoutes(host, family).flatMap(({ link }) => link ?? [])),
    ...host.addresses.filter(({ address }) => known.has(address)).map(({ link }) => link),
  ];
  return [...new Set(links)];
}
