import { addressBits, prefixLength } from '../../computed/cidr.ts';
import { linkFault, networkElsewhere } from '../../computed/preconditions.ts';
import { isBranchPod, PRIORITY, VLAN_TABLES } from '../../computed/routes/aws-routing.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { Comparison } from '../../model/finding.ts';
import type { NetworkStack } from '../../model/network.ts';
import { listed } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/**
 * The plugin's own objects: the VLAN on the trunk, and rules of priority 10 for both links
 * (amazon-vpc-cni-k8s#1644).
 */
export const awsVlanMissing = definePodCheck({
  id: 'aws-vlan-missing',
  topic: 'aws',
  severity: 'critical',
  title: 'The pod has the VLAN of its branch ENI (AWS VPC CNI)',
  failureTitle: "Branch ENI's VLAN or table is missing (AWS VPC CNI)",
  why:
    'Security groups for pods give a pod its own ENI, behind a VLAN. Without its link, rules or routes ' +
    'the pod reaches nothing, and nothing reaches it.',
  needs: ['podNetworks', 'hostNetwork'],
  unless: [notOnBranchEni, networkElsewhere, linkFault],
  judge(network, { hostNetwork }) {
    const vlan = vlanOf(network, hostNetwork);
    if (vlan === null) return "neither the plugin's result nor the pod's annotation names its VLAN";
    const missing = expectedObjects(network, vlan).filter(({ isThere }) => !isThere(hostNetwork));
    if (missing.length === 0) return 'pass';
    return {
      detail: `The branch ENI of the pod (VLAN ${vlan}) lacks ${listed(missing.map(({ what }) => what))}.`,
      confidence: 'confirmed',
      evidence: missing.map(
        ({ what, expected, source }): Comparison => ({
          what,
          expected,
          actual: 'none',
          source: `${source} (node)`,
        }),
      ),
      remedy: recreatePod(network.pod),
    };
  },
});

function notOnBranchEni(network: PodNetwork): string | null {
  return isBranchPod(network) ? null : 'the pod is not on a branch ENI of the AWS VPC CNI';
}

/** Taken from the pod's annotation, the plugin's result, or the rule of its link. */
function vlanOf({ pod, results, hostLink }: PodNetwork, { rules }: NetworkStack): number | null {
  const annotated = /"vlanId":\s*(\d{1,4})\b/.exec(pod.annotations['vpc.amazonaws.com/pod-eni'] ?? '')?.[1];
  const noted = results[0]?.interfaces.find(({ name }) => name.startsWith('dummy'))?.mac;
  const table = rules.find(
    ({ priority, inputLink }) => priority === PRIORITY.link && inputLink === hostLink?.name,
  )?.table;
  const found = [annotated, noted, table == null ? undefined : String(Number(table) - VLAN_TABLES)]
    .map(Number)
    .find((id) => id > 0 && id < 4095);
  return found ?? null;
}

type ExpectedObject = {
  readonly what: string;
  readonly expected: string;
  readonly source: string;
  isThere(host: NetworkStack): boolean;
};

function expectedObjects({ pod, hostLink }: PodNetwork, vlan: number): ExpectedObject[] {
  const table = String(VLAN_TABLES + vlan);
  const link = `vlan.eth.${vlan}`;
  const rule = (input: string): ExpectedObject => ({
    what: `the rule for ${input}`,
    expected: `${PRIORITY.link}: from all iif ${input} lookup ${table}`,
    source: 'ip rule',
    isThere: ({ rules }) => rules.some((each) => each.inputLink === input && each.table === table),
  });
  const source = `ip route show table ${table}`;
  return [
    {
      what: `the link ${link}`,
      expected: `${link}, up`,
      source: 'ip link',
      isThere: ({ links }) => links.some(({ name, up }) => name === link && up),
    },
    rule(hostLink?.name ?? ''),
    rule(link),
    {
      what: `the default route of table ${table}`,
      expected: `default via its gateway dev ${link}`,
      source,
      isThere: ({ routes }) =>
        routes.some(
          (route) => route.table === table && prefixLength(route.destination) === 0 && route.link === link,
        ),
    },
    ...pod.podIPs.map(
      (address): ExpectedObject => ({
        what: `the route to ${address} in table ${table}`,
        expected: `${address} dev ${hostLink?.name}`,
        source,
        isThere: ({ routes }) =>
          routes.some(
            (route) =>
              route.table === table &&
              route.destination === `${address}/${addressBits(address)}` &&
              route.link === hostLink?.name,
          ),
      }),
    ),
  ];
}
