/**
 * What kube-proxy keeps for Services in its mode nftables: a map from address, protocol and port to the chain of
 * the Service, and base chains that lead to that map. Names as in pkg/proxy/nftables/proxier.go of Kubernetes.
 */
import type { PacketFilter } from '../../model/network.ts';
import { familyOf, sameAddress } from '../cidr.ts';

type Table = PacketFilter['tables'][number];

const TABLES: Readonly<Record<string, 4 | 6>> = { 'ip kube-proxy': 4, 'ip6 kube-proxy': 6 };
const SERVICE_IPS = 'service-ips';
/** Which chain leads where, and what goes that way. */
const WAYS = [
  { chain: 'nat-prerouting', to: 'services', whose: 'packets of pods, and from outside' },
  { chain: 'nat-output', to: 'services', whose: 'packets of the node itself and of pods on its network' },
  { chain: 'services', to: `@${SERVICE_IPS}`, whose: 'all packets to Services' },
  {
    chain: 'nat-postrouting',
    to: 'masquerading',
    whose: 'packets from outside to pods of other nodes, and of pods to themselves through a Service',
  },
] as const;

type ServiceWay = (typeof WAYS)[number];

/** Whether kube-proxy has the tables of its mode nftables there. */
export function isOfNftables({ tables }: PacketFilter): boolean {
  return tables.some(({ name }) => name in TABLES);
}

/** kube-proxy's tables that have Services. */
export function serviceTables(
  filters: readonly PacketFilter[],
): readonly { readonly family: 4 | 6; readonly table: Table }[] {
  return tablesOf(filters).flatMap((table) => {
    const family = TABLES[table.name];
    return family === undefined || elementsOf(table, SERVICE_IPS).length === 0 ? [] : [{ family, table }];
  });
}

function tablesOf(filters: readonly PacketFilter[]): readonly Table[] {
  return filters.flatMap(({ tables }) => tables.filter(({ name }) => name in TABLES));
}

function elementsOf(table: Table, map: string): readonly string[] {
  return table.maps?.find(({ name }) => name === map)?.elements ?? [];
}

/** Whether the map of Services leads anywhere: every cluster has one Service, that of its API. */
export function hasServiceMap(filter: PacketFilter): boolean {
  return tablesOf([filter]).some((table) => elementsOf(table, SERVICE_IPS).length > 0);
}

/** The ways that do not lead on, of each table of kube-proxy that has Services. */
export function brokenServiceWays(
  filters: readonly PacketFilter[],
): readonly (ServiceWay & { readonly table: string })[] {
  return tablesOf(filters)
    .filter((table) => elementsOf(table, SERVICE_IPS).length > 0)
    .flatMap(({ name, chains }) => {
      const leads = ({ chain, to }: ServiceWay): boolean =>
        (chains.find((one) => one.name === chain)?.rules ?? []).some((rule) =>
          rule.split(/\s+/).includes(to),
        );
      return WAYS.filter((way) => !leads(way)).map((way) => ({ ...way, table: name }));
    });
}

const GOTO = /\bgoto ([^\s,}]+)/g;
/**
 * `10.244.1.2:53`, `[fd00::2]:53`; since 1.36, where no connection has to stay with its endpoint, the endpoints of a
 * Service in one rule: `numgen random mod 2 map { 0 : 10.244.1.2 . 53, 1 : 10.244.2.2 . 53 }`.
 */
const TO = /^(?:\[([0-9a-f:]+)\]|([0-9.]+)):| : ([0-9a-f.:]+) \. \d/g;

/**
 * Where the map sends what is for the address of a Service.
 * @returns null where it has no Services of this family, or the Service is kept as one without endpoints
 */
export function destinationsInMaps(
  filter: PacketFilter,
  address: string,
): 'none' | 'unread' | readonly string[] | null {
  const table = tablesOf([filter]).find(({ name }) => TABLES[name] === familyOf(address));
  if (table === undefined || elementsOf(table, SERVICE_IPS).length === 0) return null;
  const isFor = (element: string): boolean => sameAddress(element.split(' . ')[0] ?? '', address);
  const verdicts = elementsOf(table, SERVICE_IPS).filter(isFor);
  if (verdicts.length === 0) return elementsOf(table, 'no-endpoint-services').some(isFor) ? null : 'none';
  const chains = new Map(table.chains.map(({ name, rules }) => [name, rules]));
  const targetsOf = (texts: readonly string[]): readonly string[] => [
    ...new Set(texts.flatMap((text) => [...text.matchAll(GOTO)].map((found) => found[1] ?? ''))),
  ];
  const services = targetsOf(verdicts);
  // The kernel has every chain that a rule leads to: one that is not here was not read.
  if (services.some((chain) => !chains.has(chain))) return 'unread';
  const rules = services.flatMap((chain) => chains.get(chain) ?? []);
  const ofEndpoints = targetsOf(rules).flatMap((chain) => chains.get(chain) ?? []);
  return [...new Set([...rules, ...ofEndpoints].flatMap(translations))];
}

/** Addresses that a rule translates to. */
function translations(rule: string): readonly string[] {
  const [, translation = ''] = /\bdnat (?:ip6? )?to (.*)/.exec(rule) ?? [];
  return [...translation.matchAll(TO)].map((found) => found[1] ?? found[2] ?? found[3] ?? '');
}
