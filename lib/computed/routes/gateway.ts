/** How packets leave a pod: its default route in the kernel, and the one that the CNI plugin set. */

import type { Layout } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { DROPPING, NEXT_HOP, type Route } from '../../model/network.ts';
import { addressBits, familyOf, sameAddress } from '../cidr.ts';
import { layoutOf } from '../layouts.ts';
import { linkFault, mainAddresses, mayChangeNetwork, networkElsewhere } from '../preconditions.ts';

export type Family = 4 | 6;

const DEFAULTS: readonly string[] = ['0.0.0.0/0', '::/0'];
/** What VPN clients add instead of changing the default route. */
const HALVES: readonly string[] = ['0.0.0.0/1', '::/1'];

/** A pod whose default route can be judged. `families`: those of its addresses that should have one. */
export type WayOut = { readonly layout: Layout; readonly families: readonly Family[] };

/** What is needed to judge the routes of a pod, or why they cannot be judged. */
export function wayOut(network: PodNetwork): WayOut | string {
  if (network.pod.podIPs.length === 0) return 'the pod has no address in the API';
  const elsewhere = networkElsewhere(network) ?? linkFault(network);
  if (elsewhere !== null) return elsewhere;
  const layout = layoutOf(network);
  if (typeof layout === 'string') return layout;
  const expected = ([4, 6] as const).filter(
    (family) =>
      network.pod.podIPs.some((ip) => familyOf(ip) === family) && hasDefaultRoute(network, layout, family),
  );
  if (expected.length === 0) return 'the CNI plugin gave the pod no default route';
  // The kernel drops an interface's routes with its last address.
  const families = expected.filter((family) =>
    mainAddresses(network).some((address) => address.family === family),
  );
  if (families.length === 0) return `${network.interface} has no address: see pod-address-missing`;
  return { layout, families };
}

function hasDefaultRoute(network: PodNetwork, layout: Layout, family: Family): boolean {
  return layout.defaultRoute || resultHasDefault(network, family);
}

function resultHasDefault({ results }: PodNetwork, family: Family): boolean {
  return (results[0]?.routes ?? []).some(
    ({ destination }) => DEFAULTS.includes(destination) && familyOf(destination) === family,
  );
}

/**
 * Families of a pod of another layout whose CNI result names a default route, and which has none in any table:
 * chained plugins (sbr, vrf) move it to one of their own.
 */
export function lostDefaults(network: PodNetwork): readonly Family[] {
  const { link, stack } = network;
  if (typeof layoutOf(network) !== 'string' || networkElsewhere(network) !== null) return [];
  // A VPN client may replace the default route by any number of shorter ones.
  if (network.pod.containers.some(mayChangeNetwork)) return [];
  const isWhole = link?.kind === 'veth' ? linkFault(network) === null : link?.up === true;
  if (!isWhole || stack === null) return [];
  return ([4, 6] as const).filter(
    (family) =>
      resultHasDefault(network, family) &&
      mainAddresses(network).some((address) => address.family === family) &&
      !stack.routes.some(
        (route) =>
          route.family === family &&
          !DROPPING.includes(route.type) &&
          [...DEFAULTS, ...HALVES].includes(route.destination),
      ),
  );
}

/** The gateway that the CNI result or the layout names; null if neither does, or if it differs by design. */
export function expectedGateway(network: PodNetwork, layout: Layout | null, family: Family): string | null {
  const result = network.results[0];
  const route = result?.routes.find(
    ({ destination, gateway }) =>
      gateway !== null && DEFAULTS.includes(destination) && familyOf(destination) === family,
  );
  const address = result?.addresses.find(
    (given) => given.gateway !== null && familyOf(given.address) === family,
  );
  return route?.gateway ?? address?.gateway ?? layout?.gateway[family] ?? null;
}

/** All gateways that the CNI result names. */
export function resultGateways({ results }: Pick<PodNetwork, 'results'>): string[] {
  const [result] = results;
  return [...(result?.addresses ?? []), ...(result?.routes ?? [])].flatMap(({ gateway }) => gateway ?? []);
}

export type DefaultRoute =
  | { readonly state: 'right'; readonly route: Route }
  | { readonly state: 'missing' }
  /**
   * The route drops, or uses another interface or gateway than the plugin set; `partly`: one of its next hops is
   * right.
   */
  | { readonly state: 'elsewhere'; readonly route: Route; readonly partly: boolean };

/** The default route of the main table; if there are several, the one with the lowest metric. */
export function defaultRouteOf(network: PodNetwork, layout: Layout, family: Family): DefaultRoute {
  const main = (network.stack?.routes ?? []).filter(
    (route) => route.family === family && route.table === 'main',
  );
  const routes = main.filter(({ type }) => type === 'unicast');
  const defaults = routes
    .filter(({ destination }) => DEFAULTS.includes(destination))
    .toSorted((a, b) => (a.metric ?? 0) - (b.metric ?? 0));
  const [first] = defaults;
  if (first === undefined) {
    const half = routes.find(({ destination }) => HALVES.includes(destination));
    return half === undefined ? { state: 'missing' } : { state: 'elsewhere', route: half, partly: false };
  }
  const dropping = main.find(
    ({ type, destination, metric }) =>
      DROPPING.includes(type) && DEFAULTS.includes(destination) && (metric ?? 0) < (first.metric ?? 0),
  );
  if (dropping !== undefined) return { state: 'elsewhere', route: dropping, partly: false };
  const gateway = expectedGateway(network, layout, family);
  // IPv6 gateways may be link-local addresses that no result names, so any gateway on the interface is
  // accepted.
  const isRight = (route: Route): boolean =>
    route.link === network.interface &&
    (family === 6 || gateway === null || (route.gateway !== null && sameAddress(route.gateway, gateway)));
  // Connections are spread over the next hops of one route.
  const hops = defaults.filter(
    ({ metric, flags }) => metric === first.metric && flags.includes(NEXT_HOP) && !flags.includes('dead'),
  );
  const wrong = (first.flags.includes(NEXT_HOP) ? hops : [first]).find((route) => !isRight(route));
  return wrong === undefined
    ? { state: 'right', route: first }
    : { state: 'elsewhere', route: wrong, partly: hops.some(isRight) };
}

/** The route as `ip route` writes it. */
export function routeText(route: Route): string {
  const destination = DEFAULTS.includes(route.destination)
    ? 'default'
    : route.destination.replace(/\/(32|128)$/, (bits) =>
        bits === `/${addressBits(route.destination)}` ? '' : bits,
      );
  return [
    ...(route.type === 'unicast' ? [] : [route.type]),
    destination,
    ...(route.gateway === null ? [] : ['via', route.gateway]),
    ...(route.link === null ? [] : ['dev', route.link]),
    ...(route.metric === null ? [] : ['metric', String(route.metric)]),
  ].join(' ');
}
