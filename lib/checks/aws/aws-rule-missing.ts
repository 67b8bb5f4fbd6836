import {
  eniTable,
  missingRules,
  otherTable,
  type PodRule,
  PRIORITY,
  ruleArguments,
  sharedEniPod,
} from '../../computed/routes/aws-routing.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { Comparison, RemedyStep } from '../../model/finding.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { firstOf, listed, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, type Outcome, pass, podObject } from '../define.ts';
import { hostEnd, restoreEach } from '../remedies/restore.ts';
import { command, lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';

/**
 * If at least this many pods and half of all lack rules, the cause is not in single pods: systemd-networkd
 * and NetworkManager flush rules that they did not create.
 */
const FLUSHED = 3;
const SHOWN = 20;

type Lacking = { readonly network: PodNetwork; readonly missing: readonly PodRule[] };

/**
 * ipamd creates the rules with the pod, and nothing restores them (amazon-vpc-cni-k8s#705, #1856, #3309,
 * kops#17433).
 */
export const awsRuleMissing = defineCheck({
  id: 'aws-rule-missing',
  topic: 'aws',
  severity: 'critical',
  title: 'The node has the routing rules of the pod (AWS VPC CNI)',
  failureTitle: "Pod's routing rule is missing (AWS VPC CNI)",
  why:
    "Without rule 1536, the pod's packets leave by the wrong network interface, and EC2 drops them " +
    'there. Without rule 512, what pods of a second interface send to this pod leaves the node.',
  needs: ['podNetworks', 'hostNetwork'],
  run({ podNetworks, hostNetwork }, { node }) {
    const judged = podNetworks.map((network) => ({ network, why: sharedEniPod(network) }));
    const own = judged.filter(({ why }) => why === null);
    const lacking: Lacking[] = own
      .map(({ network }) => ({ network, missing: missingRules(network, hostNetwork) }))
      .filter(({ missing }) => missing.length > 0);
    const flushed = lacking.length >= FLUSHED && lacking.length * 2 >= own.length;
    const pods = judged.map(({ network, why }): Outcome => {
      const object = podObject(network.pod, node);
      if (why !== null) return notApplicable(object, why);
      const found = lacking.find((each) => each.network === network);
      if (found === undefined) return pass(object);
      if (flushed) return notApplicable(object, 'most pods of the node lack theirs: one finding of the node');
      const table = otherTable(network, hostNetwork);
      return fail(object, {
        detail: `${detailOf(found)}${found.missing.some(({ priority }) => priority === PRIORITY.fromPod) && table !== null ? ` A rule leads to table ${table} instead.` : ''}`,
        confidence: 'confirmed',
        ...severityOf(found.missing),
        evidence: rows(found),
        remedy: found.missing.map((rule) =>
          repairOnNode(
            node,
            'put the rule back; the pod needs no restart.',
            command('ip', ...ruleArguments(rule)),
          ),
        ),
        ...restoreRules([found]),
      });
    });
    const object = nodeObject(node);
    if (own.length === 0)
      return [...pods, notApplicable(object, 'no pod of the node is on a shared ENI of the AWS VPC CNI')];
    return [...pods, flushed ? ofNode(lacking, own.length, node) : pass(object)];
  },
});

/** For a failure: the rules that the tool can put back, as many as the finding names. */
function restoreRules(lacking: readonly Lacking[]) {
  const rules = lacking.flatMap(({ network, missing }) =>
    missing.map(({ address, priority, table }) => {
      const to = priority === PRIORITY.toPod ? null : Number(table);
      return [network, { what: 'aws-rule', link: hostEnd(network.hostLink), address, table: to }] as const;
    }),
  );
  return restoreEach(rules.slice(0, SHOWN));
}

/** Without a rule 512 only pods of other ENIs of the node do not reach the pod. */
function severityOf(missing: readonly PodRule[]): { readonly severity?: 'high' } {
  return missing.some(({ priority }) => priority === PRIORITY.fromPod) ? {} : { severity: 'high' };
}

function detailOf({ network, missing }: Lacking): string {
  return missing
    .map(({ address, priority, table }) =>
      priority === PRIORITY.toPod
        ? `There is no rule 512 to ${address}: what pods of a second ENI send to it leaves the node. One-way: what it sends still arrives.`
        : `There is no rule 1536 from ${address} to table ${table}, that of its ENI: what ` +
          `${network.pod.name} sends leaves by the wrong ENI. One-way: what is sent to it still arrives.`,
    )
    .join(' ');
}

function rows({ network, missing }: Lacking): Comparison[] {
  return missing.map(({ address, priority, table }) => ({
    what: `rule ${priority} of ${namespacedName(network.pod)}`,
    expected: priority === PRIORITY.toPod ? `to ${address} lookup main` : `from ${address} lookup ${table}`,
    actual: 'none',
    source:
      priority === PRIORITY.toPod
        ? 'ip rule (node)'
        : `ip rule (node); expected: CNI result cache, table ${eniTable(network)}`,
  }));
}

function ofNode(lacking: readonly Lacking[], all: number, node: string): Outcome {
  const names = lacking.map(({ network }) => namespacedName(network.pod));
  const missing = lacking.flatMap((each) => each.missing);
  return fail(nodeObject(node), {
    detail: `${lacking.length} of ${all} pods lack routing rules of theirs (${listed(names, 5)}): something flushed them.`,
    confidence: 'confirmed',
    ...severityOf(missing),
    evidence: rowsOf(lacking, 10, rows),
    remedy: [
      ...firstOf(
        missing,
        SHOWN,
        (rule): RemedyStep =>
          repairOnNode(
            node,
            'put the rule back; no pod needs a restart.',
            command('ip', ...ruleArguments(rule)),
          ),
        (left) => repair(`Likewise the other ${left}: the next audit names them.`),
      ),
      lookOnNode(
        node,
        'find out what flushed them: systemd-networkd does, when it starts, unless ManageForeignRoutingPolicyRules=no.',
        'journalctl -b -u systemd-networkd -u NetworkManager --no-pager | tail -n 50',
      ),
    ],
    ...restoreRules(lacking),
  });
}
