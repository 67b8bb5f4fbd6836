/** The node's route to one pod, of plugins that give each pod a route of its own. */
import type { Layout } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { Route } from '../../model/network.ts';
import { hostEnd } from './restore.ts';

/** The metric of routes of IPv6 that were given none. */
const METRIC_6 = 1024;

/**
 * For `restore`: the route as its plugin makes it.
 * @param found - the wrong one in its place; one that could not be made again as it was is left to people
 */
export function ownRoute(
  { hostLink }: PodNetwork,
  { hostRouteScope: scope }: Layout,
  address: string,
  found: Route | null = null,
) {
  const isPlain = ({ type, gateway, metric, mtu, scope: its }: Route): boolean =>
    type === 'unicast' &&
    gateway === null &&
    mtu === null &&
    (metric ?? METRIC_6) === METRIC_6 &&
    (address.includes(':') || its === scope);
  return {
    what: 'host-route',
    link: hostEnd(found === null || isPlain(found) ? hostLink : null),
    address,
    scope,
    instead: found?.link ?? null,
  } as const;
}
