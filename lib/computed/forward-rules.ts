/** iptables rules as data, parsed from the output of iptables-save and of `nft list ruleset`. */

/** A condition of a rule, in the options of iptables. `unknown` may or may not hold. */
export type Condition = {
  readonly option: '-s' | '-d' | '-i' | '-o' | '--ctstate' | '--mark' | 'unknown';
  readonly value: string;
  readonly negated: boolean;
};

export type ForwardRule = {
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
  '--ctstate': '--ctstate',
  '--state': '--ctstate',
  '--mark': '--mark',
};

/** Null if the rule has neither form. */
export function readRule(text: string): ForwardRule | null {
  const words = text
    .replace(/-m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)|\bcomment "[^"]*"|\/\*.*?\*\//g, '')
    .replace(/^\[\d+:\d+\]\s*/, '')
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
    if (word === '-j' || word === '-g') return { conditions, target: value, goto: word === '-g' };
    // An extension's name is not a condition; its conditions are in its options.
    if (word === '-m') {
      at += 1;
      continue;
    }
    conditions.push({ option: OPTIONS[word] ?? 'unknown', value, negated });
    negated = false;
    while (at + 1 < words.length && !/^(?:-|!)/.test(words[at + 1] ?? '')) at += 1;
  }
  return { conditions, target: null, goto: false };
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

/**
 * `CONDITIONS counter VERDICT`, as nft writes the rules of iptables-nft. What this does not recognize is an
 * unknown condition.
 */
function fromNft(words: readonly string[]): ForwardRule {
  const conditions: Condition[] = [];
  const rest = [...words];
  const next = () => rest.shift() ?? '';
  const add = (option: Condition['option']) => {
    const negated = rest[0] === '!=';
    if (negated) next();
    const value = next().replaceAll('"', '');
    // The elements of a set are not known.
    const known = value !== '{' && value !== '';
    conditions.push({ option: known ? option : 'unknown', value: value.replace(/\*$/, '+'), negated });
  };
  while (rest.length > 0) {
    const word = next();
    const verdict = VERDICTS[word];
    if (verdict !== undefined) return { conditions, target: verdict, goto: false };
    if (word === 'jump' || word === 'goto') return { conditions, target: next(), goto: word === 'goto' };
    const pair = `${word} ${rest[0] ?? ''}`;
    const link = LINKS[word];
    if (link !== undefined) add(link);
    else if (/^ip6? [sd]addr$/.test(pair)) add(next() === 'saddr' ? '-s' : '-d');
    else if (pair === 'ct state') {
      next();
      const negated = rest[0] === '!=';
      if (negated) next();
      const value = next();
      if (value === 'vmap') return { conditions, target: 'vmap', goto: false };
      const known = /^[a-z]+(?:,[a-z]+)*$/.test(value);
      conditions.push({ option: known ? '--ctstate' : 'unknown', value: value.toUpperCase(), negated });
    } else if (word === 'ct') {
      // Such as the connection's mark, which is not the packet's.
      conditions.push({ option: 'unknown', value: next(), negated: false });
    } else if (pair === 'meta mark' || word === 'mark') {
      if (word === 'meta') next();
      if (rest[0] === 'set') return { conditions, target: 'MARK', goto: false };
      conditions.push(markOf(rest));
    } else if (pair === 'xt target') {
      next();
      return { conditions, target: next().replaceAll('"', '').toUpperCase(), goto: false };
    } else if (/^(?:dnat|snat|masquerade|redirect|tproxy|queue|vmap)$/.test(word)) {
      return { conditions, target: word, goto: false };
    } else if (!/^(?:counter|packets|bytes|\d+)$/.test(word)) {
      conditions.push({ option: 'unknown', value: word, negated: false });
    }
  }
  return { conditions, target: null, goto: false };
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
