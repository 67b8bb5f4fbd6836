/**
 * Whether the node's own packet filter lets a pod's packets pass. Only what is certain counts: an
 * unrecognized condition may hold, so anything that could accept the packet ends the search.
 */
import { AGENT_TABLES } from '../../model/cni-names.ts';
import type { PacketFilter } from '../../model/network.ts';
import { containing } from '../cidr.ts';
import type { FilteredPacket } from './filtered-packet.ts';
import { type ForwardRule, readRule } from './forward-rules.ts';
import { familyOfTable } from './nat-chain.ts';
import { type RuleBudget, RuleWalk } from './rule-walk.ts';

export type Drop = {
  /**
   * `untracks`: the packet goes on outside of connection tracking, so that no rule of table nat sees it, as those of
   * Services and those that masquerade. `loses`: a part of such packets is dropped, by chance or in turn.
   */
  readonly does: 'drops' | 'untracks' | 'loses';
  readonly backend: PacketFilter['backend'];
  readonly table: string;
  /** The chain that begins at a hook, whichever chain the rule is in. */
  readonly base: string;
  /** The rule, or the policy of the chain. */
  readonly by: string;
  /** Where the rule is; null for a policy. */
  readonly chain: string | null;
};

type Table = PacketFilter['tables'][number];
type Chain = Table['chains'][number];

/** Maximum number of rules followed for all packets of one kind together. */
const MOST_OF_KIND = 400_000;
type Way = FilteredPacket['way'];
/** The hooks that packets get to, before the address of a Service has been replaced and afterwards. */
const HOOKS: Readonly<Record<Way, readonly string[]>> = {
  forwarded: ['ingress', 'prerouting', 'forward'],
  sent: ['output'],
  received: ['ingress', 'prerouting', 'input'],
  bridged: ['ingress'],
  resolves: [],
};
const BUILT_IN: readonly string[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT'];
/** Tables of iptables that decide. */
const TABLES: readonly string[] = ['raw', 'mangle', 'filter'];

type Base = {
  readonly backend: PacketFilter['backend'];
  readonly table: string;
  readonly chain: Chain;
  readonly hook: string;
  /** All chains of the table, by name. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** Packets of this address family; null for both. `arp` and `bridge` see what a link carries. */
  readonly family: 4 | 6 | null | 'arp' | 'bridge';
  /** Null if packets of all links get there. */
  readonly devices: readonly string[] | null;
};

/** `unknown`: there are too many rules to follow. */
export type Fate = Drop | 'passes' | 'unknown';

export const ruleBudget = (): RuleBudget => ({ left: MOST_OF_KIND });

/**
 * @returns what certainly drops a packet, or keeps it from table nat if it needs that (`needsNat`); `passes` if it
 * may pass. nftables' tables of agents are not followed.
 */
export function forwarder(
  filters: readonly PacketFilter[],
): (packet: FilteredPacket, budget: RuleBudget, needsNat: boolean) => Fate {
  const bases = filters
    .flatMap((filter) => filter.tables.flatMap((table) => basesOf(filter, table)))
    .filter(({ hook }) => hook !== '');
  const contains = containing();
  const parsed = new Map<string, ForwardRule | null>();
  const read = (text: string) => {
    const known = parsed.get(text);
    if (known !== undefined) return known;
    const rule = readRule(text);
    parsed.set(text, rule);
    return rule;
  };
  let untracks: boolean | null = null;
  const mayUntrack = () => (untracks ??= hasNotrack(filters));
  const reader = { read, contains, mayUntrack };
  return (packet, budget, needsNat) => {
    let untracked: Drop | null = null;
    let lossy: Drop | null = null;
    let complete = true;
    for (const { backend, table, chain, hook, chains, family, devices } of bases) {
      if (!hooksOf(packet, family).includes(hook)) continue;
      budget.left -= 1;
      if (budget.left < 0) return untracked ?? 'unknown';
      if (typeof family === 'number' && family !== packet.family) continue;
      if (devices !== null && !devices.some((device) => packet.devices.includes(device))) continue;
      const seen = family === 'bridge' ? onPorts(packet) : packet;
      const walk = new RuleWalk(chains, seen, reader, budget, needsNat);
      const end = walk.through(chain.name);
      const at = { does: 'drops', backend, table, base: chain.name } as const;
      if (end.kind === 'drops') return { ...at, by: end.by, chain: end.chain };
      if (end.kind === 'through' && chain.policy?.toLowerCase() === 'drop')
        return { ...at, by: `policy ${chain.policy} of ${chain.name}`, chain: null };
      if (needsNat && walk.untracked !== null) untracked ??= { ...at, ...walk.untracked, does: 'untracks' };
      if (walk.lossy !== null) lossy ??= { ...at, ...walk.lossy, does: 'loses' };
      // Another chain may still be certain to drop it.
      if (end.kind === 'exhausted') complete = false;
    }
    return untracked ?? lossy ?? (complete ? 'passes' : 'unknown');
  };
}

const hasNotrack = (filters: readonly PacketFilter[]): boolean =>
  filters.some(({ tables }) =>
    tables.some(({ chains }) => chains.some(({ rules }) => rules.some((rule) => /notrack/i.test(rule)))),
  );

function basesOf(filter: PacketFilter, table: Table): Base[] {
  const { backend } = filter;
  const chains = new Map(table.chains.map(({ name, rules }) => [name, rules]));
  const inTable = { backend, table: table.name, chains };
  if (backend !== 'nftables') {
    if (!TABLES.includes(table.name.split(' ').at(-1) ?? '')) return [];
    const family = familyOfTable(filter);
    return table.chains.map((chain) => {
      const hook = BUILT_IN.includes(chain.name) ? chain.name.toLowerCase() : '';
      return { ...inTable, chain, hook, family, devices: null };
    });
  }
  const [of = ''] = table.name.split(' ');
  const family = of === 'ip' ? 4 : of === 'ip6' ? 6 : of === 'arp' || of === 'bridge' ? of : null;
  if (AGENT_TABLES.test(table.name) || (family === null && of !== 'inet' && of !== 'netdev')) return [];
  return table.chains.map((chain) => {
    const { hook } = chain;
    const devices = hook === 'ingress' ? (chain.devices ?? []) : null;
    return { ...inTable, chain, hook: hook ?? '', family, devices };
  });
}

function hooksOf({ way, inputLink, inputPort, outputPort }: FilteredPacket, family: Base['family']) {
  if (family === 'arp') return way !== 'resolves' ? [] : inputLink === null ? ['output'] : ['input'];
  if (family !== 'bridge') return HOOKS[way];
  // A bridge gives to the node what is for its own MAC address.
  if (inputPort !== null) return ['prerouting', outputPort === null ? 'input' : 'forward'];
  return outputPort === null ? [] : ['output'];
}

/** The links that family bridge sees are ports. */
const onPorts = (packet: FilteredPacket): FilteredPacket => ({
  ...packet,
  inputLink: packet.inputPort,
  outputLink: packet.outputPort,
  devices: [],
});
