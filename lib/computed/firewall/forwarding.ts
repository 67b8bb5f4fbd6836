/**
 * Whether the node's own packet filter lets a pod's packets pass. Only what is certain counts: an
 * unrecognized condition may hold, so anything that could accept the packet ends the search.
 */
import { AGENT_CHAINS, AGENT_TABLES } from '../../model/cni-names.ts';
import type { PacketFilter } from '../../model/network.ts';
import { containing } from '../cidr.ts';
import { type Condition, type ForwardRule, readRule } from './forward-rules.ts';
import { familyOfTable } from './nat-chain.ts';

/** A packet as the node sees it between two links, or at one of its own ends. */
export type FilteredPacket = {
  /**
   * Through the node, or from or to itself; `bridged`: from port to port, and the kernel's IP does not see it;
   * `resolves`: ARP that the node receives, or sends if it has no input link.
   */
  readonly way: 'forwarded' | 'sent' | 'received' | 'bridged' | 'resolves';
  readonly family: 4 | 6;
  /** The first packet of a connection, or an answer to one. */
  readonly state: 'NEW' | 'ESTABLISHED';
  /** Null for any address or link of the node: what is for one of them is not certain. */
  readonly source: string | null;
  readonly destination: string | null;
  readonly inputLink: string | null;
  readonly outputLink: string | null;
  /** The links at which the node receives it: its port of a bridge as well. */
  readonly devices: readonly string[];
  /** The ports of a bridge by which it comes and goes; missing or null where it does not. */
  readonly inputPort?: string | null;
  readonly outputPort?: string | null;
  /** Null for a packet of any protocol: what is for one of them is not certain. */
  readonly protocol: 'tcp' | 'udp' | null;
  /** Likewise. */
  readonly port: number | null;
};

export type Drop = {
  /**
   * `untracks`: the packet goes on outside of connection tracking, so that no rule of table nat sees it, as those of
   * Services and those that masquerade. `loses`: a part of such packets is dropped at random.
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
type Match = 'yes' | 'no' | 'maybe';
type End =
  | { readonly kind: 'passes' | 'through' | 'exhausted' }
  | { readonly kind: 'drops'; readonly by: string; readonly chain: string };

const DEEPEST = 12;
/** Maximum number of rules followed for one packet: chains that call each other often would take too long. */
const MOST = 20_000;
/** The same for all packets of one kind together. */
const MOST_OF_KIND = 400_000;
/** kube-proxy's `--iptables-masquerade-bit`, 14 unless configured. */
const MASQUERADE = /^0x0*4000\/0x0*4000$/i;
/** Targets that change nothing that rules match on; evaluation continues with the next rule. */
const PASSIVE = /^(LOG|NFLOG|NOTRACK|TRACE|TOS|DSCP|TCPMSS|CLASSIFY|SET|TTL|CHECKSUM|AUDIT|CT)$/;
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

export type RuleBudget = { left: number };

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
      const walk = new Walk(chains, seen, { read, contains }, budget);
      const end = walk.of(chain.name, 0);
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
  const comes = (inputPort ?? null) !== null;
  const goes = (outputPort ?? null) !== null;
  // A bridge gives to the node what is for its own MAC address.
  return comes ? ['prerouting', goes ? 'forward' : 'input'] : goes ? ['output'] : [];
}

/** The links that family bridge sees are ports. */
const onPorts = (packet: FilteredPacket): FilteredPacket => ({
  ...packet,
  // There, rules about addresses are of IP.
  ...(packet.way === 'resolves' ? { source: null, destination: null } : {}),
  inputLink: packet.inputPort ?? null,
  outputLink: packet.outputPort ?? null,
  devices: [],
});

/** What remembers the rules and addresses that it has read. */
type Reader = {
  readonly read: (rule: string) => ForwardRule | null;
  readonly contains: (cidr: string, address: string) => boolean;
};

class Walk {
  /** The rule that took the packet out of connection tracking. */
  untracked: { readonly by: string; readonly chain: string } | null = null;
  /** The first rule that drops such packets at random. */
  lossy: { readonly by: string; readonly chain: string } | null = null;
  /** False once a rule may have set a mark. */
  #unmarked = true;
  #left = MOST;
  readonly #chains: ReadonlyMap<string, readonly string[]>;
  readonly #packet: FilteredPacket;
  readonly #reader: Reader;
  readonly #budget: RuleBudget;

  constructor(
    chains: ReadonlyMap<string, readonly string[]>,
    packet: FilteredPacket,
    reader: Reader,
    budget: RuleBudget,
  ) {
    this.#chains = chains;
    this.#packet = packet;
    this.#reader = reader;
    this.#budget = budget;
  }

  of(chain: string, depth: number): End {
    for (const rule of this.#chains.get(chain) ?? []) {
      this.#left -= 1;
      this.#budget.left -= 1;
      if (this.#left < 0 || this.#budget.left < 0) return { kind: 'exhausted' };
      const read = this.#reader.read(rule);
      // An unrecognized rule may do anything.
      if (read === null) return { kind: 'passes' };
      const match = this.#matches(read.conditions);
      // Agents do so with what their own programs handle.
      if (read.target === 'NOTRACK' && match === 'yes' && !AGENT_CHAINS.test(chain))
        this.untracked ??= { by: rule.trim(), chain };
      if (match === 'no' || read.target === null || PASSIVE.test(read.target)) continue;
      if (read.target === 'MARK' || read.target === 'CONNMARK') {
        this.#unmarked = false;
        continue;
      }
      if (read.target === 'DROP' || read.target === 'REJECT') {
        if (match === 'yes') return { kind: 'drops', by: rule.trim(), chain };
        if (match === 'at random') this.lossy ??= { by: rule.trim(), chain };
        continue;
      }
      if (read.target === 'RETURN') {
        if (match === 'yes') return { kind: 'through' };
        return { kind: 'passes' };
      }
      if (read.target === 'ACCEPT' || !this.#chains.has(read.target) || depth >= DEEPEST)
        return { kind: 'passes' };
      const end = this.of(read.target, depth + 1);
      if (end.kind === 'passes' || end.kind === 'exhausted') return end;
      if (end.kind === 'drops' && match === 'yes') return end;
      // The target of `-g` does not return.
      if (read.goto && match === 'yes') return { kind: 'through' };
    }
    return { kind: 'through' };
  }

  #matches(conditions: readonly Condition[]): Match | 'at random' {
    let certain: Match = 'yes';
    for (const condition of conditions) {
      const match = condition.option === '--probability' ? 'yes' : this.#holds(condition);
      if (match === 'no') return 'no';
      if (match === 'maybe') certain = 'maybe';
    }
    const isRandom = conditions.some(({ option }) => option === '--probability');
    return isRandom && certain === 'yes' ? 'at random' : certain;
  }

  #holds({ option, value, negated }: Condition): Match {
    const { way, family, state, source, destination, inputLink, outputLink, devices, protocol, port } =
      this.#packet;
    const as = (holds: boolean): Match => (holds !== negated ? 'yes' : 'no');
    if (option === '--ethertype')
      return as(value === (way === 'resolves' ? 'arp' : family === 4 ? 'ip' : 'ip6'));
    if (option === '--physdev-is-bridged')
      return as((this.#packet.inputPort ?? null) !== null && (this.#packet.outputPort ?? null) !== null);
    if (option === '-s' && source !== null) return as(this.#isIn(value, source));
    if (option === '-d' && destination !== null) return as(this.#isIn(value, destination));
    // Rules of family netdev may be about a port of the bridge.
    if (option === '-i' && devices.some((device) => device !== inputLink && isLink(value, device)))
      return 'maybe';
    if (option === '-i' && inputLink !== null) return as(isLink(value, inputLink));
    if (option === '-o' && outputLink !== null) return as(isLink(value, outputLink));
    if (option === '-p' && protocol !== null) return as(value === protocol);
    if (option === '--dport' && port !== null && /^\d+$/.test(value)) return as(value === String(port));
    if (option === '--ctstate') return as(value.split(',').includes(state));
    // Other tables and BPF programs set marks that are not visible here. Only kube-proxy's masquerade mark is
    // known to be unset.
    if (option === '--mark' && this.#unmarked && MASQUERADE.test(value)) return as(false);
    return 'maybe';
  }

  #isIn(network: string, address: string): boolean {
    const whole = network.includes('/') ? network : `${network}/${network.includes(':') ? 128 : 32}`;
    return this.#reader.contains(whole, address);
  }
}

/** `eth+` matches every link whose name starts with eth. */
function isLink(pattern: string, link: string): boolean {
  return pattern.endsWith('+') ? link.startsWith(pattern.slice(0, -1)) : pattern === link;
}
