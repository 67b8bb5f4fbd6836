import { addressKey } from '../../computed/cidr.ts';
import { PRIORITY, rulesByAddress } from '../../computed/routes/aws-routing.ts';
import { deleteRule, ruleText } from '../../computed/routes/routing-decision.ts';
import type { Sources } from '../../model/evidence.ts';
import { counted, firstOf, listed, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { command, repair, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 20;

/** CNI DEL ran while ipamd did not answer, or the plugin was killed (amazon-vpc-cni-k8s#2048). */
export const awsRuleLeaked = defineCheck({
  id: 'aws-rule-leaked',
  topic: 'aws',
  severity: 'medium',
  title: 'Every routing rule of a pod has its pod (AWS VPC CNI)',
  failureTitle: 'Routing rules of deleted pods remain (AWS VPC CNI)',
  why:
    'The next pod that gets the address on another ENI sends through the wrong one, and a pod on ' +
    'another node that gets it cannot be reached from here.',
  observations: 2,
  needs: ['hostNetwork', 'ipam', 'pods', 'namespaces', 'cniResults'],
  run({ hostNetwork, ipam, pods, namespaces, cniResults }, { node }) {
    const object = nodeObject(node);
    const store = ipam.find(({ kind }) => kind === 'aws');
    if (store === undefined) return [notApplicable(object, "ipamd's checkpoint is not on the node")];
    if (store.corrupt.length > 0)
      return [notApplicable(object, "ipamd's checkpoint cannot be read: see ipam-corrupt")];
    const used = usedAddresses({ pods, namespaces, cniResults });
    // Rules stay longer than the allocation while a pod is deleted.
    for (const address of [...store.allocations.map((one) => one.address), ...(store.changing ?? [])])
      used.add(addressKey(address));
    const leaked = [...rulesByAddress(hostNetwork)].filter(([address]) => !used.has(addressKey(address)));
    if (leaked.length === 0) return [pass(object)];
    return [
      fail(object, {
        detail:
          `${counted(leaked.length, 'address', 'addresses')} that no pod, namespace or allocation has still ` +
          `${leaked.length === 1 ? 'has' : 'have'} routing rules: ` +
          `${listed(leaked.map(([address]) => address))}.`,
        confidence: 'confirmed',
        evidence: rowsOf(leaked, SHOWN, ([address, rules]) => ({
          what: `rules of ${address}`,
          expected: 'none',
          actual: rules.map(ruleText).join(', '),
          source: `ip rule (node); ${store.path}`,
        })),
        remedy: firstOf(
          leaked.flatMap(([, rules]) => rules),
          SHOWN,
          (rule) => repairOnNode(node, 'remove the rule.', command(...deleteRule(rule))),
          (left) => repair(`Likewise the other ${left}: the next audit names them.`),
        ),
        repair: {
          kind: 'delete-routes',
          objects: leaked
            .flatMap(([address, rules]) => rules.map((rule) => ({ address, rule })))
            .slice(0, SHOWN)
            .map(({ address, rule: { priority, table } }) => ({
              what: 'stale-rule',
              address,
              table: priority === PRIORITY.toPod ? null : Number(table),
            })),
        },
      }),
    ];
  },
});

function usedAddresses({
  pods,
  namespaces,
  cniResults,
}: Pick<Sources, 'pods' | 'namespaces' | 'cniResults'>): Set<string> {
  return new Set(
    [
      ...pods.flatMap(({ podIPs }) => podIPs),
      ...namespaces.flatMap(({ stack }) =>
        stack?.status === 'present' ? stack.value.addresses.map(({ address }) => address) : [],
      ),
      ...cniResults.flatMap(({ addresses }) => addresses.map(({ address }) => address)),
    ].map(addressKey),
  );
}
