/** How a node reaches everything outside itself. */
import { isIP } from 'node:net';
import type { NetworkStack, Route, Rule } from '../../model/network.ts';
import { familyOf, prefixLength } from '../cidr.ts';
import { isForAll } from './routing-decision.ts';

/** The address family of the node's address in the API; 4 if the API has none. */
export function nodeFamily(addresses: readonly string[]): 4 | 6 {
  // The list also contains host names.
  const first = addresses.find((address) => isIP(address) !== 0);
  return first === undefined ? 4 : familyOf(first);
}

/** One family's default routes in the tables that apply to every packet of the node, best first. */
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

/** The link by which IPv4 packets leave the node, and by which most packets for its pods arrive; null if unknown. */
export function uplinkOf(host: NetworkStack): string | null {
  return defaultRoutes(host, 4)[0]?.link ?? null;
}

/**
 * Other routes by which a node may reach the outside: halves of a default route, or routes in tables for
 * certain packets. A table for packets from one address does not count: the VPC CNI has them for pods, and for each of
 * its network interfaces, and a socket that is not bound has no address yet when its route is chosen.
 */
export function otherWaysOut(host: NetworkStack, family: 4 | 6): Route[] {
  const rules = host.rules.filter((rule) => rule.family === family);
  const isOfOneAddress = ({ source }: Rule): boolean => isIP(source.replace(/\/(?:32|128)$/, '')) !== 0;
  // A rule without a table may choose one by the device (VRF).
  const serves = (table: string | null): boolean =>
    rules.some(
      (rule) => (rule.table === table || rule.table === null) && rule.drops === null && !isOfOneAddress(rule),
    );
  return host.routes.filter(
    (route) =>
      route.family === family &&
      route.type === 'unicast' &&
      (prefixLength(route.destination) === 1 ||
        (prefixLength(route.destination) === 0 && route.table !== 'main' && serves(route.table))),
  );
}
