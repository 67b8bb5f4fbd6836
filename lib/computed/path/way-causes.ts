/** Why the ways of a node's pods are broken: one entry for each cause, with all pods affected. */
import { CILIUM_CNI } from '../../model/cni-plugins.ts';
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import type { Rule } from '../../model/network.ts';
import { addressBits, prefixLength } from '../cidr.ts';
import { sysctlNumber } from '../kernel/sysctls.ts';
import { missingRules, sharedEniPod } from '../routes/aws-routing.ts';
import { hostRoutes } from '../routes/host-routes.ts';
import { decisionText, ruleText } from '../routes/routing-decision.ts';
import { type BrokenWay, OUTSIDE, type PodWays, podWays } from './pod-ways.ts';
import { isForeignRule } from './ways-aside.ts';

export type Direction = 'inbound' | 'outbound';

export type WayCause = {
  readonly kind: 'rule' | 'route' | 'reverse path filter' | 'no route' | 'not known';
  readonly direction: Direction;
  /** What decided, as part of a sentence. */
  readonly text: string;
  /** Set if a rule decides. */
  readonly rule: Rule | null;
  /** Set if the filter of reverse paths drops. */
  readonly filter: ReversePathFilter | null;
  /** The cause names this one pod; all others are causes of the node, however many pods they affect today. */
  readonly ofOnePod: boolean;
  readonly hits: readonly { readonly network: PodNetwork; readonly broken: readonly BrokenWay[] }[];
};

type Needed = Pick<Sources, 'podNetworks' | 'hostNetwork' | 'routing' | 'kernel' | 'hostPacketFilters'>;

export type JudgedWays = {
  /**
   * By direction: null for a pod whose ways are right, or a reason if it cannot be judged or another check
   * explains it.
   */
  readonly pods: ReadonlyMap<PodNetwork, Readonly<Record<Direction, PodVerdict>>>;
  readonly causes: readonly WayCause[];
};

export type PodVerdict =
  | { readonly is: 'right' }
  | { readonly is: 'not applicable' | 'unknown'; readonly reason: string }
  | { readonly is: 'broken'; readonly cause: WayCause; readonly oneWay: boolean };

/** The kernel's answers about the way to and from each pod, and the rules and routes that break several of them. */
export function judgeWays(sources: Needed): JudgedWays {
  const ways = podWays(sources);
  const found: Found[] = [...ways].flatMap(([network, way]) =>
    typeof way === 'string'
      ? []
      : (['inbound', 'outbound'] as const).flatMap((direction) => {
          const { broken } = way[direction];
          if (broken.length === 0 || explained(direction, network, way, sources) !== null) return [];
          return [{ network, direction, broken, ...causeOf(broken[0] as BrokenWay, network, sources) }];
        }),
  );
  const causes = [...Map.groupBy(found, ({ direction, key }) => `${direction} ${key}`).values()].map(
    (hits): WayCause => {
      const [{ kind, direction, text, rule, filter, ofOnePod }] = hits as [Found];
      return { kind, direction, text, rule, filter, ofOnePod: ofOnePod && hits.length === 1, hits };
    },
  );
  const verdict = (direction: Direction, network: PodNetwork, way: PodWays | string): PodVerdict => {
    if (typeof way === 'string') return { is: 'not applicable', reason: way };
    const { asked, broken } = way[direction];
    if (asked === 0) return { is: 'unknown', reason: 'the kernel was not asked about its addresses' };
    if (broken.length === 0) return { is: 'right' };
    const cause = causes.find(
      (one) => one.direction === direction && one.hits.some((hit) => hit.network === network),
    );
    const other = way[direction === 'inbound' ? 'outbound' : 'inbound'];
    return cause === undefined
      ? { is: 'not applicable', reason: explained(direction, network, way, sources) ?? '' }
      : { is: 'broken', cause, oneWay: other.broken.length === 0 };
  };
  return {
    pods: new Map(
      [...ways].map(([network, way]) => [
        network,
        { inbound: verdict('inbound', network, way), outbound: verdict('outbound', network, way) },
      ]),
    ),
    causes,
  };
}

/** The other check that reports the cause, as a reason; null if none does. */
function explained(
  direction: Direction,
  network: PodNetwork,
  { inbound, outbound }: PodWays,
  { hostNetwork, kernel, routing }: Needed,
): string | null {
  const { broken } = direction === 'inbound' ? inbound : outbound;
  if (sharedEniPod(network) === null && missingRules(network, hostNetwork).length > 0)
    return 'a rule of the AWS VPC CNI is missing: see aws-rule-missing';
  const isForeign = broken.some(({ decision }) => decision !== null && isForeignRule(decision.rule, network));
  if (direction === 'inbound' && !(isForeign && network.plugin === CILIUM_CNI)) {
    const routes = hostRoutes(network, hostNetwork);
    if (typeof routes === 'string') return routes;
    const wrong = routes.find(({ state }) => state !== 'right');
    if (wrong !== undefined) return `the route of the node decides: see host-route-${wrong.state}`;
  }
  if (isForeign) return null;
  const cut = new Set(
    routing.flatMap(({ source, error, destination }) =>
      source === null && error !== null ? [destination] : [],
    ),
  );
  if (
    direction === 'outbound' &&
    broken.every(({ way }) => cut.has(way.destination) && !OUTSIDE.includes(way.destination))
  )
    return 'the node itself has no way there: see pods-of-node-unreachable';
  if (broken.some(({ decision }) => decision !== null)) return null;
  const off = broken.find(
    ({ way }) =>
      way.error === 'EHOSTUNREACH' &&
      sysctlNumber(kernel, `net.ipv4.conf.${(way.inputLink ?? '').replaceAll('.', '/')}.forwarding`) === 0,
  );
  if (off !== undefined) return `forwarding of ${off.way.inputLink} is off: see node-forwarding-disabled`;
  if (
    broken.every(({ way }) => way.error === 'ENETUNREACH' && way.source !== null) &&
    direction === 'outbound'
  )
    return 'no route of the node leads there: see node-default-route-missing';
  // The filter looks up the way back, so a fault there breaks this way.
  const [back, name] =
    direction === 'outbound' ? [inbound, 'pod-unrouted-inbound'] : [outbound, 'pod-unrouted-outbound'];
  const decidedThere = back.broken.some(({ decision }) => decision !== null);
  if (decidedThere && broken.every(({ way }) => isFiltered(way.error)))
    return `the way back is wrong, and so the filter of reverse paths drops: see ${name} and foreign-routing-rules`;
  return null;
}

type Cause = Pick<WayCause, 'kind' | 'text' | 'rule' | 'filter' | 'ofOnePod'> & { readonly key: string };
type Found = Cause & {
  readonly network: PodNetwork;
  readonly direction: Direction;
  readonly broken: readonly BrokenWay[];
};

/** The kernel takes the greater of this and that of the link. */
const FILTER_OF_ALL = 'net.ipv4.conf.all.rp_filter';
const STRICT = 1;

/** What drops packets that come in by a link, and what would not. */
type ReversePathFilter = {
  readonly setting: string;
  readonly ofAll: boolean;
  /** The value of that of all links. */
  readonly all: number;
  /** 2 (loose), or 0 where that drops as well. */
  readonly passes: 0 | 2;
};

/** Without an address on the link, loose mode drops as the strict one does (`no_addr` of __fib_validate_source()). */
function filterOf(
  link: string,
  { addresses }: Needed['hostNetwork'],
  kernel: Pick<Sources['kernel'], 'sysctls'>,
): ReversePathFilter {
  const hasAddress = addresses.some((held) => held.link === link && held.family === 4);
  const all = sysctlNumber(kernel, FILTER_OF_ALL) ?? 0;
  const ofAll = all === STRICT || (all > STRICT && !hasAddress);
  return {
    setting: ofAll ? FILTER_OF_ALL : `net.ipv4.conf.${link.replaceAll('.', '/')}.rp_filter`,
    ofAll,
    all,
    passes: hasAddress ? 2 : 0,
  };
}

/** The errors with which fib_validate_source() answers. */
const isFiltered = (error: string | null) => error === 'EINVAL' || error === 'EXDEV';

function causeOf(
  { way, decision }: BrokenWay,
  network: PodNetwork,
  { hostNetwork: host, kernel }: Needed,
): Cause {
  const own = (cidr: string | null) =>
    cidr !== null &&
    prefixLength(cidr) === addressBits(cidr) &&
    network.pod.podIPs.includes(cidr.split('/')[0] ?? '');
  const { hostLink } = network;
  if (decision !== null) {
    const { rule, route } = decision;
    const text = decisionText(decision);
    if (isForeignRule(rule, network)) {
      const ofOnePod = own(rule.source) || own(rule.destination) || rule.inputLink === hostLink?.name;
      return { kind: 'rule', text, rule, filter: null, ofOnePod, key: `${rule.family} ${ruleText(rule)}` };
    }
    return {
      kind: 'route',
      text,
      rule: null,
      filter: null,
      ofOnePod: route !== null && own(route.destination),
      key: text,
    };
  }
  if (isFiltered(way.error)) {
    const filter = filterOf(way.inputLink ?? '', host, kernel);
    const of = filter.ofAll
      ? `of all links (${filter.setting} is ${filter.all})`
      : `of ${way.inputLink} (rp_filter)`;
    const text = `the filter of reverse paths ${of}, as answers would leave by another link`;
    const ofOnePod = !filter.ofAll && way.inputLink === hostLink?.name;
    return { kind: 'reverse path filter', text, rule: null, filter, ofOnePod, key: text };
  }
  if (way.error === 'ENETUNREACH')
    return {
      kind: 'no route',
      text: 'no route of any table that the rules lead to',
      rule: null,
      filter: null,
      ofOnePod: false,
      key: way.error,
    };
  const text =
    way.error === null
      ? `a rule or route of table ${way.table} that could not be determined`
      : 'a rule or route that could not be determined';
  return { kind: 'not known', text, rule: null, filter: null, ofOnePod: true, key: text };
}
