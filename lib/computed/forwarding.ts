/**
 * Whether the node's own packet filter lets a pod's packets pass. Only what is certain counts: an
 * unrecognized condition may hold, so anything that could accept the packet ends the search.
 */
import type { PacketFilter } from '../model/network.ts';
import { contains } from './cidr.ts';
import { type Condition, readRule } from './forward-rules.ts';

/** The first packet of a connection, as FORWARD sees it. */
export type ForwardedPacket = {
  readonly source: string;
  readonly destination: string;
  readonly inputLink: string;
  readonly outputLink: string;
};

type Table = PacketFilter['tables'][number];
type Match = 'yes' | 'no' | 'maybe';
type End = { readonly kind: 'passes' | 'through' } | { readonly kind: 'drops'; readonly by: string };

const DEEPEST = 12;
/** Maximum number of rules followed for one packet: chains that call each other often would take too long. */
const MOST = 20_000;
/** kube-proxy's `--iptables-masquerade-bit`, 14 unless configured. */
const MASQUERADE = /^0x0*4000\/0x0*4000$/i;
/** Targets that change nothing that rules match on; evaluation continues with the next rule. */
const PASSIVE = /^(LOG|NFLOG|NOTRACK|TRACE|TOS|DSCP|TCPMSS|CLASSIFY|SET|TTL|CHECKSUM|AUDIT|CT)$/;

/**
 * What certainly drops the packet: backend and rule or policy; null if it may pass. nftables' own tables are
 * not read.
 */
export function forwardDrop(
  filters: readonly PacketFilter[],
  packet: ForwardedPacket,
): { readonly backend: PacketFilter['backend']; readonly by: string } | null {
  const backends = packet.source.includes(':')
    ? ['ip6tables-legacy', 'ip6tables-nft']
    : ['iptables-legacy', 'iptables-nft'];
  for (const { backend, tables } of filters) {
    if (!backends.includes(backend)) continue;
    const table = tables.find(({ name }) => name.split(' ').at(-1) === 'filter');
    const chain = table?.chains.find(({ name }) => name === 'FORWARD');
    if (table === undefined || chain === undefined) continue;
    const end = new Walk(table, packet).of('FORWARD', 0);
    if (end.kind === 'drops') return { backend, by: end.by };
    if (end.kind === 'through' && chain.policy?.toLowerCase() === 'drop')
      return { backend, by: `policy ${chain.policy} of FORWARD` };
  }
  return null;
}

class Walk {
  /** False once a rule may have set a mark. */
  #unmarked = true;
  #left = MOST;
  readonly #chains: ReadonlyMap<string, readonly string[]>;
  readonly #packet: ForwardedPacket;

  constructor(table: Table, packet: ForwardedPacket) {
    this.#chains = new Map(table.chains.map(({ name, rules }) => [name, rules]));
    this.#packet = packet;
  }

  of(chain: string, depth: number): End {
    for (const rule of this.#chains.get(chain) ?? []) {
      this.#left -= 1;
      if (this.#left < 0) return { kind: 'passes' };
      const read = readRule(rule);
      // An unrecognized rule may do anything.
      if (read === null) return { kind: 'passes' };
      const match = this.#matches(read.conditions);
      if (match === 'no' || read.target === null || PASSIVE.test(read.target)) continue;
      if (read.target === 'MARK' || read.target === 'CONNMARK') {
        this.#unmarked = false;
        continue;
      }
      if (read.target === 'DROP' || read.target === 'REJECT') {
        if (match === 'yes') return { kind: 'drops', by: rule.trim() };
        continue;
      }
      if (read.target === 'RETURN') {
        if (match === 'yes') return { kind: 'through' };
        return { kind: 'passes' };
      }
      if (read.target === 'ACCEPT' || !this.#chains.has(read.target) || depth >= DEEPEST)
        return { kind: 'passes' };
      const end = this.of(read.target, depth + 1);
      if (end.kind === 'passes') return end;
      if (end.kind === 'drops' && match === 'yes') return end;
      // The target of `-g` does not return.
      if (read.goto && match === 'yes') return { kind: 'through' };
    }
    return { kind: 'through' };
  }

  #matches(conditions: readonly Condition[]): Match {
    let certain: Match = 'yes';
    for (const condition of conditions) {
      const match = this.#holds(condition);
      if (match === 'no') return 'no';
      if (match === 'maybe') certain = 'maybe';
    }
    return certain;
  }

  #holds({ option, value, negated }: Condition): Match {
    const { source, destination, inputLink, outputLink } = this.#packet;
    const as = (holds: boolean): Match => (holds !== negated ? 'yes' : 'no');
    if (option === '-s') return as(inNetwork(value, source));
    if (option === '-d') return as(inNetwork(value, destination));
    if (option === '-i') return as(isLink(value, inputLink));
    if (option === '-o') return as(isLink(value, outputLink));
    if (option === '--ctstate') return as(value.split(',').includes('NEW'));
    // Other tables and BPF programs set marks that are not visible here. Only kube-proxy's masquerade mark is
    // known to be unset.
    if (option === '--mark' && this.#unmarked && MASQUERADE.test(value)) return as(false);
    return 'maybe';
  }
}

function inNetwork(network: string, address: string): boolean {
  const whole = network.includes('/') ? network : `${network}/${network.includes(':') ? 128 : 32}`;
  return contains(whole, address);
}

/** `eth+` matches every link whose name starts with eth. */
function isLink(pattern: string, link: string): boolean {
  return pattern.endsWith('+') ? link.startsWith(pattern.slice(0, -1)) : pattern === link;
}
