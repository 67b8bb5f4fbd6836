/**
 * Rules about single Services as kube-proxy never writes them, so that no API has to be asked: it writes all of a table
 * at once, and has no chain for a Service without endpoints. Names as in pkg/proxy of Kubernetes.
 */
import type { PacketFilter } from '../../model/network.ts';
import { readRule } from './forward-rules.ts';
import { chainsOfNat, familyOfTable, toolOf } from './nat-chain.ts';
import { withoutComments } from './packet-filter-rules.ts';
import { hasServiceMap, serviceTables } from './service-maps.ts';
import { hasServiceRules, SERVICES } from './service-rules.ts';

export type BrokenService = {
  /** NAMESPACE/NAME; null if no comment names it. */
  readonly service: string | null;
  readonly port: string | null;
  readonly address: string | null;
  readonly chain: string;
  /** The chain has no rule for an endpoint, or no rule leads to the chain. */
  readonly lacks: 'endpoints' | 'way';
  /** The arguments of the command that shows it. */
  readonly show: readonly string[];
};

type Known = {
  /** Of the cluster. */
  readonly nodes: number;
  /** NAMESPACE/NAME of Services that certainly exist. */
  readonly existing: ReadonlySet<string>;
};

/** Of two tables for one family, one may hold what an earlier kube-proxy left: see firewall-backends-mixed. */
export function brokenServices(filters: readonly PacketFilter[], known: Known): BrokenService[] {
  const all = [
    ...filters.flatMap((filter) =>
      hasServiceRules(filter) && !hasServiceMap(filter)
        ? [{ family: familyOfTable(filter), broken: () => inChains(filter, known) }]
        : [],
    ),
    ...serviceTables(filters).map(({ family, table }) => ({ family, broken: () => inMaps(table) })),
  ];
  return all.flatMap(({ family, broken }) =>
    all.filter((other) => other.family === family).length === 1 ? inFront(broken()) : [],
  );
}

/** Without those that only another emptied chain of the same Service would lead to. */
function inFront(broken: readonly BrokenService[]): BrokenService[] {
  const emptied = new Set(broken.flatMap(({ chain, lacks }) => (lacks === 'endpoints' ? hashOf(chain) : [])));
  return broken.filter(({ chain, lacks }) => lacks === 'endpoints' || !emptied.has(hashOf(chain)));
}

/** All chains of one port of a Service have the same: `KUBE-SVC-67NZLRHBNDSAWJRO`, `service-KHN6ECMT-shop/…`. */
const hashOf = (chain: string): string => /^(?:KUBE-[A-Z]+|[a-z]+)-(\w+)/.exec(chain)?.[1] ?? chain;

/** All endpoints of a Service, or those of the node. */
const OF_ENDPOINTS = /^KUBE-SV[CL]-/;
const OF_SERVICE = /^KUBE-(?:SVC|SVL|EXT|SEP)-/;
const OF_ENDPOINT = /^KUBE-SEP-/;
const MASQUERADE = 'KUBE-MARK-MASQ';
const LEADS_TO = /(?:^|\s)(?:-j|-g|jump|goto) (KUBE-\S+)/;
/** `shop/web:http cluster IP`, `masquerade traffic for shop/web:http external destinations`. */
const NAMED = /(?:--comment "?|\/\* |comment ")(?:[A-Za-z ]+ for )?([^\s":/]+\/[^\s":/]+):?([^\s"]*)/;
/**
 * Above 1,000 endpoints, kube-proxy removes the chains of Services that are gone later than what led to them
 * (largeClusterMode). A node may have chains for its own endpoints alone.
 */
const FEW = 500;

type Leading = { readonly chain: string; readonly text: string };

function inChains(filter: PacketFilter, { nodes, existing }: Known): BrokenService[] {
  const chains = chainsOfNat(filter);
  const show = [`${toolOf(filter.backend)}-save`, '-t', 'nat'];
  const leading = Map.groupBy(
    [...chains].flatMap(([chain, rules]) => rules.map((text): Leading => ({ chain, text }))),
    ({ text }) => targetOf(text),
  );
  const isSmall = [...chains.keys()].filter((name) => OF_ENDPOINT.test(name)).length * nodes <= FEW;
  return [...chains].flatMap(([chain, rules]): BrokenService[] => {
    if (!OF_SERVICE.test(chain)) return [];
    const from = leading.get(chain) ?? [];
    const ofServices = from.filter((rule) => rule.chain === SERVICES);
    const lost = (lacks: BrokenService['lacks'], texts: readonly string[]): BrokenService[] => [
      { ...named(texts), address: addressOf(texts), chain, lacks, show },
    ];
    const isLeading =
      OF_ENDPOINTS.test(chain) && ofServices.length > 0
        ? rules.some((rule) => targetOf(rule) !== MASQUERADE)
        : rules.length > 0;
    if (!isLeading) {
      const texts = [...(ofServices.length > 0 ? ofServices : from).map(({ text }) => text), ...rules];
      return from.length > 0 ? lost('endpoints', texts) : [];
    }
    if (!OF_ENDPOINTS.test(chain) || ofServices.length > 0) return [];
    if (from.length === 0) {
      const { service } = named(rules);
      return isSmall || (service !== null && existing.has(service)) ? lost('way', rules) : [];
    }
    // Only that to which the address of the cluster leads has the address in a rule.
    const masquerading = rules.filter((rule) => targetOf(rule) === MASQUERADE);
    const address = addressOf(masquerading);
    if (address === null) return [];
    const isServed = (chains.get(SERVICES) ?? []).some(
      (rule) => hashOf(targetOf(rule) ?? '') === hashOf(chain) && addressOf([rule]) === address,
    );
    return isServed ? [] : lost('way', masquerading);
  });
}

const targetOf = (rule: string): string | undefined => LEADS_TO.exec(withoutComments(rule))?.[1];

function named(texts: readonly string[]): Pick<BrokenService, 'service' | 'port'> {
  for (const text of texts) {
    const [, service, port] = NAMED.exec(text) ?? [];
    if (service !== undefined) return { service, port: port || null };
  }
  return { service: null, port: null };
}

function addressOf(texts: readonly string[]): string | null {
  for (const text of texts)
    for (const { option, value, negated } of readRule(text)?.conditions ?? [])
      if (option === '-d' && !negated) return value.replace(/\/(?:32|128)$/, '');
  return null;
}

/** `service-KHN6ECMT-shop/web/tcp/http`, `endpoint-W5UUQWSO-shop/web/tcp/http__10.244.1.5/8080`. */
const IN_MAP = /^(?:service|local|external|endpoint)-\w+-([^/]+\/[^/]+)\/[^/]+\/([^_]*)/;
const TO_ENDPOINTS = /^(?:service|local)-/;
const GOTO = /\bgoto ([^\s,}]+)/g;

/** In mode nftables, what is no longer used is emptied together with what led to it, and removed later. */
function inMaps(table: PacketFilter['tables'][number]): BrokenService[] {
  const show = ['nft', 'list', 'ruleset'];
  const elements = (table.maps ?? []).flatMap((map) => map.elements);
  const rulesOfAll = table.chains.flatMap(({ rules }) => rules);
  const reached = new Map(
    [...rulesOfAll, ...elements].flatMap((text) =>
      [...text.matchAll(GOTO)].map(([, chain = '']) => [chain, ADDRESS.exec(text)?.[1] ?? null] as const),
    ),
  );
  return table.chains.flatMap(({ name: chain, rules }): BrokenService[] => {
    const [, service = null, port] = IN_MAP.exec(chain) ?? [];
    if (service === null) return [];
    const isReached = reached.has(chain);
    const isLeading = TO_ENDPOINTS.test(chain)
      ? rules.some((rule) => /\bdnat\b|\bgoto endpoint-/.test(rule))
      : rules.length > 0;
    const lacks = isReached && !isLeading ? 'endpoints' : !isReached && isLeading ? 'way' : null;
    if (lacks === null || (lacks === 'way' && !TO_ENDPOINTS.test(chain))) return [];
    return [
      { service, port: port || null, address: reached.get(chain) ?? addressOf(rules), chain, lacks, show },
    ];
  });
}

/** Of an element of the map of Services: `10.96.1.1 . tcp . 80 : goto …`. */
const ADDRESS = /^([\da-f.:]+) \. \w+ \. \d+ : /;
