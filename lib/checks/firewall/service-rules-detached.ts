import { type DroppedService, droppedServices } from '../../computed/firewall/dropped-services.ts';
import { familyOfTable, natChain, rulesOfNat, toolOf } from '../../computed/firewall/nat-chain.ts';
import { brokenServiceWays, hasServiceMap, isOfNftables } from '../../computed/firewall/service-maps.ts';
import {
  isProxyReplaced,
  SERVICES,
  type ServiceProxy,
  serviceProxyIn,
  uncertain,
} from '../../computed/firewall/service-rules.ts';
import { takenServices } from '../../computed/firewall/taken-services.ts';
import { routeText } from '../../computed/routes/gateway.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import type { PacketFilter } from '../../model/network.ts';
import { listed, quote } from '../../model/text.ts';
import { defineCheck, type Failure, fail, nodeObject, notApplicable, pass, unknown } from '../define.ts';
import { failureOfTaken } from '../frames/taken-services.ts';
import { restartProxy } from '../remedies/restart-proxy.ts';
import { command, look, lookOnNode, podsOnNode, repairOnNode } from '../remedies/steps.ts';

/** Into which chain of kube-proxy a built-in one leads, with the comment of that rule, and what goes that way. */
const WAYS = [
  {
    chain: 'PREROUTING',
    to: SERVICES,
    comment: 'kubernetes service portals',
    whose: 'packets of pods, and from outside',
  },
  {
    chain: 'OUTPUT',
    to: SERVICES,
    comment: 'kubernetes service portals',
    whose: 'packets of the node itself and of pods on its network',
  },
  {
    chain: 'POSTROUTING',
    to: 'KUBE-POSTROUTING',
    comment: 'kubernetes postrouting rules',
    whose: 'packets from outside to pods of other nodes, and of pods to themselves through a Service',
  },
] as const;

/** Seconds in which a node that starts may not have the rules of kube-proxy. */
const BOOTING = 900;

/**
 * Whoever flushes the built-in chains, or restores an older dump, loses the jumps and keeps what they led to.
 * kube-proxy writes them only when it writes all of its rules: since 1.28 once an hour (FullSyncPeriod).
 */
export const serviceRulesDetached = defineCheck({
  id: 'service-rules-detached',
  topic: 'firewall',
  severity: 'critical',
  title: "The node's packets reach the rules of Services",
  failureTitle: 'No packet reaches the rules of Services',
  why:
    'No Service answers from this node, cluster DNS included, while pods answer at their own addresses. ' +
    'kube-proxy runs, and does not notice.',
  needs: ['hostPacketFilters', 'processes', 'host', 'hostNetwork', 'clusterDns'],
  run({ hostPacketFilters, processes, host, hostNetwork, clusterDns }, { node }) {
    const object = nodeObject(node);
    const tables = hostPacketFilters.flatMap(servicesOf);
    // Where the other backend has rules of the family, these are what an earlier kube-proxy left.
    const emptied = hostPacketFilters.filter(
      (filter) => isEmptied(filter) && !tables.some(({ family }) => family === familyOfTable(filter)),
    );
    const hasMaps = hostPacketFilters.some(isOfNftables);
    const proxy = serviceProxyIn(processes);
    // One in a network of its own, as of a cluster in containers, has its rules there.
    const isOfNode = processes.some(
      ({ command: name, networkNamespace }) =>
        name === 'kube-proxy' && networkNamespace === host.networkNamespace,
    );
    const isGone = tables.length === 0 && emptied.length === 0 && !hasMaps;
    if (isGone && !isOfNode) return [notApplicable(object, 'kube-proxy has no rules for Services here')];
    if (proxy === null)
      return [notApplicable(object, 'kube-proxy does not run here: its rules are of an earlier time')];
    if (isGone && host.uptimeSeconds < BOOTING)
      return [
        unknown(object, 'the node has just started, and kube-proxy may not have written its rules yet'),
      ];
    const ofMaps = hasMaps ? cutMaps(hostPacketFilters, proxy, node) : null;
    const ofChains = emptied.length > 0 ? flushed(emptied, proxy, node) : cutJumps(tables, node);
    // One of both modes is what an earlier kube-proxy left: Services answer by the one that is whole, and
    // service-rules-stale compares it with the API.
    const isWhole = (hasMaps && ofMaps === null) || (tables.length + emptied.length > 0 && ofChains === null);
    // Cilium translates what the node sends before a route is looked up, where it replaces kube-proxy in part.
    const dns = isProxyReplaced(processes) ? [] : (clusterDns.services ?? []);
    const dropped = droppedServices(hostNetwork, dns);
    const taken = hostPacketFilters.flatMap((filter) => takenServices(filter, dns, hostNetwork));
    const failure = isGone
      ? gone(node)
      : !isWhole
        ? (ofMaps ?? ofChains)
        : dropped.length > 0
          ? droppedBefore(dropped, node)
          : taken.length > 0
            ? failureOfTaken(taken, node)
            : null;
    if (failure === null) return [pass(object)];
    return [proxy.certain ? fail(object, failure) : unknown(object, uncertain(proxy))];
  },
});

/** Chains with the rules of Services to which no rule of a built-in chain leads. */
function cutJumps(tables: ReturnType<typeof servicesOf>, node: string): Failure | null {
  // Of two backends one may hold what an earlier kube-proxy left: see firewall-backends-mixed.
  const cut = tables.filter(
    ({ ways, family }) =>
      ways.length > 0 && !tables.some((other) => other.family === family && other.ways.length === 0),
  );
  if (cut.length === 0) return null;
  const missing = cut.flatMap(({ ways, tool }) => ways.map((way) => ({ ...way, tool })));
  return {
    detail: [...Map.groupBy(missing, ({ to }) => to)]
      .map(([to, ways]) => {
        const places = ways.map(({ chain, whose, tool }) => `${chain} of table nat (${tool}; ${whose})`);
        return `The chain ${to} has its rules, but no rule leads there: ${listed(places, 4)}.`;
      })
      .join(' '),
    confidence: 'confirmed',
    // Services answer, but for what has to come back through this node.
    ...(missing.every(({ to }) => to !== SERVICES) ? { severity: 'high' } : {}),
    evidence: missing.map(({ chain, to, tool, rules }) => ({
      what: `rules of ${chain} that lead to ${to}, which has ${rules}`,
      expected: `-A ${chain} … -j ${to}`,
      actual: 'none',
      source: `${tool}-save -t nat (node)`,
    })),
    remedy: cut.flatMap(({ ways, tool }) => [
      lookOnNode(
        node,
        'look at the table, and find out which program changed it: a firewall that was reloaded may do it again.',
        command(`${tool}-save`, '-t', 'nat'),
      ),
      ...ways.map(({ chain, to, comment }) =>
        repairOnNode(
          node,
          'put the rule back, as kube-proxy writes it; restarting kube-proxy does the same.',
          command(...[tool, '-t', 'nat', '-I', chain], ...['-m', 'comment', '--comment', comment, '-j', to]),
        ),
      ),
    ]),
  };
}

/** Chains and maps of the mode nftables that lead no further. */
function cutMaps(filters: readonly PacketFilter[], proxy: ServiceProxy, node: string): Failure | null {
  const isEmpty = !filters.some(hasServiceMap);
  const missing = brokenServiceWays(filters);
  if (!isEmpty && missing.length === 0) return null;
  const places = missing.map(({ table, chain, to, whose }) => `${chain} to ${to} (table ${table}; ${whose})`);
  return {
    detail: isEmpty
      ? 'No table of kube-proxy has a Service: somebody flushed them.'
      : `No rule leads from ${listed(places, 4)}.`,
    confidence: 'confirmed',
    ...(!isEmpty && missing.every(({ to }) => to === 'masquerading') ? { severity: 'high' } : {}),
    evidence: isEmpty
      ? [
          {
            what: 'Services in the map service-ips',
            expected: 'those of the cluster',
            actual: 'none',
            source: 'nft list ruleset (node)',
          },
        ]
      : missing.map(({ table, chain, to }) => ({
          what: `rules of ${chain} in table ${table} that lead to ${to}`,
          expected: '1',
          actual: 'none',
          source: 'nft list ruleset (node)',
        })),
    remedy: [
      lookOnNode(
        node,
        'look at the tables, and find out which program changed them: a firewall that was reloaded may do it again.',
        command('nft', 'list', 'ruleset'),
      ),
      restartProxy(proxy.process, node),
    ],
  };
}

/** Not a chain of kube-proxy is left, as after `nft flush ruleset`, which a start of nftables.service does. */
function gone(node: string): Failure {
  return {
    detail:
      'kube-proxy runs, and the node has not one of its chains: somebody removed all rules of the node, or it never ' +
      'wrote its own.',
    confidence: 'probable',
    evidence: [
      {
        what: `tables with rules of kube-proxy`,
        expected: `${SERVICES} in table nat, or table kube-proxy`,
        actual: 'none',
        source: 'nft list ruleset, iptables-legacy-save (node)',
      },
    ],
    remedy: [
      lookOnNode(
        node,
        'find out what else is gone: rules of hostPorts, those that masquerade pods, and those of network policies.',
        command('nft', 'list', 'ruleset'),
      ),
      look(
        'Read the log of kube-proxy: if it cannot reach the API or cannot run nft or iptables, a restart changes nothing.',
        podsOnNode(node, 'k8s-app=kube-proxy'),
      ),
      restartProxy('kube-proxy', node),
    ],
  };
}

/** Of a table nat in which kube-proxy has rules for Services, with the ways that do not lead to its rules. */
function servicesOf(filter: PacketFilter) {
  const services = natChain(filter, SERVICES);
  if (services === null) return [];
  const ways = WAYS.flatMap((way) => {
    const target = natChain(filter, way.to);
    return target === null || target.isReachedFrom(way.chain) ? [] : [{ ...way, rules: target.rules }];
  });
  return [{ tool: services.tool, family: services.family, ways }];
}

function droppedBefore(dropped: readonly DroppedService[], node: string): Failure {
  const routes = [...new Set(dropped.map(({ route }) => route))];
  return {
    detail:
      `Routes of the node drop what the node itself and pods on its network send to Services: ` +
      `${listed(routes.map((route) => quote(routeText(route), 80)))}. Other pods are not affected.`,
    severity: 'high',
    confidence: 'confirmed',
    evidence: dropped.map(({ address, service, route }) => ({
      what: `route of the node for ${address} (${namespacedName(service)})`,
      expected: 'none that drops',
      actual: routeText(route),
      source: `ip -${route.family} route show table ${route.table} (node)`,
    })),
    remedy: [
      lookOnNode(
        node,
        'look at the routes, and find out which program created these: that program may add them again.',
        'ip route show table all',
      ),
      ...routes.map(({ family, type, destination, table }) =>
        repairOnNode(
          node,
          'remove the route.',
          command('ip', `-${family}`, 'route', 'del', type, destination, 'table', table),
        ),
      ),
    ],
  };
}

/** kube-proxy's chain is there, and has not even the rule for node ports, which kube-proxy writes for no Service at all. */
function isEmptied(filter: PacketFilter): boolean {
  return rulesOfNat(filter, SERVICES)?.length === 0;
}

function flushed(emptied: readonly PacketFilter[], { process }: ServiceProxy, node: string): Failure {
  const tools = emptied.map(({ backend }) => toolOf(backend));
  return {
    detail: `The chain ${SERVICES} of table nat (${listed(tools)}) is empty: somebody flushed the table.`,
    confidence: 'confirmed',
    evidence: tools.map((tool) => ({
      what: `rules of ${SERVICES}`,
      expected: 'those of every Service',
      actual: 'none',
      source: `${tool}-save -t nat (node)`,
    })),
    remedy: [
      lookOnNode(
        node,
        'find out what else is empty: the rules of hostPorts and those that masquerade pods were flushed as well.',
        command(`${tools[0]}-save`, '-t', 'nat'),
      ),
      restartProxy(process, node),
    ],
  };
}
