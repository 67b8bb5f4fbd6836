import { isLinkLocal, sameAddress } from '../../computed/cidr.ts';
import { type BrokenService, brokenServices } from '../../computed/firewall/broken-services.ts';
import { toolOf } from '../../computed/firewall/nat-chain.ts';
import {
  type Destinations,
  destinationsOf,
  hasServiceRules,
  type ServiceProxy,
  serviceProxyIn,
  uncertain,
} from '../../computed/firewall/service-rules.ts';
import { givenServices } from '../../computed/pods/cluster-dns.ts';
import type { Sources } from '../../model/evidence.ts';
import type { DnsService } from '../../model/kubernetes.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import type { PacketFilter } from '../../model/network.ts';
import { listed, quote, rowsOf } from '../../model/text.ts';
import {
  defineCheck,
  type Failure,
  fail,
  nodeObject,
  notApplicable,
  type Outcome,
  pass,
  unknown,
} from '../define.ts';
import { restartProxy } from '../remedies/restart-proxy.ts';
import { command, lookOnNode } from '../remedies/steps.ts';

const SHOWN = 10;
/** Of a chain or a Service with its port. */
const LONGEST = 150;

/**
 * kube-proxy hangs, has lost its watch, or a firewall restored an older dump. The cluster's DNS stands for all
 * Services: every cluster has it, and it changes with each rollout. Which of its endpoints a node uses may
 * depend on zones, so that a missing one is no fault. What was removed of single Services shows in the rules alone:
 * since 1.28, kube-proxy writes those that did not change once an hour (FullSyncPeriod).
 */
export const serviceRulesStale = defineCheck({
  id: 'service-rules-stale',
  topic: 'firewall',
  severity: 'high',
  title: 'Rules of Services lead to endpoints that exist',
  failureTitle: 'Rules of Services are wrong or missing',
  why:
    'kube-proxy no longer follows the API on this node, or has not noticed that rules were removed. If a ' +
    'rule leads to an endpoint that is gone, connections to it time out, for example some of the DNS ' +
    'lookups. New Services, and those whose rules are missing, do not answer at all.',
  // An endpoint may have been replaced since the API was asked.
  observations: 2,
  // Evidence from before the API was asked about the cluster has no other nodes either: nothing to compare with.
  needs: ['hostPacketFilters', 'processes', 'clusterDns', 'otherNodes'],
  run({ hostPacketFilters, processes, clusterDns, otherNodes }, { node }) {
    const object = nodeObject(node);
    const proxy = serviceProxyIn(processes);
    if (proxy === null) return [notApplicable(object, 'kube-proxy does not run here')];
    if (!hostPacketFilters.some(hasServiceRules))
      return [notApplicable(object, 'kube-proxy has no rules of single Services here')];
    const dns = judgeDns(hostPacketFilters, clusterDns, object);
    const wrong = 'result' in dns ? [] : dns;
    const existing = new Set(['default/kubernetes', ...(clusterDns.services ?? []).map(namespacedName)]);
    const dnsAt = (address: string | null): DnsService | undefined =>
      clusterDns.services?.find(({ addresses }) =>
        addresses.some((each) => address !== null && sameAddress(each, address)),
      );
    // nft may print no comments.
    const withName = ({ service, ...rest }: BrokenService): BrokenService => {
      const dnsService = dnsAt(rest.address);
      return { ...rest, service: service ?? (dnsService === undefined ? null : namespacedName(dnsService)) };
    };
    const settled = [
      ...wrong.map((rule) => rule.service),
      ...(clusterDns.services ?? []).filter(isUnserved),
    ].map(namespacedName);
    const nodes = otherNodes.length + 1;
    const broken = brokenServices(hostPacketFilters, { nodes, existing })
      .map(withName)
      .filter(({ service }) => service === null || !settled.includes(service));
    if ('result' in dns && broken.length === 0) return [dns];
    if (!proxy.certain) return [unknown(object, uncertain(proxy))];
    return [fail(object, failureOf(wrong, broken, { proxy, node }))];
  },
});

/** What is wrong with rules of the cluster's DNS, if anything is. */
function judgeDns(
  hostPacketFilters: readonly PacketFilter[],
  clusterDns: Sources['clusterDns'],
  object: ReturnType<typeof nodeObject>,
): Outcome | readonly Rule[] {
  if (clusterDns.services === null)
    return unknown(object, clusterDns.servicesUnread ?? 'Services were not read');
  // Rules of each Service must lead to its endpoints, whether or not pods get it as their nameserver.
  const services = givenServices(clusterDns) ?? clusterDns.services;
  if (services.length === 0) return notApplicable(object, whyNone(clusterDns));
  const unread = services.filter(
    ({ endpoints, endpointAddresses }) => endpoints !== 0 && endpointAddresses == null,
  );
  const served = services.filter((service) => service.endpoints !== null && !isUnserved(service));
  const read = served.flatMap((service) =>
    service.addresses.flatMap((address) => ruleOf(service, address, hostPacketFilters)),
  );
  if (read.length === 0 && unread.length === 0)
    return notApplicable(
      object,
      served.length === 0
        ? 'the cluster DNS has no ready endpoint: see cluster-dns-unserved'
        : 'both backends of iptables have rules for it (see firewall-backends-mixed), or no endpoint serves this node',
    );
  const wrong = read.filter(
    ({ gone, destinations }) => destinations === 'none' || destinations.length === 0 || gone.length > 0,
  );
  if (wrong.length > 0) return wrong;
  const [first] = unread;
  if (first !== undefined) return unknown(object, whyUnread(first));
  const isAny = (what: Destinations): boolean => read.some(({ destinations }) => destinations === what);
  if (isAny('unread')) return unknown(object, 'where rules of Services lead could not be read');
  // It would be so every night: nothing would ever mend it.
  if (isAny('hidden'))
    return notApplicable(object, 'nft does not show where rules of Services lead, as iptables wrote them');
  return pass(object);
}

/** Without an endpoint at one of both moments it may rightly have no rule. */
const isUnserved = ({ endpoints, endpointsAfter }: DnsService): boolean =>
  endpoints === 0 || endpointsAfter === 0;

function failureOf(
  wrong: readonly Rule[],
  broken: readonly BrokenService[],
  { proxy, node }: { readonly proxy: ServiceProxy; readonly node: string },
): Failure {
  const [{ show, subject }] = [
    ...wrong.map((rule) => ({ show: rule.show, subject: rule.address })),
    ...broken.map((each) => ({ show: command(...each.show), subject: each.chain })),
  ] as [{ show: string; subject: string }];
  return {
    detail: `${listed([...wrong.map(detailOf), ...broken.map(detailOfBroken)], 4, '; ')}.`,
    confidence: wrong.length > 0 ? 'probable' : 'confirmed',
    evidence: [
      ...wrong.map((rule) => ({
        what: `where rules send what is for ${rule.address} (${namespacedName(rule.service)})`,
        expected: listed(rule.service.endpointAddresses ?? []),
        actual: typeof rule.destinations === 'string' ? 'nowhere' : listed(rule.destinations) || 'nowhere',
        source: `${rule.show} (node); expected: API: endpointslices in ${rule.service.namespace}`,
      })),
      ...rowsOf(broken, SHOWN, (each) => ({
        what:
          each.lacks === 'endpoints'
            ? `rules for endpoints in ${quote(each.chain, LONGEST)}`
            : `rules that lead to ${quote(each.chain, LONGEST)}`,
        expected: '1 or more',
        actual: 'none',
        source: `${command(...each.show)} (node)`,
      })),
    ],
    remedy: [
      lookOnNode(
        node,
        'look at the rules. The log of kube-proxy says whether it hangs, and since when.',
        `${show} | grep -F ${command(subject)}`,
      ),
      restartProxy(proxy.process, node),
    ],
  };
}

function whyNone({ services, kubelet }: Sources['clusterDns']): string {
  if (services?.length === 0) return 'the cluster has no Service with a port 53';
  // NodeLocal DNSCache has 169.254.20.10 by default.
  const local = kubelet?.servers.find((server) => isLinkLocal(server));
  return local === undefined
    ? 'the kubelet gives pods no nameserver that is a Service'
    : `the kubelet gives pods ${quote(local, 45)}, a DNS on the node as of NodeLocal DNSCache, and no Service`;
}

function whyUnread(service: DnsService): string {
  const name = namespacedName(service);
  return (service.endpoints ?? null) === null
    ? `the endpoints of ${name} were not read: see the right to list EndpointSlices`
    : `not all addresses of endpoints of ${name} were read`;
}

type Rule = {
  readonly service: DnsService;
  readonly address: string;
  /** The command that shows them. */
  readonly show: string;
  readonly destinations: Destinations;
  /** Destinations that are no endpoint. */
  readonly gone: readonly string[];
};

/** Of two backends one may hold what an earlier kube-proxy left: see firewall-backends-mixed. */
function ruleOf(service: DnsService, address: string, filters: readonly PacketFilter[]): Rule[] {
  const { endpointAddresses } = service;
  const rules = filters.flatMap((filter) => {
    const destinations = destinationsOf(filter, address);
    if (destinations === null) return [];
    const show =
      filter.backend === 'nftables'
        ? command('nft', 'list', 'ruleset')
        : command(`${toolOf(filter.backend)}-save`, '-t', 'nat');
    return [{ destinations, show }];
  });
  const [only, more] = rules;
  if (only === undefined || more !== undefined || endpointAddresses == null) return [];
  const known = typeof only.destinations === 'string' ? [] : only.destinations;
  const gone = known.filter((each) => !endpointAddresses.some((endpoint) => sameAddress(endpoint, each)));
  return [{ service, address, ...only, gone }];
}

function detailOf({ service, address, destinations, gone }: Rule): string {
  const name = `${namespacedName(service)} (${address})`;
  if (destinations === 'none') return `The node has rules of other Services, and none for ${name}`;
  return gone.length === 0
    ? `Rules for ${name} lead to no endpoint`
    : `Rules for ${name} lead to ${listed(gone)}, which ${gone.length === 1 ? 'is no endpoint' : 'are no endpoints'} of it`;
}

function detailOfBroken({ service, port, address, chain, lacks }: BrokenService): string {
  const name = service === null ? null : quote(port === null ? service : `${service}:${port}`, LONGEST);
  const whose = name === null ? (address ?? 'a Service') : address === null ? name : `${name} (${address})`;
  return lacks === 'endpoints'
    ? `Rules for ${whose} lead to no endpoint: ${quote(chain, LONGEST)} has no rule for one`
    : `No rule leads to the rules for ${whose} in ${quote(chain, LONGEST)}`;
}
