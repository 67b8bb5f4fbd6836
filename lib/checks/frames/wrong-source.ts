/** The failure of rules that give pods' packets an address which the node does not have. */
import { toolOf } from '../../computed/firewall/nat-chain.ts';
import type { WrongSource } from '../../computed/firewall/wrong-sources.ts';
import { MASQUERADE_CHAINS } from '../../model/cni-names.ts';
import { listed, quote, rowsOf } from '../../model/text.ts';
import type { Failure } from '../define.ts';
import { restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode } from '../remedies/steps.ts';
import { takeBack } from '../remedies/take-back.ts';

const SHOWN = 10;

export function failureOfSources(wrong: readonly WrongSource[], node: string): Failure[] {
  const [first] = wrong;
  if (first === undefined) return [];
  const addresses = [...new Set(wrong.map(({ address }) => address))];
  const ofAgent = MASQUERADE_CHAINS.find(({ chain }) => chain === first.chain);
  const drop = { does: 'drops', table: 'nat', base: 'POSTROUTING' } as const;
  return [
    {
      detail:
        `What pods send out gets the address ${listed(addresses)}, which no link of the node has, so that no answer ` +
        `comes back: ${listed(
          wrong.map(({ chain, rule }) => `${chain}: ${quote(rule)}`),
          3,
        )}.`,
      confidence: 'probable',
      evidence: rowsOf(wrong, SHOWN, ({ chain, rule, backend }) => ({
        what: `source that ${chain} sets`,
        expected: 'an address of the node',
        actual: quote(rule),
        source: `${toolOf(backend)}-save -t nat (node)`,
      })),
      remedy: [
        lookOnNode(
          node,
          'look at the table, and find out which program wrote the rule: the address may be one that the node had.',
          command(`${toolOf(first.backend)}-save`, '-t', 'nat'),
        ),
        ...(ofAgent === undefined
          ? wrong
              .slice(0, SHOWN)
              .map(({ backend, chain, rule }) => takeBack({ ...drop, backend, chain, by: rule }, node))
          : [restartAgent(ofAgent.plugin, node)]),
      ],
    },
  ];
}
