import { readRule } from '../../computed/firewall/forward-rules.ts';
import { type Drop, forwarder, ruleBudget } from '../../computed/firewall/forwarding.ts';
import { toolOf } from '../../computed/firewall/nat-chain.ts';
import { isLink } from '../../computed/firewall/rule-walk.ts';
import { tunnelOf } from '../../computed/path/tunnel.ts';
import {
  needlessTunnel,
  tunnelEnds,
  tunnelLinks,
  tunnelPackets,
} from '../../computed/path/tunnel-packets.ts';
import { CLUSTER_CHAINS } from '../../model/cni-names.ts';
import type { PacketFilter } from '../../model/network.ts';
import { quote, rowsOf } from '../../model/text.ts';
import { defineCheck, type Failure, fail, nodeObject, notApplicable, pass, unknown } from '../define.ts';
import { acceptNodes } from '../remedies/accept-nodes.ts';
import { command, lookOnNode, repair } from '../remedies/steps.ts';
import { listOf } from '../remedies/take-back.ts';

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
  run({ node: own, hostNetwork: host, hostPacketFilters, otherNodes }, { node }) {
    const object = nodeObject(node);
    const tunnel = tunnelOf(own, host);
    const port = tunnel?.link?.vxlanPort ?? null;
    if (tunnel === null || port === null)
      return [notApplicable(object, 'the node has no VXLAN tunnel to other nodes')];
    const needless = needlessTunnel(tunnel, host);
    if (needless !== null) return [notApplicable(object, needless)];
    const ends = tunnelEnds(tunnel, { node: own, host, otherNodes });
    const links = tunnelLinks(ends, host);
    const found = hostPacketFilters.flatMap((filter) => droppingRules(filter, port, links));
    const [first] = found;
    if (first === undefined) {
      const drop = dropOfAll(tunnelPackets(ends, host, port), hostPacketFilters);
      if (drop === 'unknown') return [unknown(object, 'the node has too many rules to follow them all')];
      return [
        drop === null
          ? pass(object)
          : fail(object, {
              ...failureOfAll(drop, tunnel.device, port),
              remedy: [
                lookOnNode(
                  node,
                  'look at the chain, and find out which program keeps it; it must let this port through between nodes.',
                  command(...listOf(drop)),
                ),
                ...acceptNodes(drop, { ...ends, port, host, link: links[0] ?? '', node }),
              ],
            }),
      ];
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
): Drop | 'unknown' | null {
  const follow = forwarder(filters);
  const fates = [received, sent].map((packets) => {
    const budget = ruleBudget();
    let drop: Drop | null = null;
    let isUnknown = false;
    for (const packet of packets) {
      const fate = follow(packet, budget, false);
      if (fate === 'passes' || (fate !== 'unknown' && fate.does !== 'drops')) return null;
      if (fate === 'unknown') isUnknown = true;
      else drop ??= fate;
    }
    return isUnknown ? 'unknown' : drop;
  });
  return (
    fates.find((fate) => fate !== null && fate !== 'unknown') ?? fates.find((fate) => fate !== null) ?? null
  );
}

/** Of a chain that lets through only what a node is known to serve. */
function failureOfAll(drop: Drop, device: string, port: number): Omit<Failure, 'remedy'> {
  const { backend, base, by } = drop;
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
        source: backend === 'nftables' ? 'nft list ruleset (node)' : `${toolOf(backend)}-save (node)`,
      },
    ],
  };
}

/** Rules of base chains about this port and nothing else that no rule before may keep from acting. */
function droppingRules({ backend, tables }: PacketFilter, port: number, links: readonly string[]) {
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
      const at = rules.findIndex(
        (rule) => isOfPort(rule, port) && !NARROWED.test(rule) && isOfLink(rule, links) && isDrop(rule),
      );
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
const NARROWED = /(?:^| )-[sdo] |saddr|daddr|oif|state|mark|--sport|udp sport|!|…/;

/** Nodes close the port at the links to the world, by which the tunnel does not go. */
function isOfLink(rule: string, links: readonly string[]): boolean {
  const named = /(?:^| )(?:-i|iif|iifname) (?:\{ ([^}]*)\}|(\S+))/.exec(rule);
  if (named === null) return true;
  const patterns = (named[1] ?? named[2] ?? '').split(',').map((name) => name.trim().replaceAll('"', ''));
  return patterns.some((pattern) => links.some((link) => isLink(pattern.replace(/\*$/, '+'), link)));
}

/** Rules that accept, but no new packet of a tunnel. */
const OF_OTHERS = /\btcp\b|icmp|ESTABLISHED|established|(?:-i|iif|iifname) "?lo\b/;

function mayAccept(rule: string, accepting: ReadonlySet<string>): boolean {
  const target = readRule(rule)?.target ?? null;
  if (target === null || PASSING.test(target)) return false;
  // What returns from a chain that begins at a hook gets its policy.
  if (target === 'ACCEPT' || target === 'RETURN') return !OF_OTHERS.test(rule);
  return accepting.has(target) || !CLUSTER_CHAINS.test(target);
}

/** Targets after which the next rule follows for packets of a tunnel. */
const PASSING = /^(DROP|REJECT|LOG|NFLOG|MARK|CONNMARK)$/;
