import { createHash } from 'node:crypto';
import { addressBits, addressKey, familyOf, sameAddress, subnetOf } from '../../computed/cidr.ts';
import { readRule } from '../../computed/firewall/forward-rules.ts';
import {
  emptyChainsOfNat,
  familyOfTable,
  natChain,
  rulesOfNat,
  toolOf,
} from '../../computed/firewall/nat-chain.ts';
import { mainAddresses } from '../../computed/preconditions.ts';
import { MASQUERADE_CHAINS } from '../../model/cni-names.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import type { PacketFilter } from '../../model/network.ts';
import { firstOf, listed, rowsOf } from '../../model/text.ts';
import { defineCheck, type Failure, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';

/**
 * Whoever flushes the built-in chains, or restores an older dump, loses the jump and keeps the chain it led
 * to. The agent of AWS writes it when it starts; others look after it.
 */
export const masqueradeRulesDetached = defineCheck({
  id: 'masquerade-rules-detached',
  topic: 'firewall',
  severity: 'high',
  title: "What pods send out of the cluster gets the node's address",
  failureTitle: 'No packet reaches the rules that masquerade pods',
  why:
    "Packets that pods send out of the cluster keep the pod's address, and no router outside can answer " +
    'to it: no registry, no cloud API, no upstream DNS. Inside the cluster everything works.',
  needs: ['hostPacketFilters', 'podNetworks'],
  run({ hostPacketFilters, podNetworks }, { node }) {
    const object = nodeObject(node);
    // Chains may be left of a plugin that the node had before.
    const plugins = new Set<string | null>(podNetworks.map(({ plugin }) => plugin));
    const chains = MASQUERADE_CHAINS.filter(({ plugin }) => plugins.has(plugin));
    const tables = hostPacketFilters.flatMap((filter) => chains.flatMap((chain) => inTable(filter, chain)));
    const emptied = hostPacketFilters.flatMap((filter) => emptiedIn(filter, podNetworks));
    const ownChains = hostPacketFilters.flatMap((filter) => chainsOfPods(filter, podNetworks));
    if (tables.length + emptied.length + ownChains.length === 0)
      return [notApplicable(object, 'no CNI agent has rules of iptables here that masquerade pods')];
    const cut = tables.filter(
      ({ reached, chain, family }) =>
        !reached &&
        !tables.some((other) => other.reached && other.chain === chain && other.family === family),
    );
    const leftOut = ownChains.filter(
      ({ reached, chain, family }) =>
        !reached &&
        !ownChains.some((other) => other.reached && other.chain === chain && other.family === family),
    );
    const [first, ...more] = [
      ...(emptied.length > 0 ? [failureOfEmptied(emptied, node)] : []),
      ...(leftOut.length > 0 ? [failureOfLeftOut(leftOut, node)] : []),
      ...failureOfCut(cut, node),
    ];
    return [first === undefined ? pass(object) : fail(object, more.reduce(together, first))];
  },
});

/** The two are one finding, as they are about one node. */
function together(a: Failure, b: Failure): Failure {
  const commands = new Set(a.remedy.map(({ command }) => command));
  return {
    detail: `${a.detail} ${b.detail}`,
    confidence: 'confirmed',
    evidence: [...a.evidence, ...b.evidence],
    // Both begin with a look at the table.
    remedy: [
      ...a.remedy,
      ...b.remedy.filter((step) => step.purpose !== 'look' || !commands.has(step.command)),
    ],
  };
}

type Cut = ReturnType<typeof inTable>[number];

function failureOfCut(cut: readonly Cut[], node: string): Failure[] {
  const [first] = cut;
  if (first === undefined) return [];
  return [
    {
      detail:
        `Chain ${listed(cut.map(({ chain, tool }) => `${chain} (${tool})`))} has its rules, but no rule of ` +
        'POSTROUTING leads there.',
      confidence: 'confirmed',
      evidence: cut.map(({ chain, tool, rules }) => ({
        what: `rule of POSTROUTING that leads to ${chain}, which has ${rules}`,
        expected: `-A POSTROUTING … -j ${chain}`,
        actual: 'none',
        source: `${tool}-save -t nat (node)`,
      })),
      remedy: [
        lookOnNode(
          node,
          'look at the table, and find out which program changed it: a firewall that was reloaded may do it again.',
          command(`${first.tool}-save`, '-t', 'nat'),
        ),
        ...cut.map(({ chain, comment, tool }) =>
          repairOnNode(
            node,
            'put the rule back; restarting the agent does the same. No pod has to be deleted.',
            command(
              ...[tool, '-t', 'nat', '-A', 'POSTROUTING'],
              ...['-m', 'comment', '--comment', comment, '-j', chain],
            ),
          ),
        ),
        restartAgent(first.plugin, node),
      ],
    },
  ];
}

function inTable(filter: PacketFilter, masquerades: (typeof MASQUERADE_CHAINS)[number]) {
  const found = natChain(filter, masquerades.chain);
  return found === null ? [] : [{ ...found, ...masquerades, reached: found.isReachedFrom('POSTROUTING') }];
}

/**
 * How the plugins bridge and ptp name the chain of a pod: by the SHA-512 of the network's name and the container's id
 * (utils.MustFormatChainNameWithPrefix of containernetworking/plugins).
 */
const OF_ONE_POD = /^CNI-[0-9a-f]{24}$/;
/** Which they do not masquerade. */
const MULTICAST = { 4: '224.0.0.0/4', 6: 'ff00::/8' } as const;
const SHOWN = 10;

type Emptied = {
  readonly network: PodNetwork;
  readonly address: string;
  readonly chain: string;
  readonly tool: string;
};

/** Chains of single pods to which POSTROUTING leads, and which have no rule. */
function emptiedIn(filter: PacketFilter, podNetworks: readonly PodNetwork[]): Emptied[] {
  const empty = emptyChainsOfNat(filter);
  const byAddress = new Map(
    podNetworks.flatMap((network) =>
      mainAddresses(network).map(({ address }) => [addressKey(address), network] as const),
    ),
  );
  return (rulesOfNat(filter, 'POSTROUTING') ?? []).flatMap((text) => {
    const rule = readRule(text);
    const chain = rule?.target ?? '';
    if (!OF_ONE_POD.test(chain) || !empty.has(chain)) return [];
    const source = rule?.conditions.find(({ option, negated }) => option === '-s' && !negated)?.value;
    const address = source?.replace(/\/(?:32|128)$/, '') ?? '';
    const network = byAddress.get(addressKey(address));
    return network === undefined ? [] : [{ network, address, chain, tool: toolOf(filter.backend) }];
  });
}

type ChainOfPod = Emptied & {
  readonly family: 4 | 6;
  readonly comment: string;
  /** A rule of POSTROUTING leads there. */
  readonly reached: boolean;
};

/** Chains of single pods that have rules. Their names are computed, as only those of living pods count. */
function chainsOfPods(filter: PacketFilter, podNetworks: readonly PodNetwork[]): ChainOfPod[] {
  const family = familyOfTable(filter);
  return podNetworks.flatMap((network): ChainOfPod[] => {
    const [result] = network.results;
    const address = mainAddresses(network).find((each) => each.family === family)?.address;
    if (result === undefined || address === undefined) return [];
    const { network: name, containerId } = result;
    const hash = createHash('sha512').update(`${name}${containerId}`).digest('hex');
    const found = natChain(filter, `CNI-${hash.slice(0, 24)}`);
    if (found === null) return [];
    return [
      {
        network,
        address,
        family,
        chain: `CNI-${hash.slice(0, 24)}`,
        tool: found.tool,
        comment: `name: "${name}" id: "${containerId}"`,
        reached: found.isReachedFrom('POSTROUTING'),
      },
    ];
  });
}

function failureOfLeftOut(leftOut: readonly ChainOfPod[], node: string): Failure {
  const pods = leftOut.map(({ network }) => namespacedName(network.pod));
  return {
    detail: `The chains that masquerade ${listed(pods, 5)} have their rules, but no rule of POSTROUTING leads there.`,
    confidence: 'confirmed',
    evidence: rowsOf(leftOut, SHOWN, ({ network, chain, tool }) => ({
      what: `rule of POSTROUTING that leads to ${chain}, the chain of ${namespacedName(network.pod)}`,
      expected: `-j ${chain}`,
      actual: 'none',
      source: `${tool}-save -t nat (node)`,
    })),
    remedy: [
      lookOnNode(
        node,
        'find out what else is gone, and which program flushed it: the CNI plugin writes these rules only once.',
        command(`${leftOut[0]?.tool}-save`, '-t', 'nat'),
      ),
      ...firstOf(
        leftOut,
        SHOWN,
        ({ address, chain, tool, comment }) =>
          repairOnNode(
            node,
            'put the rule back, as the plugin writes it; the pod keeps running.',
            command(
              ...[tool, '-t', 'nat', '-A', 'POSTROUTING', '-s', `${address}/${addressBits(address)}`],
              ...['-m', 'comment', '--comment', comment, '-j', chain],
            ),
          ),
        (left) => repair(`Likewise for the other ${left}: the next audit names them.`),
      ),
    ],
  };
}

function failureOfEmptied(emptied: readonly Emptied[], node: string): Failure {
  const pods = emptied.map(({ network }) => namespacedName(network.pod));
  return {
    detail: `The chains that masquerade ${listed(pods, 5)} have no rule, though POSTROUTING leads to them.`,
    confidence: 'confirmed',
    evidence: rowsOf(emptied, SHOWN, ({ network, chain, tool }) => ({
      what: `rules of ${chain}, the chain of ${namespacedName(network.pod)}`,
      expected: '-j MASQUERADE',
      actual: 'none',
      source: `${tool}-save -t nat (node)`,
    })),
    remedy: [
      lookOnNode(
        node,
        'find out what else is empty, and which program flushed it: the CNI plugin writes these rules only once.',
        command(`${emptied[0]?.tool}-save`, '-t', 'nat'),
      ),
      ...firstOf(
        emptied,
        SHOWN,
        ({ address, chain, tool, network }) => {
          const family = familyOf(address);
          const inTable = [tool, '-t', 'nat', '-A', chain];
          const subnet = subnetOf(address, prefixOf(network, address));
          return repairOnNode(
            node,
            'put the rules back, as the plugin writes them; the pod keeps running.',
            `${command(...inTable, '-d', subnet, '-j', 'ACCEPT')} && ` +
              command(...inTable, '!', '-d', MULTICAST[family], '-j', 'MASQUERADE'),
          );
        },
        (left) => repair(`Likewise for the other ${left}: the next audit names them.`),
      ),
    ],
  };
}

/** Of the subnet that the plugin gave with the address; the pod alone if it is not known. */
function prefixOf({ results }: PodNetwork, address: string): number {
  const given = results[0]?.addresses.find((each) => sameAddress(each.address, address));
  return given?.prefixLength ?? addressBits(address);
}
