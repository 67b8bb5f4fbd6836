import { addressBits, contains, prefixLength } from '../../computed/cidr.ts';
import { mayChangeNetwork, networkElsewhere } from '../../computed/preconditions.ts';
import { routeText } from '../../computed/routes/gateway.ts';
import { isForAll, ruleText } from '../../computed/routes/routing-decision.ts';
import { addressesOnNode, strayRoutes } from '../../computed/routes/stray-routes.ts';
import { type Address, DROPPING, type NetworkStack, type Route, type Rule } from '../../model/network.ts';
import { listed, rowsOf } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/** The kernel's own last route in each IPv6 table, "unreachable default dev lo" (net/ipv6/route.c). */
const KERNEL_METRIC = 4294967295;
/** Rules for local, main and default, which every namespace starts with. */
const BORN_WITH: readonly number[] = [0, 32766, 32767];
const MAIN = 32766;

/**
 * Links, addresses and the default route look right, but a route of another type, a rule before it, or a route to
 * a next hop that nobody has drops packets.
 */
export const podRouteBlackhole = definePodCheck({
  id: 'pod-route-blackhole',
  topic: 'routes',
  severity: 'high',
  title: 'No route inside the pod drops what it sends',
  failureTitle: 'Route inside the pod drops its traffic',
  why:
    'No CNI plugin creates such routes or rules in a pod. Traffic to the destinations that they cover, ' +
    'such as all Services or everything, fails at once or times out, while links and the default route ' +
    'look right.',
  needs: ['podNetworks', 'hostNetwork'],
  unless: ['namespace unread', networkElsewhere],
  facts({ podNetworks, hostNetwork }) {
    return { taken: addressesOnNode(podNetworks, hostNetwork) };
  },
  judge(network, { hostNetwork, taken }) {
    const routes = droppingRoutes(network.stack);
    const rules = network.stack.rules.filter(({ drops, priority }) => drops !== null && priority < MAIN);
    const stray = strayRoutes(network, hostNetwork, taken);
    if (routes.length + rules.length + stray.length === 0) return 'pass';
    // VPN clients use it to keep traffic from bypassing their tunnel.
    if (network.pod.containers.some(mayChangeNetwork))
      return 'a container of the pod may set routes, and may have set these itself';
    const causes = [
      ...(routes.length === 0 ? [] : [routes.length === 1 ? 'a route' : 'routes']),
      ...(rules.length === 0 ? [] : [rules.length === 1 ? 'a rule' : 'rules']),
    ];
    const dropped =
      causes.length === 0
        ? []
        : [
            `What the pod sends is dropped by ${causes.join(' and ')} inside it: ` +
              `${listed([...routes.map(said), ...rules.map(ruleText)])}.`,
          ];
    const lost =
      stray.length === 0
        ? []
        : [
            `Nobody on ${network.hostLink?.master} answers where the pod sends by ${listed(stray.map(said))}.`,
          ];
    return {
      detail: [...dropped, ...lost].join(' '),
      confidence: 'confirmed',
      // Nothing leaves the pod.
      ...(rules.some(isForAll) ? { severity: 'critical' as const } : {}),
      evidence: [
        ...rowsOf(routes, 10, (route) => ({
          what: `route to ${route.destination}`,
          expected: 'none that drops',
          actual: said(route),
          source: `ip -${route.family} route show table all, ip rule (netns ${network.namespace})`,
        })),
        ...rowsOf(stray, 10, (route) => ({
          what: `next hop of the route to ${route.destination}`,
          expected: 'an address of the node, or of a pod on it',
          actual: said(route),
          source: `ip -4 route (netns ${network.namespace}), ip addr (node and pods)`,
        })),
        ...rowsOf(rules, 10, (rule) => ({
          what: `rule ${rule.priority}, asked before the main table`,
          expected: 'none that drops',
          actual: ruleText(rule),
          source: `ip -${rule.family} rule (netns ${network.namespace})`,
        })),
      ],
      remedy: recreatePod(network.pod),
    };
  },
});

/** Routes that packets reach: in the main table, or in one that a rule leads to. */
function droppingRoutes({ routes, rules, addresses }: NetworkStack): Route[] {
  const led = new Set(rules.filter(isAdded).map(({ family, table }) => `${family} ${table}`));
  const lowest = lowestMetrics(routes);
  return routes.filter(
    (route) =>
      (DROPPING.includes(route.type) ||
        (isThrown(route) && !isAskedFurther(route.family, routes, rules)) ||
        (isToItself(route) && !isOwn(route, addresses))) &&
      route.metric !== KERNEL_METRIC &&
      // If it replaces the default route, pod-default-route-missing reports it; behind a real one it is never
      // used.
      (route.table === 'main'
        ? !route.destination.endsWith('/0')
        : led.has(`${route.family} ${route.table}`)) &&
      // Behind a route to the same destination with a lower metric, it is an unused last resort.
      !((lowest.get(wayOf(route)) ?? Number.POSITIVE_INFINITY) < (route.metric ?? 0)),
  );
}

const isThrown = ({ type, table }: Route): boolean => type === 'throw' && table === 'main';

/** Whether another table may answer, before the main table or after it: at first `default` alone, which is empty. */
function isAskedFurther(family: 4 | 6, routes: readonly Route[], rules: readonly Rule[]): boolean {
  const led = rules.flatMap((rule) => (rule.family === family && isAdded(rule) ? [rule.table] : []));
  const tables = new Set(['default', ...led.filter((table) => table !== 'main' && table !== 'local')]);
  return routes.some(
    (route) =>
      route.family === family &&
      tables.has(route.table) &&
      route.type !== 'throw' &&
      !DROPPING.includes(route.type),
  );
}

/** The kernel drops what comes in by lo for an address that it does not have. IPv6 has such a route for ::1. */
const isToItself = ({ type, family, link, gateway, table }: Route): boolean =>
  type === 'unicast' && family === 4 && link === 'lo' && gateway === null && table === 'main';

/**
 * What is for the pod itself: the table `local` answers. On lo, whole subnets are the pod's own. Of these, a narrower route
 * in the main table does drop until the first rule is added, as the kernel searches both tables as one: such a route is missed.
 */
function isOwn({ destination }: Route, addresses: readonly Address[]): boolean {
  const [first = ''] = destination.split('/');
  const length = prefixLength(destination);
  return [
    '127.0.0.0/8',
    ...addresses.map(
      (held) => `${held.address}/${held.link === 'lo' ? held.prefixLength : addressBits(held.address)}`,
    ),
  ].some((range) => length >= prefixLength(range) && contains(range, first));
}

const wayOf = ({ family, table, destination }: Route) => `${family} ${table} ${destination}`;

/** The lowest metric of each destination, among routes that lead somewhere. */
function lowestMetrics(routes: readonly Route[]): ReadonlyMap<string, number> {
  const lowest = new Map<string, number>();
  for (const route of routes) {
    if (route.type !== 'unicast' || route.flags.includes('dead') || isToItself(route)) continue;
    const metric = route.metric ?? 0;
    if (metric < (lowest.get(wayOf(route)) ?? Number.POSITIVE_INFINITY)) lowest.set(wayOf(route), metric);
  }
  return lowest;
}

const isAdded = (rule: Rule) => !BORN_WITH.includes(rule.priority);

const said = (route: Route) =>
  `${routeText(route)}${route.table === 'main' ? '' : ` in table ${route.table}`}`;
