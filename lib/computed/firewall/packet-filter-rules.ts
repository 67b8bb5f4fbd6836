/** Parses single packet-filter rules, in the notation of iptables-save and of `nft list ruleset`. */
import type { PodNetwork } from '../../model/evidence.ts';
import type { PacketFilter } from '../../model/network.ts';
import { readRule } from './forward-rules.ts';

type Table = PacketFilter['tables'][number];
type Chain = Table['chains'][number];

/** What a rule does with every packet: nothing certain, accept some, drop all, or send all to a chain. */
type Effect =
  | { readonly kind: 'nothing' | 'lets' | 'blocks' | 'returns' }
  | { readonly kind: 'jump'; readonly chain: string };

/**
 * Chains and tables that service meshes create in pods (docs/traps.md T26): their content is expected.
 * `MULTI-` is the prefix of multi-networkpolicy, which enforces policies for secondary networks inside the
 * pod.
 */
const MESH =
  /^(ISTIO_|istio-|PROXY_INIT_|linkerd|CONSUL_|KUMA_MESH_|OSM_PROXY_|APPMESH_|MULTI-(\d+-)?(INGRESS|EGRESS))/i;

const INBOUND: readonly string[] = ['ingress', 'prerouting', 'input'];
const OUTBOUND: readonly string[] = ['output', 'postrouting', 'egress'];
const FAR = 8;

/** One rule that no known profile explains. */
export type PlacedRule = {
  readonly backend: string;
  readonly table: string;
  readonly chain: string;
  readonly rule: string;
};

/**
 * What meshes write in chains that are not theirs: exceptions, marks, zones of connection tracking, DNS for their proxy,
 * and a drop of what belongs to no connection (Istio's excludeInterfaces, TPROXY, INVALID_DROP and DNS capture; Kuma).
 */
function isOfSomeMesh(rule: string): boolean {
  const read = readRule(rule);
  if (read === null) return false;
  const holds = (option: string, value: string) =>
    read.conditions.some((each) => each.option === option && each.value === value && !each.negated);
  switch (read.target?.toUpperCase()) {
    case 'RETURN':
    case 'MARK':
    case 'CONNMARK':
    case 'CT':
      return true;
    case 'REDIRECT':
      return holds('--dport', '53');
    case 'DROP':
      return holds('--ctstate', 'INVALID');
    default:
      return read.target === null && /\bct (?:mark|zone) set /.test(rule);
  }
}

/** Rules in the pod's namespace that no mesh created. */
export function unexpectedRules(filters: readonly PacketFilter[]): PlacedRule[] {
  const hasMesh = filters.some(({ tables }) =>
    tables.some(
      (table) => MESH.test(bareName(table.name)) || table.chains.some(({ name }) => MESH.test(name)),
    ),
  );
  return filters.flatMap(({ backend, tables }) =>
    tables
      .filter(({ name }) => !MESH.test(bareName(name)))
      .flatMap((table) =>
        table.chains
          .filter(({ name }) => !MESH.test(name))
          .flatMap((chain) =>
            chain.rules
              .filter(
                (rule) =>
                  !withoutComments(rule)
                    .split(/[\s"']+/)
                    .some((word) => MESH.test(word)),
              )
              .filter((rule) => !(hasMesh && isOfSomeMesh(rule)))
              .map((rule) => ({ backend, table: table.name, chain: chain.name, rule: rule.trim() })),
          ),
      ),
  );
}

/** This chain drops all packets of its direction, whatever the other rules say. */
export type Blockade = {
  readonly direction: 'in' | 'out';
  readonly backend: string;
  readonly table: string;
  readonly chain: string;
  readonly by: string;
};

/**
 * Why the pod itself may have written its rules: a container that satisfies `may` could have; null if there
 * is none.
 */
export function ownRules(
  { pod }: PodNetwork,
  may: (container: PodNetwork['pod']['containers'][number]) => boolean,
): string | null {
  const owner = pod.containers.find(may);
  return owner === undefined
    ? null
    : `container ${owner.name} may change the network, and may own these rules`;
}

/** Base chains that drop all incoming or all outgoing packets; rules about loopback do not count. */
export function blockades(network: PodNetwork, filters: readonly PacketFilter[]): Blockade[] {
  const families = network.pod.podIPs.map((ip) => (ip.includes(':') ? 6 : 4));
  return filters.flatMap(({ backend, tables }) =>
    tables.flatMap((table) => {
      const only = backend.startsWith('ip6') || table.name.startsWith('ip6 ') ? 6 : 4;
      const both = /^(inet|netdev|arp) /.test(table.name);
      if (!both && !families.includes(only)) return [];
      return table.chains.flatMap((chain) => {
        if (chain.policy === null && chain.hook === null) return [];
        const hook = (chain.hook ?? chain.name).toLowerCase();
        const direction = INBOUND.includes(hook) ? 'in' : OUTBOUND.includes(hook) ? 'out' : null;
        if (direction === null) return [];
        const by = blockedBy(table, chain, network, FAR);
        return by === null ? [] : [{ direction, backend, table: table.name, chain: chain.name, by } as const];
      });
    }),
  );
}

/** The rule or policy that drops everything that reaches a base chain; null if something may pass. */
function blockedBy(table: Table, chain: Chain, network: PodNetwork, depth: number): string | null {
  const end = walk(table, chain, network, depth);
  if (end.kind === 'blocks') return end.by;
  const drops = end.kind === 'through' && chain.policy?.toLowerCase() === 'drop';
  return drops ? `policy ${chain.policy}` : null;
}

type End = { readonly kind: 'blocks'; readonly by: string } | { readonly kind: 'lets' | 'through' };

/**
 * @param known - results for chains already walked: each is walked once for each depth, however often others
 * jump to it
 */
function walk(
  table: Table,
  chain: Chain,
  network: PodNetwork,
  depth: number,
  known = new Map<string, End>(),
): End {
  for (const rule of chain.rules) {
    const effect = effectOf(rule, network);
    if (effect.kind === 'blocks') return { kind: 'blocks', by: rule.trim() };
    if (effect.kind === 'lets') return { kind: 'lets' };
    if (effect.kind === 'returns') return { kind: 'through' };
    if (effect.kind !== 'jump') continue;
    const target = table.chains.find(({ name }) => name === effect.chain);
    // A target that is no chain of the table is an extension with an unknown effect.
    if (target === undefined || depth === 0) return { kind: 'lets' };
    const key = `${depth} ${target.name}`;
    const end = known.get(key) ?? walk(table, target, network, depth - 1, known);
    known.set(key, end);
    if (end.kind !== 'through') return end;
  }
  return { kind: 'through' };
}

/** Targets that neither drop nor accept: evaluation continues with the next rule. */
const PASSIVE =
  /^(LOG|NFLOG|MARK|CONNMARK|CT|NOTRACK|TRACE|TOS|DSCP|TCPMSS|CLASSIFY|SET|TTL|CHECKSUM|AUDIT)$/;

function effectOf(rule: string, network: PodNetwork): Effect {
  if (/(^|\s)-[io] lo(\s|$)|[io]if(name)? "?lo"?(\s|$)/.test(rule) && !/! -[io] lo|!= "?lo/.test(rule)) {
    return { kind: 'nothing' };
  }
  return /(^|\s)-(A|j|g)\s/.test(rule) ? iptablesEffect(rule, network) : nftEffect(rule, network);
}

function iptablesEffect(rule: string, network: PodNetwork): Effect {
  const bare = withoutComments(rule);
  const target = /(?:^|\s)-([jg]) (\S+)(.*)$/.exec(bare);
  if (target === null) return { kind: 'nothing' };
  const [, , name = ''] = target;
  const conditions = everyPacket(
    bare
      .slice(0, target.index)
      .replace(/^\[\d+:\d+\]\s*/, '')
      .replace(/(^|\s)-A \S+/, '')
      .replace(/! -[io] lo(?=\s|$)/g, ''),
    network,
    (link) => [`-i ${link}`, `-o ${link}`],
    (address) => [`-d ${address}`, `-s ${address}`],
  );
  if (PASSIVE.test(name)) return { kind: 'nothing' };
  if (name === 'DROP' || name === 'REJECT') return { kind: conditions ? 'nothing' : 'blocks' };
  if (conditions) return { kind: 'lets' };
  if (name === 'RETURN') return { kind: 'returns' };
  return name === 'ACCEPT' ? { kind: 'lets' } : { kind: 'jump', chain: name };
}

function nftEffect(rule: string, network: PodNetwork): Effect {
  const text = everyPacket(
    withoutComments(rule)
      .replace(/\s*# handle \d+$/, '')
      .replace(/counter( packets \d+ bytes \d+)?/g, '')
      .replace(/log prefix "[^"]*"|\blog\b( (level|group|flags) \S+)*/g, '')
      .replace(/[io]if(name)? != "?lo"?(?=\s|$)/g, ''),
    network,
    (link) => ['iif', 'oif', 'iifname', 'oifname'].map((word) => `${word} "${link}"`),
    (address) => ['ip', 'ip6'].flatMap((word) => [`${word} daddr ${address}`, `${word} saddr ${address}`]),
  );
  if (/^(drop|reject( with .+)?)$/.test(text)) return { kind: 'blocks' };
  if (text === 'return') return { kind: 'returns' };
  const jump = /^(?:jump|goto) (\S+)$/.exec(text);
  if (jump?.[1] !== undefined) return { kind: 'jump', chain: jump[1] };
  if (/\b(drop|reject( with .+)?)$/.test(text)) return { kind: 'nothing' };
  return /\b(accept|return|queue|jump|goto|vmap|redirect|dnat|snat|masquerade|tproxy)\b/.test(text)
    ? { kind: 'lets' }
    : { kind: 'nothing' };
}

/** The conditions without those that all of the pod's traffic meets: its own interface, its own addresses. */
function everyPacket(
  conditions: string,
  network: PodNetwork,
  onLink: (link: string) => readonly string[],
  onAddress: (address: string) => readonly string[],
): string {
  const always = [
    ...onLink(network.interface),
    ...(network.pod.podIPs.length === 1
      ? network.pod.podIPs.flatMap((ip) => [
          ...onAddress(`${ip}/32`),
          ...onAddress(`${ip}/128`),
          ...onAddress(ip),
        ])
      : []),
  ];
  const left = always.reduce((text, words) => ` ${text} `.replaceAll(` ${words} `, ' '), conditions);
  return left.replace(/\s+/g, ' ').trim();
}

/** `filter` of `ip filter`: nft writes the family first. */
function bareName(table: string): string {
  return table.split(' ').at(-1) ?? table;
}

/** Comments may contain anything, even `-j ACCEPT` or the name of a mesh. */
export function withoutComments(rule: string): string {
  return rule.replace(/(?:-m comment )?(?:--)?comment (?:"(?:[^"\\]|\\.)*"|\S+)/g, '');
}
