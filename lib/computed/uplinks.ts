/** How a node reaches everything that is not on it. */
import { isIP } from 'node:net';
import type { NetworkStack, Route } from '../model/network.ts';
import { familyOf, prefixLength } from './cidr.ts';

/** The address family in which the cluster knows the node; 4 where the API names none. */
export function nodeFamily(addresses: readonly string[]): 4 | 6 {
  // Its names are among them.
  const first = addresses.find((address) => isIP(address) !== 0);
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

/** The link by which IPv4 leaves the node, and most of what is for its pods comes in; null where nothing tells it. */
export function uplinkOf(host: NetworkStack): string | null {
  return defaultRoutes(host, 4)[0]?.link ?? null;
}

/** Routes beside a default route by which a node may reach the world: halves of it, or in tables for some packets only. */
export function otherWaysOut(host: NetworkStack, family: 4 | 6): Route[] {
  return host.routes.filter(
    (route) =>
      route.family === family &&
      route.type === 'unicast' &&
      (prefixLength(route.destination) === 1 ||
        (prefixLength(route.destination) === 0 && route.table !== 'main')),
  );
}
