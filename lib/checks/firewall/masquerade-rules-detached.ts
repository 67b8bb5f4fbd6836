import { createHash } from 'node:crypto';
import { addressBits, addressKey, familyOf, sameAddress, subnetOf } from '../../computed/cidr.ts';
import { readRule } from '../../computed/firewall/forward-rules.ts';
import { chainsOfNat, familyOfTable, natChain, toolOf } from '../../computed/firewall/nat-chain.ts';
import { wrongSources } from '../../computed/firewall/wrong-sources.ts';
import { mainAddresses } from '../../computed/preconditions.ts';
import { MASQUERADE_CHAINS } from '../../model/cni-names.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { weakest } from '../../model/finding.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import type { PacketFilter } from '../../model/network.ts';
import { firstOf, listed, rowsOf } from '../../model/text.ts';
import { defineCheck, type Failure, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { failureOfSources } from '../frames/wrong-source.ts';
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
  failureTitle: "Pods' packets do not get the node's address",
  why:
    "Packets that pods send out of the cluster keep the pod's address, and no router outside can answer " +
    'to it: no registry, no cloud API, no upstream DNS. Inside the cluster everything works.',
  needs: ['hostPacketFilters', 'podNetworks', 'hostNetwork'],
  run({ hostPacketFilters, podNetworks, hostNetwork }, { node }) {
    const object = nodeObject(node);
    // Chains may be left of a plugin that the node had before.
    const plugins = new Set<string | null>(podNetworks.map(({ plugin }) => plugin));
    const chains = MASQUERADE_CHAINS.filter(({ plugin }) => plugins.has(plugin));
    const tables = hostPacketFilters.flatMap((filter) => chains.flatMap((chain) => inTable(filter, chain)));
    const emptied = hostPacketFilters.flatMap((filter) => emptiedIn(filter, podNetworks));
    const ownChains = hostPacketFilters.flatMap((filter) => chainsOfPods(filter, podNetworks));
    const wrong = hostPacketFilters.flatMap((filter) => wrongSources(filter, hostNetwork, podNetworks));
    if (tables.length + emptied.length + ownChains.length + wrong.length === 0)
      return [notApplicable(object, 'no CNI agent has rules of iptables here that masquerade pods')];
    const [first, ...more] = [
      ...failureOfPods(emptied, EMPTIED, node),
      ...failureOfPods(unreached(ownChains), LEFT_OUT, node),
      ...failureOfCut(unreached(tables), node),
      ...failureOfSources(wrong, node),
    ];
    return [first === undefined ? pass(object) : fail(object, more.reduce(together, first))];
  },
});

/** Chains with rules to which nothing leads, in no backend of their family. */
function unreached<
  Chain extends { readonly chain: string; readonly family: 4 | 6; readonly reached: boolean },
>(chains: readonly Chain[]): Chain[] {
  return chains.filter(
    ({ reached, chain, family }) =>
      !reached && !chains.some((other) => other.reached && other.chain === chain && other.family === family),
  );
}

/** The two are one finding, as they are about one node. */
function together(a: Failure, b: Failure): Failure {
  const commands = new Set(a.remedy.map(({ command }) => command));
  return {
    detail: `${a.detail} ${b.detail}`,
    confidence: weakest(a.confidence, b.confidence),
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

/** The chain of one pod. */
type Own = {
  readonly network: PodNetwork;
  readonly address: string;
  readonly chain: string;
  readonly tool: string;
};

/** Chains of single pods to which POSTROUTING leads, and which have no rule. */
function emptiedIn(filter: PacketFilter, podNetworks: readonly PodNetwork[]): Own[] {
  const chains = chainsOfNat(filter);
  const byAddress = new Map(
    podNetworks.flatMap((network) =>
      mainAddresses(network).map(({ address }) => [addressKey(address), network] as const),
    ),
  );
  return (chains.get('POSTROUTING') ?? []).flatMap((text) => {
    const rule = readRule(text);
    const chain = rule?.target ?? '';
    if (!OF_ONE_POD.test(chain) || chains.get(chain)?.length !== 0) return [];
    const source = rule?.conditions.find(({ option, negated }) => option === '-s' && !negated)?.value;
    const address = source?.replace(/\/(?:32|128)$/, '') ?? '';
    const network = byAddress.get(addressKey(address));
    return network === undefined ? [] : [{ network, address, chain, tool: toolOf(filter.backend) }];
  });
}

type WithRules = Own & {
  readonly family: 4 | 6;
  readonly comment: string;
  /** A rule of POSTROUTING leads there. */
  readonly reached: boolean;
};

/** Chains of single pods that have rules. Their names are computed, as only those of living pods count. */
function chainsOfPods(filter: PacketFilter, podNetworks: readonly PodNetwork[]): WithRules[] {
  const family = familyOfTable(filter);
  const chains = chainsOfNat(filter);
  // Once for all pods: a node may have rules by the ten thousand.
  const reached = new Set((chains.get('POSTROUTING') ?? []).map((rule) => readRule(rule)?.target));
  return podNetworks.flatMap((network): WithRules[] => {
    const [result] = network.results;
    const address = mainAddresses(network).find((each) => each.family === family)?.address;
    if (result === undefined || address === undefined) return [];
    const { network: name, containerId } = result;
    const hash = createHash('sha512').update(`${name}${containerId}`).digest('hex');
    const chain = `CNI-${hash.slice(0, 24)}`;
    if ((chains.get(chain)?.length ?? 0) === 0) return [];
    return [
      {
        network,
        address,
        family,
        chain,
        tool: toolOf(filter.backend),
        comment: `name: "${name}" id: "${containerId}"`,
        reached: reached.has(chain),
      },
    ];
  });
}

/** What became of chains of single pods, in words. */
type Loss<Chain extends Own> = {
  readonly detail: (pods: string) => string;
  readonly what: (chain: string) => string;
  readonly expected: (chain: string) => string;
  /** What else may have been lost. */
  readonly look: string;
  readonly step: string;
  /** Puts it back as the plugin writes it. */
  readonly repair: (chain: Chain) => string;
};

const EMPTIED: Loss<Own> = {
  detail: (pods) => `The chains that masquerade ${pods} have no rule, though POSTROUTING leads to them.`,
  what: (chain) => `rules of ${chain}`,
  expected: () => '-j MASQUERADE',
  look: 'find out what else is empty',
  step: 'put the rules back, as the plugin writes them; the pod keeps running.',
  repair: ({ address, chain, tool, network }) => {
    const inTable = [tool, '-t', 'nat', '-A', chain];
    const subnet = subnetOf(address, prefixOf(network, address));
    return (
      `${command(...inTable, '-d', subnet, '-j', 'ACCEPT')} && ` +
      command(...inTable, '!', '-d', MULTICAST[familyOf(address)], '-j', 'MASQUERADE')
    );
  },
};

const LEFT_OUT: Loss<WithRules> = {
  detail: (pods) =>
    `The chains that masquerade ${pods} have their rules, but no rule of POSTROUTING leads there.`,
  what: (chain) => `rule of POSTROUTING that leads to ${chain}`,
  expected: (chain) => `-j ${chain}`,
  look: 'find out what else is gone',
  step: 'put the rule back, as the plugin writes it; the pod keeps running.',
  repair: ({ address, chain, tool, comment }) =>
    command(
      ...[tool, '-t', 'nat', '-A', 'POSTROUTING', '-s', `${address}/${addressBits(address)}`],
      ...['-m', 'comment', '--comment', comment, '-j', chain],
    ),
};

function failureOfPods<Chain extends Own>(
  broken: readonly Chain[],
  loss: Loss<Chain>,
  node: string,
): Failure[] {
  const [first] = broken;
  if (first === undefined) return [];
  const pods = broken.map(({ network }) => namespacedName(network.pod));
  return [
    {
      detail: loss.detail(listed(pods, 5)),
      confidence: 'confirmed',
      evidence: rowsOf(broken, SHOWN, ({ network, chain, tool }) => ({
        what: `${loss.what(chain)}, the chain of ${namespacedName(network.pod)}`,
        expected: loss.expected(chain),
        actual: 'none',
        source: `${tool}-save -t nat (node)`,
      })),
      remedy: [
        lookOnNode(
          node,
          `${loss.look}, and which program flushed it: the CNI plugin writes these rules only once.`,
          command(`${first.tool}-save`, '-t', 'nat'),
        ),
        ...firstOf(
          broken,
          SHOWN,
          (chain) => repairOnNode(node, loss.step, loss.repair(chain)),
          (left) => repair(`Likewise for the other ${left}: the next audit names them.`),
        ),
      ],
    },
  ];
}

/** Of the subnet that the plugin gave with the address; the pod alone if it is not known. */
function prefixOf({ results }: PodNetwork, address: string): number {
  const given = results[0]?.addresses.find((each) => sameAddress(each.address, address));
  return given?.prefixLength ?? addressBits(address);
}
