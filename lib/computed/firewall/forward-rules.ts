/** iptables rules as data, parsed from the output of iptables-save and of `nft list ruleset`. */

/**
 * A condition of a rule, in the options of iptables. `unknown` may or may not hold. `--probability` is the share of
 * packets for which it holds, by chance or in turn.
 */
export type Condition = {
  readonly option:
    | ('-s' | '-d' | '-i' | '-o' | '-p' | '--dport' | '--ctstate' | '--ctstatus' | '--mark')
    | ('--physdev-is-bridged' | '--ethertype' | '--probability' | '--dst-type' | 'unknown');
  readonly value: string;
  readonly negated: boolean;
};

export type ForwardRule = {
  /** nft's `ip saddr`, `ip6 nexthdr` or `arp htype` apply to these packets only, however the rule compares them. */
  readonly protocols: readonly (typeof PROTOCOLS)[number][];
  readonly conditions: readonly Condition[];
  /** ACCEPT, DROP, a chain or an extension; null if the rule only counts. */
  readonly target: string | null;
  /** Packets sent to the target do not return to this chain. */
  readonly goto: boolean;
};

const OPTIONS: Readonly<Record<string, Condition['option']>> = {
  '-s': '-s',
  '-d': '-d',
  '-i': '-i',
  '-o': '-o',
  '-p': '-p',
  '--dport': '--dport',
  '--ctstate': '--ctstate',
  '--state': '--ctstate',
  '--ctstatus': '--ctstatus',
  '--mark': '--mark',
  '--physdev-is-bridged': '--physdev-is-bridged',
  '--dst-type': '--dst-type',
  '--probability': '--probability',
  '--every': '--probability',
};

/** Null if the rule has neither form. */
export function readRule(text: string): ForwardRule | null {
  const words = text
    .replace(/-m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)|\bcomment "[^"]*"|\/\*.*?\*\//g, '')
    .replace(/^\[\d+:\d+\]\s*/, '')
    // What nft logs with the rule, which may be any text.
    .replace(
      /(?<=^|\s)log(?: prefix "[^"]*")?(?: (?:level|group|snaplen|queue-threshold|flags) [\w-]+)*(?= )/g,
      '',
    )
    .replace(/\s*# handle \d+$/, '')
    .trim()
    .split(/\s+/);
  return words[0] === '-A' ? fromSave(words) : /^[a-z]/.test(words[0] ?? '') ? fromNft(words) : null;
}

/** `-A CHAIN CONDITIONS -j TARGET`. */
function fromSave(words: readonly string[]): ForwardRule {
  const conditions: Condition[] = [];
  let negated = false;
  for (let at = 2; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const value = words[at + 1] ?? '';
    if (word === '!') {
      negated = true;
      continue;
    }
    // Everything after the target is the target's own options.
    if (word === '-j' || word === '-g') {
      const target = value === 'CT' && words[at + 2] === '--notrack' ? 'NOTRACK' : value;
      return { protocols: [], conditions, target, goto: word === '-g' };
    }
    // An extension's name is not a condition; its conditions are in its options.
    if (word === '-m') {
      at += 1;
      continue;
    }
    // The share, which follows, says the same; each in turn is as good as another.
    if ((word === '--mode' && /^(?:random|nth)$/.test(value)) || word === '--packet') {
      at += 1;
      continue;
    }
    const share = word === '--every' ? String(1 / Number(value)) : value;
    const isShare = /^\d[\d.e-]*$/.test(share);
    const option = OPTIONS[word] ?? 'unknown';
    conditions.push({
      option: option === '--probability' && !isShare ? 'unknown' : option,
      value: share,
      negated,
    });
    negated = false;
    while (at + 1 < words.length && !/^(?:-|!)/.test(words[at + 1] ?? '')) at += 1;
  }
  return { protocols: [], conditions, target: null, goto: false };
}

const VERDICTS: Readonly<Record<string, string>> = {
  accept: 'ACCEPT',
  drop: 'DROP',
  return: 'RETURN',
  reject: 'REJECT',
};
const LINKS: Readonly<Record<string, Condition['option']>> = {
  iifname: '-i',
  iif: '-i',
  oifname: '-o',
  oif: '-o',
};

const ONE_ADDRESS = /^(?:\d+(?:\.\d+){3}|[\da-f]*:[\da-f:.]*)(?:\/\d+)?$/i;
const VERDICT = /^(?:accept|drop|reject|jump|goto|return|queue)$/;
/** For what nft reads the header, so that no other packet matches. */
const FIELDS = {
  ip: /^ip (?:[sd]addr|protocol|version|hdrlength|dscp|ecn|length|id|frag-off|ttl|checksum|option)$/,
  ip6: /^ip6 (?:[sd]addr|nexthdr|version|dscp|ecn|flowlabel|length|hoplimit)$/,
  arp: /^arp (?:htype|ptype|hlen|plen|operation|[sd]addr)$/,
} as const;
export const PROTOCOLS = ['ip', 'ip6', 'arp'] as const;
/** Words that only packets of one protocol match, whatever follows, and its name in rules. */
const OF_PROTOCOL: Readonly<Record<string, string>> = {
  ...{ tcp: 'tcp', udp: 'udp', icmp: 'icmp', icmpv6: 'ipv6-icmp' },
  ...{ igmp: 'igmp', esp: 'esp', ah: 'ah', sctp: 'sctp', dccp: 'dccp' },
};
/** Otherwise the word is the value of another condition, as in `ct protocol tcp`. */
const OF_HEADER =
  /^(?:[sd]port|type|code|flags|option|spi|sequence|checksum|length|id|mtu|window|vtag|group)$/;
/** Their own words are those of other conditions; `vxlan ip saddr` is about the packet within. */
const WITH_WORDS = /^(?:fib|rt|ipsec|vxlan|geneve|gre|gretap)$/;
/** What nft writes for one value; others are sets, ranges, concatenations and names of sets. */
const ONE: Readonly<Record<string, RegExp>> = {
  '-s': ONE_ADDRESS,
  '-d': ONE_ADDRESS,
  '-i': /^[^{@.$*][^*]*\*?$/,
  '-o': /^[^{@.$*][^*]*\*?$/,
  '-p': /^[a-z][\w-]*$/,
  '--dport': /^\d+$/,
  '--ethertype': /^(?:ip|ip6|arp)$/,
  '--dst-type': /^[a-z]+$/,
};

/**
 * `CONDITIONS counter VERDICT`, as nft writes rules of its own and of iptables-nft. What this does not
 * recognize is an unknown condition.
 */
function fromNft(words: readonly string[]): ForwardRule {
  // One of several verdicts, by what no packet shown here has.
  if (words.includes('vmap')) return { protocols: [], conditions: [], target: 'vmap', goto: false };
  const conditions: Condition[] = [];
  const protocols: (typeof PROTOCOLS)[number][] = [];
  const end = (target: string | null, goto = false): ForwardRule => ({ protocols, conditions, target, goto });
  const rest = [...words];
  const next = () => rest.shift() ?? '';
  const takesNot = () => {
    const negated = rest[0] === '!=';
    if (negated) next();
    return negated;
  };
  const add = (option: Condition['option']) => {
    const negated = takesNot();
    const value = next().replaceAll('"', '');
    const known = ONE[option]?.test(value) === true && rest[0] !== '.';
    conditions.push({ option: known ? option : 'unknown', value: value.replace(/\*$/, '+'), negated });
  };
  while (rest.length > 0) {
    const word = next();
    const verdict = VERDICTS[word];
    if (verdict !== undefined) return end(verdict);
    if (word === 'notrack' && rest.length === 0) return end('NOTRACK');
    if (word === 'jump' || word === 'goto') return end(next(), word === 'goto');
    const pair = `${word} ${rest[0] ?? ''}`;
    protocols.push(...PROTOCOLS.filter((each) => FIELDS[each].test(pair)));
    const link = LINKS[word];
    if (link !== undefined) add(link);
    else if (/^ip6? [sd]addr$/.test(pair)) add(next() === 'saddr' ? '-s' : '-d');
    else if (/^arp [sd]addr$/.test(pair) && rest[1] === 'ip')
      add(rest.splice(0, 2)[0] === 'saddr' ? '-s' : '-d');
    // Of Ethernet and IPv4, as all ARP is.
    else if (/^arp (?:htype 1|hlen 6|plen 4)$/.test(`${pair} ${rest[1] ?? ''}`)) rest.splice(0, 2);
    else if (pair === 'ether type') {
      next();
      add('--ethertype');
    } else if (/^(?:meta l4proto|ip protocol|ip6 nexthdr)$/.test(pair)) {
      next();
      const several = severalProtocols(rest);
      if (several === null) add('-p');
      else conditions.push(several);
    } else if (OF_PROTOCOL[word] !== undefined && OF_HEADER.test(rest[0] ?? '')) {
      conditions.push({ option: '-p', value: OF_PROTOCOL[word], negated: false });
      const field = next();
      if (field === 'dport') add('--dport');
      else conditions.push({ option: 'unknown', value: field, negated: false });
    } else if (/^(?:meta random|numgen (?:random|inc))$/.test(pair)) {
      conditions.push(shareOf(rest));
    } else if (/^fib daddr type (?!\{)/.test(`${word} ${rest.slice(0, 3).join(' ')}`)) {
      rest.splice(0, 2);
      add('--dst-type');
    } else if (WITH_WORDS.test(word)) {
      conditions.push({ option: 'unknown', value: word, negated: false });
      while (rest.length > 0 && !/^(?:counter|meta)$/.test(rest[0] ?? '') && !VERDICT.test(rest[0] ?? ''))
        next();
    } else if (pair === 'ct state') {
      next();
      const negated = takesNot();
      let value = next();
      // As firewalld writes several: `{ established, related }`.
      if (value === '{')
        value = rest
          .splice(0, rest.indexOf('}') + 1)
          .slice(0, -1)
          .join('');
      const known = /^[a-z]+(?:,[a-z]+)*$/.test(value);
      conditions.push({ option: known ? '--ctstate' : 'unknown', value: value.toUpperCase(), negated });
    } else if (pair === 'ct status') {
      // May be the word for a verdict (dnat).
      next();
      const negated = takesNot();
      conditions.push({ option: '--ctstatus', value: next().toUpperCase(), negated });
    } else if (word === 'ct') {
      // Such as the connection's mark, which is not the packet's.
      const value = next();
      conditions.push({ option: 'unknown', value, negated: false });
      // The addresses are those before they were translated.
      if (!/^(?:original|reply)$/.test(value) || !/^ip6?$/.test(rest[0] ?? '')) continue;
      rest.splice(0, 2);
      takesNot();
      next();
    } else if (pair === 'meta mark' || word === 'mark') {
      if (word === 'meta') next();
      // A rule that marks and then decides may do anything.
      if (rest[0] === 'set') return end(rest.some((each) => VERDICT.test(each)) ? 'mark' : 'MARK');
      conditions.push(markOf(rest));
    } else if (pair === 'xt target') {
      next();
      return end(next().replaceAll('"', '').toUpperCase());
    } else if (/^(?:dnat|snat|masquerade|redirect|tproxy|queue|fwd|synproxy)$/.test(word)) {
      return end(word);
    } else if (!/^(?:counter|packets|bytes|\d+)$/.test(word)) {
      conditions.push({ option: 'unknown', value: word, negated: false });
    }
  }
  return end(null);
}

/** Takes a set of names, as firewalld accepts pings: `{ icmp, ipv6-icmp }`. */
function severalProtocols(rest: string[]): Condition | null {
  const set = /^(!= )?\{ ([a-z][a-z\d-]*(?:, [a-z][a-z\d-]*)*) \}(?: |$)/.exec(rest.join(' '));
  if (set === null) return null;
  rest.splice(0, rest.indexOf('}') + 1);
  return { option: '-p', value: set[2] ?? '', negated: set[1] !== undefined };
}

/**
 * Takes `random & MASK < N` (as iptables-nft writes it), `random mod M < N` or `inc mod M N`; what else follows may hold
 * for any share.
 */
function shareOf(rest: string[]): Condition {
  const [, sign, of = '', than = '=', some = ''] =
    /^(?:random|inc) (&|mod) (\d+) (?:(<|>=|!=) )?(\d+) /.exec(`${rest.join(' ')} `) ?? [];
  rest.splice(0, sign === undefined ? 1 : than === '=' ? 4 : 5);
  const all = Number(of) + (sign === '&' ? 1 : 0);
  const share = (/[<>]/.test(than) ? Number(some) : Number(some) < all ? 1 : 0) / all;
  return sign === undefined || all === 0
    ? { option: 'unknown', value: '', negated: false }
    : { option: '--probability', value: String(share), negated: /[>!]/.test(than) };
}

/** `[& MASK] [==|!=] VALUE`. */
function markOf(rest: string[]): Condition {
  const mask = rest[0] === '&' ? rest.splice(0, 2)[1] : undefined;
  const negated = rest[0] === '!=';
  if (negated || rest[0] === '==') rest.shift();
  const value = rest.shift() ?? '';
  return /^0x[0-9a-f]+$|^\d+$/i.test(value)
    ? { option: '--mark', value: mask === undefined ? value : `${value}/${mask}`, negated }
    : { option: 'unknown', value, negated };
}
