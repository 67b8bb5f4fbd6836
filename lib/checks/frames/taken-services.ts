/** The failure of rules that take what is for the cluster's DNS elsewhere. */
import { toolOf } from '../../computed/firewall/nat-chain.ts';
import { SERVICES } from '../../computed/firewall/service-rules.ts';
import type { TakenService } from '../../computed/firewall/taken-services.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { listed, quote } from '../../model/text.ts';
import type { Failure } from '../define.ts';
import { command, lookOnNode } from '../remedies/steps.ts';
import { takeBack } from '../remedies/take-back.ts';

export function failureOfTaken(taken: readonly TakenService[], node: string): Failure {
  const [first] = taken as [TakenService];
  const rules = [
    ...new Map(taken.map((each) => [`${each.backend} ${each.chain} ${each.rule}`, each])).values(),
  ];
  const whom = [...new Set(taken.map(({ service, address }) => `${namespacedName(service)} (${address})`))];
  const drop = { does: 'drops', table: 'nat' } as const;
  return {
    detail:
      `Before the rules of Services, what is for ${listed(whom)} is sent to ${listed([...new Set(taken.map(({ to }) => to))])}, ` +
      `which is no endpoint of it: ${listed(
        rules.map(({ chain, rule }) => `${chain}: ${quote(rule, 150)}`),
        3,
      )}.`,
    severity: 'high',
    confidence: 'probable',
    evidence: rules.map(({ backend, chain, rule, address, service }) => ({
      what: `rule of ${chain} for ${address} (${namespacedName(service)}), before ${SERVICES}`,
      expected: 'none',
      actual: quote(rule),
      source: `${toolOf(backend)}-save -t nat (node)`,
    })),
    remedy: [
      lookOnNode(
        node,
        'look at the table, and find out which program wrote the rule: it may be meant for a DNS elsewhere.',
        command(`${toolOf(first.backend)}-save`, '-t', 'nat'),
      ),
      ...rules.map(({ backend, chain, rule }) =>
        takeBack({ ...drop, base: chain, backend, chain, by: rule }, node),
      ),
    ],
  };
}
