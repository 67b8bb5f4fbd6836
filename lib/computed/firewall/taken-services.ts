/** Rules of table nat that take what is for the cluster's DNS elsewhere, before it gets to the rules of Services. */
import type { DnsService } from '../../model/kubernetes.ts';
import type { NetworkStack, PacketFilter } from '../../model/network.ts';
import { addressBits, contains, familyOf, isLinkLocal, networkAround, sameAddress } from '../cidr.ts';
import { isLoopback } from '../pods/container-resolv-confs.ts';
import { type Condition, readRule } from './forward-rules.ts';
import { chainsOfNat, familyOfTable, natChain } from './nat-chain.ts';
import { SERVICES, TO } from './service-rules.ts';

export type TakenService = {
  readonly backend: PacketFilter['backend'];
  readonly chain: string;
  readonly rule: string;
  readonly service: DnsService;
  readonly address: string;
  /** Where the rule sends it. */
  readonly to: string;
};

const BASES = ['PREROUTING', 'OUTPUT'] as const;
const DEEPEST = 3;

/**
 * Of one table, as its rules have an order. A cache or another DNS of the cluster may be meant: only what is sent to an
 * address outside of it counts, for which no server of the cluster is.
 */
export function takenServices(
  filter: PacketFilter,
  services: readonly DnsService[],
  host: Pick<NetworkStack, 'addresses' | 'routes'>,
): TakenService[] {
  if (natChain(filter, SERVICES) === null) return [];
  const chains = chainsOfNat(filter);
  const family = familyOfTable(filter);
  const before = BASES.flatMap((base) => rulesBefore(base, chains, DEEPEST).rules);
  return before.flatMap(({ chain, text }): TakenService[] => {
    const found = TO.exec(text);
    const to = found?.[1] ?? found?.[2];
    const rule = readRule(text);
    if (to === undefined || rule === null || !isOutside(to, services, host)) return [];
    const taken = services.flatMap((service) =>
      service.addresses.flatMap((address) =>
        familyOf(address) === family && takes(rule.conditions, address) ? [{ service, address }] : [],
      ),
    );
    return taken.map((each) => ({ backend: filter.backend, chain, rule: text.trim(), to, ...each }));
  });
}

type Placed = { readonly chain: string; readonly text: string };

/** The rules that all packets meet before those of Services, in order. */
function rulesBefore(
  chain: string,
  chains: ReadonlyMap<string, readonly string[]>,
  depth: number,
): { readonly rules: readonly Placed[]; readonly ends: boolean } {
  const rules: Placed[] = [];
  for (const text of chains.get(chain) ?? []) {
    const rule = readRule(text);
    if (rule?.target === SERVICES) return { rules, ends: true };
    rules.push({ chain, text });
    if (rule?.target == null || rule.conditions.length > 0) continue;
    if (!chains.has(rule.target)) return { rules, ends: true };
    if (depth === 0) continue;
    const within = rulesBefore(rule.target, chains, depth - 1);
    rules.push(...within.rules);
    if (within.ends) return { rules, ends: true };
  }
  return { rules, ends: false };
}

/** Whether the rule is for every query, as far as it is read. */
function takes(conditions: readonly Condition[], address: string): boolean {
  const isNamed = conditions.some(({ option }) => option === '-d' || option === '--dport');
  return (
    isNamed &&
    conditions.every(({ option, value, negated }) => {
      if (negated) return false;
      if (option === '-d')
        return contains(value.includes('/') ? value : `${value}/${addressBits(address)}`, address);
      if (option === '--dport') return value === '53';
      return option === '-p' && (value === 'udp' || value === 'tcp');
    })
  );
}

/** Neither an endpoint, nor on the node, nor where pods and nodes may be. */
function isOutside(
  to: string,
  services: readonly DnsService[],
  { addresses, routes }: Pick<NetworkStack, 'addresses' | 'routes'>,
): boolean {
  const family = familyOf(to);
  const known = services.flatMap((service) => service.endpointAddresses ?? []);
  // Without the endpoints nobody knows which server is right.
  if (services.some(({ endpointAddresses }) => endpointAddresses == null)) return false;
  if (isLoopback(to) || isLinkLocal(to) || known.some((each) => sameAddress(each, to))) return false;
  const near = [...known, ...addresses.map(({ address }) => address)].filter(
    (each) => familyOf(each) === family,
  );
  // Pods of AWS have addresses of the network around them.
  if (near.some((each) => networkAround(each) === networkAround(to))) return false;
  return !routes.some(
    ({ destination, family: own }) =>
      own === family && !destination.endsWith('/0') && contains(destination, to),
  );
}
