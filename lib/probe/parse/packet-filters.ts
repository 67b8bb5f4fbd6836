/** Chains and rules as `nft list ruleset` and `iptables-save` print them. */
import type { PacketFilter } from '../../model/network.ts';
import { lines } from './lines.ts';

type Table = {
  name: string;
  chains: { name: string; hook: string | null; policy: string | null; devices?: string[]; rules: string[] }[];
  maps?: { name: string; elements: string[] }[];
};

const MAX_RULE = 1000;
const MAX_DEVICES = 1000;
const BUILT_IN = new Set(['INPUT', 'OUTPUT', 'FORWARD', 'PREROUTING', 'POSTROUTING']);
/** An element of a map that leads to a verdict; a comment may stand before the colon. A key is short: no line may cost more than its length. */
const ELEMENT =
  /([^\s{,"][^{,"]{0,150}?)(?: comment "[^"]{0,128}")? : ((?:goto|jump) [^\s,}]+|accept|drop|return)/g;
const IPTABLES_TABLES = new Set(['filter', 'nat', 'mangle', 'raw', 'security']);

/** The ruleset of nftables. Tables of iptables-nft (family ip or ip6, with a name of iptables) are marked. */
export function parseNftables(text: string): PacketFilter[] {
  const tables: { family: string; table: Table }[] = [];
  let chain: Table['chains'][number] | null = null;
  let map: { name: string; elements: string[] } | null = null;
  let skipped = false;
  for (const raw of lines(text)) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const table = /^table (\S+) (\S+) \{/.exec(raw);
    const current = tables.at(-1)?.table;
    if (table?.[1] !== undefined && table[2] !== undefined) {
      tables.push({ family: table[1], table: { name: `${table[1]} ${table[2]}`, chains: [] } });
      chain = null;
      skipped = false;
    } else if (/^\t(set|map|flowtable|ct \S+|counter|quota|limit|synproxy|secmark) /.test(raw)) {
      map = line.startsWith('map ') ? { name: line.split(' ')[1] ?? '', elements: [] } : null;
      skipped = true;
    } else if (skipped) {
      if (raw === '\t}') skipped = false;
      else if (map !== null && current !== undefined) readMap(line, map, current);
    } else if (/^\tchain \S+ \{/.test(raw) && current !== undefined) {
      chain = { name: line.split(' ')[1] ?? '', hook: null, policy: null, rules: [] };
      current.chains.push(chain);
    } else if (raw === '\t}') {
      chain = null;
    } else if (chain !== null) {
      const hook = /^type \S+ hook (\S+) .*?(?:policy (\w+);)?$/.exec(line);
      if (hook !== null) {
        chain.hook = hook[1] ?? null;
        chain.policy = hook[2] ?? 'accept';
        const devices = /\bdevices? (?:= \{ )?(.*?) (?:\} )?priority /.exec(line)?.[1];
        if (devices !== undefined)
          chain.devices = devices
            .split(/[\s,"]+/)
            .filter((name) => name !== '')
            .slice(0, MAX_DEVICES);
      } else {
        chain.rules.push(shortened(line, '…'));
      }
    }
  }
  const ofIptables = tables.filter(
    ({ family, table }) =>
      (family === 'ip' || family === 'ip6') && IPTABLES_TABLES.has(table.name.split(' ')[1] ?? ''),
  );
  const kept = new Set(ofIptables);
  const families = [
    { backend: 'iptables-nft', of: ofIptables.filter(({ family }) => family === 'ip') },
    { backend: 'ip6tables-nft', of: ofIptables.filter(({ family }) => family === 'ip6') },
    { backend: 'nftables', of: tables.filter((table) => !kept.has(table)) },
  ] as const;
  return families.flatMap(({ backend, of }) =>
    of.length === 0
      ? []
      : [
          {
            backend,
            tables: of.map(({ table }) =>
              backend === 'nftables' ? table : { ...table, name: table.name.split(' ')[1] ?? table.name },
            ),
          },
        ],
  );
}

/** What a rule does is at its end; `mark` reads as a condition that is not known, as those in between are not. */
function shortened(rule: string, mark: string): string {
  const end = MAX_RULE / 2;
  return rule.length <= MAX_RULE
    ? rule
    : `${rule.slice(0, MAX_RULE - end - mark.length - 2)} ${mark} ${rule.slice(-end)}`;
}

/** A line of a map: only those that lead to a verdict are kept. */
function readMap(line: string, map: { name: string; elements: string[] }, table: Table): void {
  if (/^type .*: verdict$/.test(line)) {
    table.maps ??= [];
    table.maps.push(map);
  }
  if (table.maps?.at(-1) !== map) return;
  for (const [, key, verdict] of line.replace(/^elements = \{ /, '').matchAll(ELEMENT))
    map.elements.push(`${key} : ${verdict}`.slice(0, MAX_RULE));
}

/** The output of iptables-legacy-save or ip6tables-legacy-save. */
export function parseIptablesSave(
  text: string,
  backend: 'iptables-legacy' | 'ip6tables-legacy',
): PacketFilter {
  const tables: Table[] = [];
  // The chains of the current table, by name.
  const chains = new Map<string, Table['chains'][number]>();
  for (const line of lines(text)) {
    const current = tables.at(-1);
    if (line.startsWith('*')) {
      tables.push({ name: line.slice(1), chains: [] });
      chains.clear();
    } else if (line.startsWith(':') && current !== undefined) {
      const [name = '', policy = '-'] = line.slice(1).split(' ');
      const chain = {
        name,
        hook: BUILT_IN.has(name) ? name.toLowerCase() : null,
        policy: policy === '-' ? null : policy.toLowerCase(),
        rules: [],
      };
      current.chains.push(chain);
      // If a name is repeated, the first counts.
      if (!chains.has(name)) chains.set(name, chain);
    } else if (line.startsWith('-A ') && current !== undefined) {
      chains.get(line.split(' ', 2)[1] ?? '')?.rules.push(shortened(line, '--…'));
    }
  }
  return { backend, tables };
}
