import { readRule } from '../../computed/forward-rules.ts';
import { mainAddresses } from '../../computed/preconditions.ts';
import type { Sources } from '../../model/evidence.ts';
import type { PacketFilter } from '../../model/network.ts';
import { quote, rowsOf } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 5;
/** Agents that keep rules for pods by their address, and take them back themselves. */
const AGENTS = /^(cali|CILIUM_|AWS-|ANTREA|FLANNEL|KUBE-NWPLCY)/i;

/** A policy engine that missed the end of a pod leaves its chain, and the address is given again (kube-router#1056). */
export const nodeFirewallDropsPod = definePodCheck({
  id: 'node-firewall-drops-pod',
  topic: 'firewall',
  severity: 'high',
  title: "No rule of the node drops all packets of the pod's address",
  failureTitle: "Rule of the node drops all packets of the pod's address",
  why: 'The pod is refused or not heard from other nodes or by its neighbours, whatever policies allow. Deleting it may only hand the address to the next pod.',
  needs: ['podNetworks', 'hostPacketFilters'],
  facts({ hostPacketFilters }) {
    const byAddress = Map.groupBy(droppingRules(hostPacketFilters), ({ address }) => address);
    return { byAddress };
  },
  judge(network, { byAddress }, { node }) {
    const found = mainAddresses(network).flatMap(({ address }) => byAddress.get(address) ?? []);
    const [first] = found;
    if (first === undefined) return 'pass';
    return {
      detail: `The chain ${quote(first.chain, 60)} of the node (${first.backend}) drops all packets ${first.towards ? 'for' : 'from'} ${first.address}: ${quote(first.rule)}.`,
      confidence: 'probable',
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
            'see whose rule it is: a policy engine that left it behind, or somebody who cut the pod off on purpose.',
            command(toolOf(each.backend), '-t', each.table, '-S', each.chain),
          ),
          repairOnNode(
            node,
            'remove the rule; the pod keeps running. Restart the agent that left it behind, or it returns.',
            removalOf(each),
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
  readonly address: string;
  readonly towards: boolean;
};

/** Rules about one address and nothing else that drop, or lead to a chain that drops whatever comes. */
function droppingRules(filters: Sources['hostPacketFilters']): Dropping[] {
  return filters
    .filter(({ backend }) => backend.includes('tables-'))
    .flatMap(({ backend, tables }) =>
      tables.flatMap((table) => {
        const walls = new Set(table.chains.filter(({ rules }) => dropsAll(rules[0])).map(({ name }) => name));
        return table.chains
          .filter(({ name }) => !AGENTS.test(name))
          .flatMap(({ name, rules }) =>
            rules.flatMap((rule): Dropping[] => {
              const read = readRule(rule);
              const [only, ...more] = read?.conditions ?? [];
              if (read === null || only === undefined || more.length > 0 || only.negated) return [];
              if (only.option !== '-d' && only.option !== '-s') return [];
              const target = read.target ?? '';
              if (!isDrop(target) && (!walls.has(target) || AGENTS.test(target))) return [];
              const address = /^([^/]+)(?:\/32|\/128)?$/.exec(only.value)?.[1];
              if (address === undefined) return [];
              const towards = only.option === '-d';
              return [{ backend, table: table.name, chain: name, rule: rule.trim(), address, towards }];
            }),
          );
      }),
    );
}

const isDrop = (target: string) => target === 'DROP' || target === 'REJECT';

function dropsAll(rule: string | undefined): boolean {
  const read = rule === undefined ? null : readRule(rule);
  return read !== null && read.conditions.length === 0 && isDrop(read.target ?? '');
}

function toolOf(backend: Dropping['backend']): string {
  const family = backend.startsWith('ip6') ? 'ip6tables' : 'iptables';
  return backend.endsWith('-legacy') ? `${family}-legacy` : family;
}

/** By its place, as iptables takes no rule back whose comment is not given; found anew, as places change. */
function removalOf({ backend, table, chain, address, towards }: Dropping): string {
  const tool = toolOf(backend);
  const pattern = `^-A [^ ]* ${towards ? '-d' : '-s'} ${address.replaceAll('.', '\\.')}/`;
  const list = `${command(tool, '-t', table, '-S', chain)} | grep ^-A | grep -n -e ${command(pattern)} | head -n 1 | cut -d : -f 1`;
  return `${list} | xargs -r ${command(tool, '-t', table, '-D', chain)}`;
}
