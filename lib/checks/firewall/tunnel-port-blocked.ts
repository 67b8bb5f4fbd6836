import { readRule } from '../../computed/firewall/forward-rules.ts';
import { type Drop, forwarder, ruleBudget } from '../../computed/firewall/forwarding.ts';
import { toolOf } from '../../computed/firewall/nat-chain.ts';
import { tunnelOf } from '../../computed/path/tunnel.ts';
import { tunnelPackets } from '../../computed/path/tunnel-packets.ts';
import { CLUSTER_CHAINS, FIREWALLD_TABLE } from '../../model/cni-names.ts';
import type { PacketFilter } from '../../model/network.ts';
import { quote, rowsOf } from '../../model/text.ts';
import { defineCheck, type Failure, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { command, lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';
import { listOf, tableOf } from '../remedies/take-back.ts';

const SHOWN = 5;
/** Those of the tables raw and mangle as well. */
const HOOKS: readonly string[] = ['prerouting', 'input', 'output', 'postrouting'];

/** Hardening closes ports that no process listens at: the kernel's own do not show in lists of sockets. */
export const tunnelPortBlocked = defineCheck({
  id: 'tunnel-port-blocked',
  topic: 'firewall',
  severity: 'critical',
  title: "The node's packet filter lets the tunnel between nodes through",
  failureTitle: "Node's firewall drops the tunnel between nodes",
  why:
    "No packet gets between the node's pods and those of other nodes, while the nodes reach each other, " +
    'and everything on the node works. Device, routes and entries of the tunnel look right.',
  needs: ['node', 'hostNetwork', 'hostPacketFilters', 'otherNodes'],
  run({ node: own, hostNetwork, hostPacketFilters, otherNodes }, { node }) {
    const object = nodeObject(node);
    const tunnel = tunnelOf(own, hostNetwork);
    const port = tunnel?.link?.vxlanPort ?? null;
    if (tunnel === null || port === null)
      return [notApplicable(object, 'the node has no VXLAN tunnel to other nodes')];
    const found = hostPacketFilters.flatMap((filter) => droppingRules(filter, port));
    const [first] = found;
    if (first === undefined) {
      const drop = dropOfAll(tunnelPackets(own, hostNetwork, otherNodes, port), hostPacketFilters);
      return [drop === null ? pass(object) : fail(object, failureOfAll(drop, tunnel.device, port, node))];
    }
    return [
      fail(object, {
        detail:
          `The node's ${first.chain} chain (${first.backend}) drops UDP port ${port}, at which ` +
          `${tunnel.device} gets the packets of other nodes' pods: ${quote(first.rule)}.`,
        confidence: 'probable',
        evidence: rowsOf(found, SHOWN, ({ backend, chain, rule }) => ({
          what: `rule of ${chain} (${backend}) for UDP port ${port}`,
          expected: 'none that drops it for all',
          actual: quote(rule),
          source: backend.endsWith('-legacy') ? `${backend}-save (node)` : 'nft list ruleset (node)',
        })),
        remedy: [
          lookOnNode(
            node,
            'look at the chain, and find out which program wrote the rule; it must let this port through between nodes.',
            first.backend.endsWith('-legacy')
              ? command(first.backend, '-t', first.table, '-S', first.chain)
              : 'nft -a list ruleset | grep -w dport',
          ),
          repair(
            `On node ${node}, as root: have that program remove the rule, or accept UDP port ${port} from the ` +
              'other nodes before it. No pod has to be deleted.',
          ),
        ],
      }),
    ];
  },
});

/** What certainly drops the packets of every other node that is asked about; null if one may pass. */
function dropOfAll(
  { received, sent }: ReturnType<typeof tunnelPackets>,
  filters: readonly PacketFilter[],
): Drop | null {
  const follow = forwarder(filters);
  for (const packets of [received, sent]) {
    const budget = ruleBudget();
    const fates = packets.map((packet) => follow(packet, budget, false));
    const drops = fates.filter((fate) => typeof fate !== 'string' && fate.does === 'drops') as Drop[];
    if (drops[0] !== undefined && drops.length === fates.length) return drops[0];
  }
  return null;
}

/** Of a chain that lets through only what a node is known to serve. */
function failureOfAll(drop: Drop, device: string, port: number, node: string): Failure {
  const { backend, table, base, by } = drop;
  const isNft = backend === 'nftables';
  return {
    detail:
      `The node's ${base} chain (${backend}) drops UDP port ${port}, at which ${device} gets the packets of other ` +
      `nodes' pods: ${quote(by)}, and no rule before it accepts them.`,
    confidence: 'confirmed',
    evidence: [
      {
        what: `what happens to UDP port ${port} between nodes`,
        expected: 'accepted',
        actual: `dropped by: ${quote(by)}`,
        source: isNft ? 'nft list ruleset (node)' : `${toolOf(backend)}-save (node)`,
      },
    ],
    remedy: [
      lookOnNode(
        node,
        'look at the chain, and find out which program keeps it; it must let this port through between nodes.',
        command(...listOf(drop)),
      ),
      repairOnNode(
        node,
        `let the port through, until that program writes its rules again. No pod has to be deleted.`,
        isNft
          ? command(
              ...['nft', 'insert', 'rule', ...table.split(' '), base],
              ...['udp', 'dport', String(port), 'accept'],
            )
          : command(
              ...[toolOf(backend), ...tableOf(drop), '-I', base],
              ...['-p', 'udp', '-m', 'udp', '--dport', String(port), '-j', 'ACCEPT'],
            ),
      ),
      repair(
        FIREWALLD_TABLE.test(table)
          ? `Then tell firewalld, on each node that runs it: firewall-cmd --permanent --add-port=${port}/udp, and firewall-cmd --reload.`
          : `Then have that program accept UDP port ${port} from the other nodes.`,
      ),
    ],
  };
}

/** Rules of base chains about this port and nothing else that no rule before may keep from acting. */
function droppingRules({ backend, tables }: PacketFilter, port: number) {
  if (backend.startsWith('ip6')) return [];
  return tables.flatMap(({ name: table, chains }) => {
    // Agents accept the port from other nodes in chains of their own.
    const accepting = new Set(
      chains.flatMap(({ name, rules }) =>
        rules.some((rule) => isOfPort(rule, port) && readRule(rule)?.target === 'ACCEPT') ? [name] : [],
      ),
    );
    return chains.flatMap(({ name: chain, hook, rules }) => {
      if (!HOOKS.includes((hook ?? chain).toLowerCase())) return [];
      const at = rules.findIndex((rule) => isOfPort(rule, port) && !NARROWED.test(rule) && isDrop(rule));
      const rule = rules[at];
      if (rule === undefined || rules.slice(0, at).some((before) => mayAccept(before, accepting))) return [];
      return [{ backend, table, chain, rule: rule.trim() }];
    });
  });
}

function isDrop(rule: string): boolean {
  const target = readRule(rule)?.target;
  return target === 'DROP' || target === 'REJECT';
}

function isOfPort(rule: string, port: number): boolean {
  const ports = /--dports? (\S+)|udp dport (\{[^}]*\}|\d+)/.exec(rule);
  const listed = (ports?.[1] ?? ports?.[2] ?? '').split(/[^\d]+/);
  return /\budp\b/.test(rule) && listed.includes(String(port));
}

/** Conditions about more than protocol, port and the link that the packets come in by. */
const NARROWED = /(?:^| )-[sdo] |saddr|daddr|oif|state|mark|--sport|udp sport|!/;
/** Rules that accept, but no new packet of a tunnel. */
const OF_OTHERS = /\btcp\b|icmp|ESTABLISHED|established|(?:-i|iif|iifname) "?lo\b/;

function mayAccept(rule: string, accepting: ReadonlySet<string>): boolean {
  const target = readRule(rule)?.target ?? null;
  if (target === null || PASSING.test(target)) return false;
  if (target === 'ACCEPT') return !OF_OTHERS.test(rule);
  return accepting.has(target) || !CLUSTER_CHAINS.test(target);
}

/** Targets after which the next rule follows for packets of a tunnel. */
const PASSING = /^(DROP|REJECT|LOG|NFLOG|MARK|CONNMARK|RETURN)$/;
