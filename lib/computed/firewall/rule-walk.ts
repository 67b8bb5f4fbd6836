/** How a packet goes through the rules of a chain. Only what is certain counts: an unrecognized condition may hold. */
import { AGENT_CHAINS } from '../../model/cni-names.ts';
import type { FilteredPacket } from './filtered-packet.ts';
import type { Condition, ForwardRule } from './forward-rules.ts';

/** Whether a rule applies. `in part`: to a share of such packets, by chance or in turn. */
type Match = 'yes' | 'no' | 'maybe' | 'in part';
type Place = { readonly by: string; readonly chain: string };
type End = { readonly kind: 'passes' | 'through' | 'exhausted' } | ({ readonly kind: 'drops' } & Place);

const DEEPEST = 12;
/** Maximum number of rules followed for one packet: chains that call each other often would take too long. */
const MOST = 20_000;
/** kube-proxy's `--iptables-masquerade-bit`, 14 unless configured. */
const MASQUERADE = /^0x0*4000\/0x0*4000$/i;
/** Targets that change nothing that rules match on; evaluation continues with the next rule. */
const PASSIVE = /^(LOG|NFLOG|NOTRACK|TRACE|TOS|DSCP|TCPMSS|CLASSIFY|SET|TTL|CHECKSUM|AUDIT|CT)$/;
/** Chains in which the firewall plugin keeps pods apart, as its `ingressPolicy` asks for. */
const ON_PURPOSE = /^CNI-ISOLATION-/;

/** Of addresses; several of them, or others, may be any. */
const KINDS = /^(?:local|unicast|broadcast|multicast|anycast)$/i;

export type RuleBudget = { left: number };

/** What remembers the rules and addresses that it has read. */
type Reader = {
  readonly read: (rule: string) => ForwardRule | null;
  readonly contains: (cidr: string, address: string) => boolean;
  /** Whether a rule of the node takes any packets out of connection tracking. */
  readonly mayUntrack: () => boolean;
};

export class RuleWalk {
  /** The rule that took the packet out of connection tracking. */
  untracked: Place | null = null;
  /** The first rule that certainly drops a part of such packets. */
  lossy: Place | null = null;
  /** False once a rule may have set a mark. */
  #unmarked = true;
  #left = MOST;
  readonly #chains: ReadonlyMap<string, readonly string[]>;
  readonly #packet: FilteredPacket;
  readonly #reader: Reader;
  readonly #budget: RuleBudget;
  readonly #mayBeTranslated: boolean;

  /** `mayBeTranslated`: whether a rule of table nat may have given the packet another destination. */
  constructor(
    chains: ReadonlyMap<string, readonly string[]>,
    packet: FilteredPacket,
    reader: Reader,
    budget: RuleBudget,
    mayBeTranslated: boolean,
  ) {
    this.#chains = chains;
    this.#packet = packet;
    this.#reader = reader;
    this.#budget = budget;
    this.#mayBeTranslated = mayBeTranslated;
  }

  /** From the first rule of a chain that begins at a hook. */
  through(chain: string): End {
    return this.#of(chain, 0, 'yes');
  }

  /** `reached`: whether the packet gets to the chain at all. */
  #of(chain: string, depth: number, reached: Match): End {
    for (const rule of this.#chains.get(chain) ?? []) {
      this.#left -= 1;
      this.#budget.left -= 1;
      if (this.#left < 0 || this.#budget.left < 0) return { kind: 'exhausted' };
      const read = this.#reader.read(rule);
      // An unrecognized rule may do anything.
      if (read === null) return { kind: 'passes' };
      const match = this.#matches(read);
      /** Whether the rule applies to such packets at all. */
      const applies = both(reached, match);
      // Agents do so with what their own programs handle.
      if (read.target === 'NOTRACK' && applies === 'yes' && !AGENT_CHAINS.test(chain))
        this.untracked ??= { by: rule.trim(), chain };
      if (match === 'no' || read.target === null || PASSIVE.test(read.target)) continue;
      if (read.target === 'MARK' || read.target === 'CONNMARK') {
        this.#unmarked = false;
        continue;
      }
      if (read.target === 'DROP' || read.target === 'REJECT') {
        if (match !== 'maybe' && ON_PURPOSE.test(chain)) return { kind: 'passes' };
        if (match === 'yes') return { kind: 'drops', by: rule.trim(), chain };
        if (applies === 'in part') this.lossy ??= { by: rule.trim(), chain };
        continue;
      }
      if (read.target === 'RETURN') {
        if (match === 'yes') return { kind: 'through' };
        return { kind: 'passes' };
      }
      if (read.target === 'ACCEPT' || !this.#chains.has(read.target) || depth >= DEEPEST)
        return { kind: 'passes' };
      const end = this.#of(read.target, depth + 1, applies);
      if (end.kind === 'passes' || end.kind === 'exhausted') return end;
      if (end.kind === 'drops' && match === 'yes') return end;
      if (end.kind === 'drops' && applies === 'in part') this.lossy ??= { by: end.by, chain: end.chain };
      // The target of `-g` does not return.
      if (read.goto && match === 'yes') return { kind: 'through' };
    }
    return { kind: 'through' };
  }

  #matches({ protocols, conditions }: ForwardRule): Match {
    if (protocols.some((protocol) => protocol !== this.#protocol())) return 'no';
    let match: Match = 'yes';
    for (const condition of conditions) {
      match = both(
        match,
        condition.option === '--probability' ? byChance(condition) : this.#holds(condition),
      );
      if (match === 'no') return 'no';
    }
    return match;
  }

  /** What the frame carries. */
  #protocol(): ForwardRule['protocols'][number] {
    const { way, family } = this.#packet;
    return way === 'resolves' ? 'arp' : family === 4 ? 'ip' : 'ip6';
  }

  #holds({ option, value, negated }: Condition): Match {
    const { way, state, source, destination, inputLink, outputLink, devices, protocol, port } = this.#packet;
    const as = (holds: boolean): Match => (holds !== negated ? 'yes' : 'no');
    if (option === '--ethertype') return as(value === this.#protocol());
    if (option === '--physdev-is-bridged')
      return as(this.#packet.inputPort !== null && this.#packet.outputPort !== null);
    if (option === '-s' && source !== null) return as(this.#isIn(value, source));
    if (option === '-d' && destination !== null) return as(this.#isIn(value, destination));
    // Rules of family netdev may be about a port of the bridge.
    if (option === '-i' && devices.some((device) => device !== inputLink && isLink(value, device)))
      return 'maybe';
    if (option === '-i' && inputLink !== null) return as(isLink(value, inputLink));
    if (option === '-o' && outputLink !== null) return as(isLink(value, outputLink));
    // What is for an address of the node is for no other kind of address.
    if (option === '--dst-type' && way === 'received' && destination !== null && KINDS.test(value))
      return as(/^local$/i.test(value));
    if (option === '-p' && protocol !== null) return as(value.split(', ').includes(protocol));
    if (option === '--dport' && port !== null && /^\d+$/.test(value)) return as(value === String(port));
    if (option === '--ctstate') {
      const states = value.split(',');
      if (states.includes(state)) return as(true);
      const mayHold =
        (states.includes('UNTRACKED') && this.#reader.mayUntrack()) ||
        (this.#mayBeTranslated && (states.includes('DNAT') || states.includes('SNAT')));
      return mayHold ? 'maybe' : as(false);
    }
    if (option === '--ctstatus' && value === 'DNAT' && !this.#mayBeTranslated) return as(false);
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

/** Whether a rule applies if two things decide that. */
function both(one: Match, other: Match): Match {
  if (one === 'yes' || other === 'no') return other;
  if (other === 'yes' || one === 'no') return one;
  return one === 'maybe' ? one : other;
}

function byChance({ value, negated }: Condition): Match {
  const share = negated ? 1 - Number(value) : Number(value);
  return share <= 0 ? 'no' : share >= 1 ? 'yes' : share > 0 ? 'in part' : 'maybe';
}

/** `eth+` matches every link whose name starts with eth. */
export function isLink(pattern: string, link: string): boolean {
  return pattern.endsWith('+') ? link.startsWith(pattern.slice(0, -1)) : pattern === link;
}
