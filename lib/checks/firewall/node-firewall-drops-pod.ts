import { isIP } from 'node:net';
import {
  type Condition,
  type ForwardRule,
  PROTOCOLS,
  readRule,
} from '../../computed/firewall/forward-rules.ts';
import { toolOf } from '../../computed/firewall/nat-chain.ts';
import { mainAddresses } from '../../computed/preconditions.ts';
import { AGENT_CHAINS, AGENT_TABLES, FIREWALLD_TABLE } from '../../model/cni-names.ts';
import type { Sources } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import type { PacketFilter } from '../../model/network.ts';
import { quote, rowsOf } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';
import { removalOf } from '../remedies/take-back.ts';

const SHOWN = 5;
/** The comment in which kube-router names the pod that a rule is about. */
const ABOUT_POD = /\bPOD name:\s*(\S+) namespace: (\S+)/;

/**
 * A policy engine that missed a pod's end leaves its chain behind, and the address is reassigned
 * (kube-router#1056).
 */
export const nodeFirewallDropsPod = definePodCheck({
  id: 'node-firewall-drops-pod',
  topic: 'firewall',
  severity: 'critical',
  title: "No rule of the node drops all packets of the pod's address",
  failureTitle: "Node's firewall drops all of the pod's packets",
  why:
    'Other nodes or neighbours cannot reach the pod, or get nothing from it, whatever policies allow. ' +
    'If you delete the pod, the rule may hit the next pod with the address.',
  needs: ['podNetworks', 'hostPacketFilters'],
  facts({ hostPacketFilters }) {
    const bySubject = Map.groupBy(droppingRules(hostPacketFilters), ({ subject }) => subject);
    return { bySubject };
  },
  judge(network, { bySubject }, { node }) {
    const { pod, hostLink } = network;
    const families = new Set(mainAddresses(network).map(({ family }) => family));
    const subjects = [
      ...mainAddresses(network).map(({ address }) => address),
      ...(hostLink === null ? [] : [hostLink.name]),
    ];
    const found = subjects
      .flatMap((subject) => bySubject.get(subject) ?? [])
      .filter(({ of }) => of === null || of.name !== pod.name || of.namespace !== pod.namespace)
      .filter(({ carries }) => carries === null || families.has(carries === 'ip6' ? 6 : 4));
    const [first] = found;
    if (first === undefined) return 'pass';
    const { chain, backend, towards, subject, rule, of, only, carries } = first;
    const packets = carries === 'arp' ? 'ARP packets' : 'packets';
    const does =
      of === null
        ? `drops ${only ? 'all ' : ''}${packets} ${towards ? 'for' : 'from'} ${subject}`
        : `holds rules of another pod, ${namespacedName(of)}, for the packets of ${subject}`;
    return {
      detail: `The chain ${quote(chain, 60)} of the node (${backend}) ${does}: ${quote(rule)}.`,
      confidence: 'probable',
      // A rule with further conditions stops a part of the packets.
      ...(found.some(({ of, only }) => of === null && only) ? {} : { severity: 'high' as const }),
      evidence: rowsOf(found, SHOWN, ({ chain, rule, table, backend }) => ({
        what: `rule of chain ${quote(chain, 60)} in table ${quote(table, 30)} (${backend})`,
        expected: 'none for the address of a running pod',
        actual: quote(rule),
        source: backend.endsWith('-legacy') ? `${toolOf(backend)}-save (node)` : 'nft list ruleset (node)',
      })),
      remedy: found
        .slice(0, SHOWN)
        .flatMap((each) => [
          lookOnNode(
            node,
            'find out whose rule it is: a policy engine that left it behind, or somebody who cut the pod off on purpose.',
            listOf(each),
          ),
          repairOnNode(
            node,
            'remove the rule; the pod keeps running. Restart the agent that left it behind, or it comes back.',
            removal(each),
          ),
        ]),
    };
  },
});

type Dropping = {
  readonly backend: PacketFilter['backend'];
  readonly table: string;
  readonly chain: string;
  readonly rule: string;
  /** An address or a link on the node. */
  readonly subject: string;
  readonly towards: boolean;
  /** The rule has no other condition. */
  readonly only: boolean;
  /** What the packets are; null for all. */
  readonly carries: ForwardRule['protocols'][number] | null;
  /** Not a single rule, but all that the chain does. */
  readonly whole?: boolean;
  /** The pod that the rule names; null if the rule drops packets whichever pod it names. */
  readonly of: { readonly name: string; readonly namespace: string } | null;
};

/**
 * Rules about one address or one link that drop, or that lead to a chain that drops everything or belongs to
 * a named pod.
 */
function droppingRules(filters: Sources['hostPacketFilters']): Dropping[] {
  return filters.flatMap(({ backend, tables }) => [
    ...tables.flatMap((table) => onDevices(backend, table)),
    ...tables
      .filter(
        ({ name }) => backend !== 'nftables' || !(AGENT_TABLES.test(name) || FIREWALLD_TABLE.test(name)),
      )
      .flatMap((table) => {
        const walls = new Set(table.chains.filter(({ rules }) => dropsAll(rules)).map(({ name }) => name));
        const drops = new Set(
          table.chains.filter(({ rules }) => rules.some(mayDrop)).map(({ name }) => name),
        );
        return table.chains
          .filter(({ name }) => !AGENT_CHAINS.test(name))
          .flatMap(({ name, rules }) =>
            rules.flatMap((rule): Dropping[] => {
              const read = readRule(rule);
              const target = read?.target ?? '';
              const about = read === null ? null : subjectOf(read, table.name);
              if (about === null || AGENT_CHAINS.test(target)) return [];
              const [, podName, podNamespace] = ABOUT_POD.exec(rule) ?? [];
              const of =
                podName === undefined || podNamespace === undefined
                  ? null
                  : { name: podName, namespace: podNamespace };
              const wall = isDrop(target) || walls.has(target);
              if (!wall && !(of !== null && about.isAddress && drops.has(target))) return [];
              const { isAddress: _, ...what } = about;
              return [{ backend, table: table.name, chain: name, rule: rule.trim(), ...what, of }];
            }),
          );
      }),
  ]);
}

type Table = PacketFilter['tables'][number];

/** Base chains of family netdev see the packets of single links, before all others do. */
function onDevices(backend: Dropping['backend'], { name: table, chains }: Table): Dropping[] {
  if (AGENT_TABLES.test(table)) return [];
  return chains.flatMap(({ name: chain, hook, policy, devices = [], rules }) => {
    const wall = dropsAll(rules);
    if (!wall && !(policy === 'drop' && rules.length === 0)) return [];
    return devices.map((subject) => ({
      ...{ backend, table, chain, subject, towards: hook === 'egress', only: true, carries: null, of: null },
      rule: wall ? (rules[0] ?? '').trim() : 'policy drop',
      whole: true,
    }));
  });
}

type Subject = Pick<Dropping, 'subject' | 'towards' | 'only' | 'carries'> & { readonly isAddress: boolean };

const NARROWING: readonly Condition['option'][] = [
  ...(['unknown', '--mark', '-p', '--dport'] as const),
  ...(['--probability', '--physdev-is-bridged', '--dst-type'] as const),
];

/** The subject of a rule, if its other conditions also hold for new connections. */
function subjectOf({ protocols, conditions }: ForwardRule, table: string): Subject | null {
  if (conditions.some(({ negated, option }) => negated || NARROWING.includes(option))) return null;
  const of = (...options: Condition['option'][]) =>
    conditions.filter(({ option }) => options.includes(option));
  if (!of('--ctstate').every(({ value }) => /\bNEW\b/.test(value))) return null;
  const carried = new Set<string>([
    ...(table.startsWith('arp ') ? ['arp'] : []),
    ...protocols,
    ...of('--ethertype').map(({ value }) => value),
  ]);
  const carries = PROTOCOLS.find((each) => carried.has(each)) ?? null;
  if (carried.size > (carries === null ? 0 : 1)) return null;
  const isOfArp = ({ option, value }: Condition) => option === '--ethertype' && value === 'arp';
  const only = conditions.filter((condition) => !isOfArp(condition)).length === 1;
  const links = of('-i', '-o');
  const [address, ...more] = of('-d', '-s');
  if (address === undefined) {
    const [link] = links;
    return link === undefined || links.length > 1 || link.value.endsWith('+')
      ? null
      : { subject: link.value, towards: link.option === '-o', only, carries, isAddress: false };
  }
  const whole = /^([^/]+)(?:\/32|\/128)?$/.exec(address.value)?.[1];
  if (more.length > 0 || whole === undefined) return null;
  return { subject: whole, towards: address.option === '-d', only, carries, isAddress: true };
}

const isDrop = (target: string) => target === 'DROP' || target === 'REJECT';
/** Targets after which evaluation continues with the next rule. */
const PASSIVE = /^(LOG|NFLOG|MARK|CONNMARK|TRACE)$/;

function dropsAll(rules: readonly string[]): boolean {
  for (const rule of rules) {
    const read = readRule(rule);
    if (read === null) return false;
    if (read.target === null || PASSIVE.test(read.target)) continue;
    return read.conditions.length === 0 && read.protocols.length === 0 && isDrop(read.target);
  }
  return false;
}

const mayDrop = (rule: string): boolean => isDrop(readRule(rule)?.target ?? '');

function listOf({ backend, table, chain }: Dropping): string {
  return backend === 'nftables'
    ? command('nft', '-a', 'list', 'chain', ...table.split(' '), chain)
    : command(toolOf(backend), '-t', table, '-S', chain);
}

/**
 * Deletes the rule and no other for the same address. That of iptables-nft is deleted by its position, which is looked
 * up again, as positions change: nft does not show its comment, and iptables deletes it only if the comment is given.
 */
function removal(found: Dropping): string {
  const { backend, table, chain, rule, whole } = found;
  if (whole === true) return command('nft', 'delete', 'chain', ...table.split(' '), chain);
  if (backend === 'nftables' || rule.startsWith('-A')) return removalOf({ backend, table, chain, by: rule });
  const tool = toolOf(backend);
  return (
    `${listOf(found)} | grep ^-A | ${command('grep', '-nE', '-e', asIptablesLists(chain, rule))} | head -n 1 | ` +
    `cut -d : -f 1 | xargs -r ${command(tool, '-t', table, '-D', chain)}`
  );
}

const PLAIN = /[.+*?^$()[\]{}|\\]/g;
const COMMENT = String.raw`(-m comment --comment ("([^"\\]|\\.)*"|[^" ]+) )?`;

/** A pattern for the rule of a {@link subjectOf}: these conditions in the order of iptables, with any comment. */
function asIptablesLists(chain: string, rule: string): string {
  const { conditions = [], target = '', goto = false } = readRule(rule) ?? {};
  const escaped = (text: string) => text.replace(PLAIN, String.raw`\$&`);
  const whole = (value: string) => (isIP(value) === 0 ? value : `${value}/${isIP(value) === 4 ? 32 : 128}`);
  const named = (['-s', '-d', '-i', '-o'] as const).flatMap((option) =>
    conditions
      .filter((each) => each.option === option)
      .map(({ value }) => `${option} ${escaped(whole(value))} `),
  );
  const states = conditions.some(({ option }) => option === '--ctstate')
    ? `-m (conntrack --ctstate|state --state) [A-Z,]+ ${COMMENT}`
    : '';
  return `^-A ${escaped(chain)} ${named.join('')}${COMMENT}${states}-${goto ? 'g' : 'j'} ${escaped(target ?? '')}( |$)`;
}
