import { readRule } from '../../computed/firewall/forward-rules.ts';
import { tunnelOf } from '../../computed/path/tunnel.ts';
import { CLUSTER_CHAINS } from '../../model/cni-names.ts';
import type { PacketFilter } from '../../model/network.ts';
import { quote, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { command, lookOnNode, repair } from '../remedies/steps.ts';

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
  needs: ['node', 'hostNetwork', 'hostPacketFilters'],
  run({ node: own, hostNetwork, hostPacketFilters }, { node }) {
    const object = nodeObject(node);
    const tunnel = tunnelOf(own, hostNetwork);
    const port = tunnel?.link?.vxlanPort ?? null;
    if (tunnel === null || port === null)
      return [notApplicable(object, 'the node has no VXLAN tunnel to other nodes')];
    const found = hostPacketFilters.flatMap((filter) => droppingRules(filter, port));
    const [first] = found;
    if (first === undefined) return [pass(object)];
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
