import { isLedToMain, MARK_PRIORITY, type Marks, marksOf } from '../../computed/firewall/aws-marks.ts';
import { isOfAnotherEni, PRIORITY, sharedEniPod } from '../../computed/routes/aws-routing.ts';
import { uplinkOf } from '../../computed/routes/uplinks.ts';
import { AWS_MARKS } from '../../model/cni-names.ts';
import { AWS_CNI, cniPlugin } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import type { NetworkStack } from '../../model/network.ts';
import { counted, listed } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

/** The links of all pods, as iptables writes them. */
const OF_PODS = `${cniPlugin(AWS_CNI)?.layout?.hostLinkPrefix ?? 'eni'}+`;
const PRIMARY = 'AWS, primary ENI';
const OUTBOUND = 'AWS, outbound connections';
const RESTORES = 'AWS, CONNMARK';

/**
 * systemd-networkd flushes rules that it did not create, and firewalls flush tables. ipamd writes all of this when it
 * starts, and not again (amazon-vpc-cni-k8s#75, #2025, #3309).
 */
export const awsMarkIncomplete = defineCheck({
  id: 'aws-mark-incomplete',
  topic: 'aws',
  severity: 'critical',
  title: 'What belongs to the first ENI is led back there (AWS VPC CNI)',
  failureTitle: "First ENI's marks or rule are missing (AWS VPC CNI)",
  why:
    'Pods of other ENIs answer to NodePorts and load balancers by their own ENI, and so does what they send out of ' +
    'the VPC with the address of the node. EC2 drops both, as the address is of the first ENI. Inside the VPC ' +
    'everything works.',
  needs: ['podNetworks', 'hostNetwork', 'hostPacketFilters'],
  run({ podNetworks, hostNetwork, hostPacketFilters }, { node }) {
    const object = nodeObject(node);
    const own = podNetworks.filter((network) => sharedEniPod(network) === null);
    if (own.length === 0)
      return [notApplicable(object, 'no pod of the node is on a shared ENI of the AWS VPC CNI')];
    const marks = marksOf(hostPacketFilters, hostNetwork);
    if (marks.rule === null && !marks.restores && !marks.chain && !marksOutbound(marks, hostNetwork))
      return [notApplicable(object, 'the AWS VPC CNI is set not to mark anything here')];
    const missing = missingOf(marks, hostNetwork);
    if (missing.length === 0) return [pass(object)];
    const others = own.filter((network) => isOfAnotherEni(network, hostNetwork));
    return [
      fail(object, {
        detail: `${missing.map(({ what }) => `There is no ${what}.`).join(' ')} ${lostBy(others)}`,
        confidence: 'confirmed',
        // The next pods of another ENI have the fault.
        ...(others.length === 0 ? { severity: 'high' as const } : {}),
        evidence: missing.map(({ what, expected, source }) => ({ what, expected, actual: 'none', source })),
        remedy: [
          lookOnNode(
            node,
            'find out what removed it: systemd-networkd flushes rules when it starts, unless ' +
              'ManageForeignRoutingPolicyRules=no, and so may a firewall that was reloaded.',
            'journalctl -b -u systemd-networkd -u NetworkManager -u firewalld --no-pager | tail -n 50',
          ),
          ...missing.flatMap(({ put }) =>
            put === null ? [] : [repairOnNode(node, 'put it back; no pod needs a restart.', put)],
          ),
          restartAgent(AWS_CNI, node),
        ],
      }),
    ];
  },
});

/** `put`: the command that puts it back; null if it is not known. */
type Missing = {
  readonly what: string;
  readonly expected: string;
  readonly source: string;
  readonly put: string | null;
};

/**
 * What leaves the VPC is marked where it gets the node's address. Versions without marks had a rule of each pod for
 * each network of the VPC instead, and none for all addresses.
 */
function marksOutbound({ masquerades }: Marks, { rules }: NetworkStack): boolean {
  return (
    masquerades &&
    rules.some(
      ({ family, priority, destination }) =>
        family === 4 && priority === PRIORITY.fromPod && destination === null,
    )
  );
}

function missingOf(marks: Marks, host: NetworkStack): Missing[] {
  const mark = marks.mark === null ? null : `0x${marks.mark.toString(16)}`;
  const masked = mark === null ? null : `${mark}/${mark}`;
  const uplink = uplinkOf(host);
  const outbound = marksOutbound(marks, host);
  const mangle = (words: readonly string[]) =>
    command(marks.tool, '-t', 'mangle', '-A', 'PREROUTING', ...words);
  const nat = (change: '-A' | '-D', words: readonly string[]) =>
    command(marks.tool, '-t', 'nat', change, 'PREROUTING', ...words);
  const restore = ['-j', 'CONNMARK', '--restore-mark', '--mask', mark ?? ''];
  const restoreFirst = ['-m', 'comment', '--comment', RESTORES, ...restore];
  const jump = ['-i', OF_PODS, '-m', 'comment', '--comment', OUTBOUND, '-j', AWS_MARKS.chain];
  const found: (Missing | false)[] = [
    (marks.restores || marks.chain || outbound) &&
      !isLedToMain(marks.mark, host) && {
        what: `rule ${MARK_PRIORITY}, which leads packets with the mark ${mark ?? 'of the first ENI'} to it`,
        expected: `fwmark ${masked ?? '…'} lookup main`,
        source: 'ip rule (node)',
        put:
          masked &&
          command(
            ...['ip', '-4', 'rule', 'add', 'fwmark', masked],
            ...['lookup', 'main', 'priority', String(MARK_PRIORITY)],
          ),
      },
    !marks.restores && {
      what: `rule of table mangle that gives packets of ${OF_PODS} the mark of their connection`,
      expected: `-A PREROUTING -i ${OF_PODS} … -j CONNMARK --restore-mark`,
      source: `${marks.tool}-save -t mangle (node)`,
      put: mark && mangle(['-i', OF_PODS, '-m', 'comment', '--comment', PRIMARY, ...restore]),
    },
    // That of branch ENIs is written for NodePorts alone.
    marks.restoresOfBranches &&
      !marks.marksNodePorts && {
        what: `rule of table mangle that marks connections to NodePorts, which come in by ${uplink ?? 'the first ENI'}`,
        expected: `-A PREROUTING -i ${uplink ?? '…'} … -j CONNMARK --set-xmark`,
        source: `${marks.tool}-save -t mangle (node)`,
        put:
          masked &&
          uplink &&
          mangle([
            ...['-i', uplink, '-m', 'comment', '--comment', PRIMARY],
            ...['-m', 'addrtype', '--dst-type', 'LOCAL', '--limit-iface-in'],
            ...['-j', 'CONNMARK', '--set-mark', masked],
          ]),
      },
    marks.chain &&
      !marks.jumps && {
        what: `rule of table nat that leads to ${AWS_MARKS.chain}, which marks what leaves the VPC`,
        expected: `-A PREROUTING -i ${OF_PODS} … -j ${AWS_MARKS.chain}`,
        source: `${marks.tool}-save -t nat (node)`,
        // The mark is set before it is restored.
        put: [
          nat('-A', jump),
          ...(marks.restoresFirst && mark !== null ? [nat('-D', restoreFirst), nat('-A', restoreFirst)] : []),
        ].join(' && '),
      },
    marks.chain &&
      !marks.restoresFirst && {
        what: 'rule of table nat that gives the first packet of a connection its mark',
        expected: '-A PREROUTING … -j CONNMARK --restore-mark',
        source: `${marks.tool}-save -t nat (node)`,
        put: mark && nat('-A', restoreFirst),
      },
  ];
  const unmarked: Missing = {
    what: `rule that marks what leaves the VPC, neither in ${AWS_MARKS.chain} of iptables nor in ${AWS_MARKS.nftables.table} of nftables`,
    expected: `${AWS_MARKS.chain} or table ip ${AWS_MARKS.nftables.table}`,
    source: `${marks.tool}-save -t nat; nft list ruleset (node)`,
    put: null,
  };
  return [
    ...found.filter((each) => each !== false),
    ...(outbound && !marks.chain && !marks.byNftables ? [unmarked] : []),
  ];
}

function lostBy(others: readonly PodNetwork[]): string {
  if (others.length === 0) return 'No pod is on another ENI yet.';
  const names = listed(
    others.map(({ pod }) => namespacedName(pod)),
    5,
  );
  return `What ${counted(others.length, 'pod')} of other ENIs (${names}) should send by the first one leaves by their own.`;
}
