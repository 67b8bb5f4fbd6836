import { familyOf, prefixLength, subnetOf } from '../../computed/cidr.ts';
import { loadedConfig } from '../../computed/loaded-config.ts';
import { FLANNEL_SUBNET, OF_FLANNEL } from '../../model/cni-names.ts';
import { FLANNEL } from '../../model/cni-plugins.ts';
import type { Sources } from '../../model/evidence.ts';
import { listed, quote } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { agentRepair, restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode } from '../remedies/steps.ts';

/** An agent that starts first writes the file. */
const BOOT_SECONDS = 300;

/** The agent writes it when it starts, and not again; /run is empty after a boot (flannel#2437, kubernetes#70202). */
export const cniSubnetFileWrong = defineCheck({
  id: 'cni-subnet-file-wrong',
  topic: 'cni',
  severity: 'critical',
  title: 'The plugin of flannel finds the subnet of the node',
  failureTitle: 'Subnet file of flannel is missing or wrong',
  why:
    'The plugin reads from it which addresses it may give to pods: without it no new pod on the node gets a ' +
    'network, and with the subnet of another node none that anybody can reach. Pods that run keep theirs.',
  needs: ['cniConfig', 'node', 'host'],
  run({ cniConfig, node: api, host }, { node, settleSeconds }) {
    const object = nodeObject(node);
    const config = loadedConfig(cniConfig);
    if (config === undefined || !config.plugins.includes(FLANNEL))
      return [notApplicable(object, 'flannel is not configured on the node')];
    const elsewhere = config.subnetFile ?? FLANNEL_SUBNET.path;
    if (elsewhere !== FLANNEL_SUBNET.path)
      return [notApplicable(object, `flannel's plugin reads ${quote(elsewhere)}, which was not read`)];
    const { subnetFile } = cniConfig;
    if (subnetFile === undefined) return [notApplicable(object, 'the probe did not read the file')];
    if (host.uptimeSeconds < BOOT_SECONDS && settleSeconds.pod > 0)
      return [notApplicable(object, 'the node booted less than five minutes ago')];
    const fault = faultOf(subnetFile, api);
    if (fault === null) return [pass(object)];
    return [
      fail(object, {
        detail: fault.detail,
        confidence: 'confirmed',
        evidence: [
          { what: fault.what, expected: fault.expected, actual: fault.actual, source: FLANNEL_SUBNET.path },
        ],
        remedy: [
          lookOnNode(
            node,
            'look at the file, and find out who changed or removed it.',
            `${command('ls', '-la', '--time-style=full-iso', FLANNEL_SUBNET.path)}; ${command('cat', FLANNEL_SUBNET.path)}`,
          ),
          restartAgent(FLANNEL, node),
        ],
        repair: agentRepair(FLANNEL),
      }),
    ];
  },
});

type Fault = {
  readonly detail: string;
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
};

function faultOf(
  { exists, variables }: NonNullable<Sources['cniConfig']['subnetFile']>,
  { podCIDRs, annotations }: Sources['node'],
): Fault | null {
  const { path, needed, subnet } = FLANNEL_SUBNET;
  if (!exists)
    return { detail: `${path} does not exist.`, what: 'the file', expected: 'there', actual: 'not there' };
  const missing = needed.filter((names) => names.every((name) => (variables[name] ?? '') === ''));
  if (missing.length > 0) {
    const names = listed(missing.map((each) => each.join(' or ')));
    return { detail: `${path} lacks ${names}.`, what: names, expected: 'set', actual: 'not set' };
  }
  const own = variables[subnet] ?? '';
  // Without the mark of an agent that takes its subnet from the API, ranges there may mean nothing.
  const given =
    annotations[OF_FLANNEL.backend] === undefined ? [] : podCIDRs.filter((cidr) => familyOf(cidr) === 4);
  if (own === '' || given.length === 0) return null;
  const network = networkOf(own);
  if (given.some((cidr) => networkOf(cidr) === network)) return null;
  return {
    detail: `${path} gives pods of the node addresses of ${quote(own, 60)}, and the node has ${listed(given)} in the API.`,
    what: subnet,
    expected: listed(given),
    actual: quote(own, 60),
  };
}

const networkOf = (cidr: string): string => subnetOf(cidr.split('/')[0] ?? '', prefixLength(cidr));
