import { deleteRule, ruleText } from '../../computed/routes/routing-decision.ts';
import { BRANCH_ENI } from '../../model/cni-names.ts';
import { AWS_CNI, cniPlugin } from '../../model/cni-plugins.ts';
import { counted, firstOf, listed, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { command, repair, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 20;
/** Links of pods on shared ENIs, of pods on branch ENIs, and VLANs. */
const LINKS = [BRANCH_ENI.link, cniPlugin(AWS_CNI)?.layout?.hostLinkPrefix].filter(
  (prefix) => prefix != null,
);

/** A pod's link was removed, but CNI DEL did not remove its rules (amazon-vpc-cni-k8s#1375, #1376). */
export const awsRuleDetached = defineCheck({
  id: 'aws-rule-detached',
  topic: 'aws',
  severity: 'medium',
  title: 'Every routing rule by link has its link (AWS VPC CNI)',
  failureTitle: 'Routing rules of deleted links remain (AWS VPC CNI)',
  why:
    'The AWS VPC CNI names links after pods: the next pod of a StatefulSet gets the same link name and ' +
    "is caught by the old rule, which sends its packets to the table of another pod's ENI.",
  observations: 2,
  needs: ['hostNetwork', 'cniConfig'],
  run({ hostNetwork, cniConfig }, { node }) {
    const object = nodeObject(node);
    if (!cniConfig.files.some(({ plugins }) => plugins.includes(AWS_CNI)))
      return [notApplicable(object, 'the AWS VPC CNI is not configured on the node')];
    const links = new Set(hostNetwork.links.map(({ name }) => name));
    const detached = hostNetwork.rules.filter(
      ({ inputLink, outputLink, detached }) =>
        detached &&
        [inputLink, outputLink].some(
          (link) => link !== null && !links.has(link) && LINKS.some((prefix) => link.startsWith(prefix)),
        ),
    );
    if (detached.length === 0) return [pass(object)];
    return [
      fail(object, {
        detail: `${counted(detached.length, 'routing rule')} of links that are not there: ${listed(detached.map(ruleText), 5)}.`,
        confidence: 'confirmed',
        evidence: rowsOf(detached, SHOWN, (rule) => ({
          what: `link of rule ${rule.priority}`,
          expected: rule.inputLink ?? rule.outputLink ?? '',
          actual: 'no such link ([detached])',
          source: 'ip rule (node)',
        })),
        remedy: firstOf(
          detached,
          SHOWN,
          (rule) => repairOnNode(node, 'remove the rule.', command(...deleteRule(rule))),
          (left) => repair(`Likewise the other ${left}: the next audit names them.`),
        ),
      }),
    ];
  },
});
