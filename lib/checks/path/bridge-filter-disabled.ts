import { layoutOf } from '../../computed/layouts.ts';
import type { PacketFilter } from '../../model/network.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

const SETTING = 'net.bridge.bridge-nf-call-iptables';

/** A script that reloads the module, or hardening, sets it to 0 (kubernetes#24019, #38802). */
export const bridgeFilterDisabled = defineCheck({
  id: 'bridge-filter-disabled',
  topic: 'path',
  severity: 'high',
  title: 'What the bridge forwards passes the packet filter, as Services need it',
  failureTitle: 'Bridged traffic bypasses the rules of Services',
  why:
    'If a pod asks a Service whose endpoint is behind the same bridge, the answer comes from the ' +
    "endpoint's own address, and the pod drops it. Services with endpoints on other nodes work.",
  needs: ['podNetworks', 'hostPacketFilters', 'kernel'],
  run({ podNetworks, hostPacketFilters, kernel }, { node }) {
    const object = nodeObject(node);
    const onBridge = podNetworks.filter((network) => {
      const layout = layoutOf(network);
      return typeof layout !== 'string' && layout.gatewayMac === 'bridge' && network.hostLink?.master != null;
    });
    if (onBridge.length === 0) return [notApplicable(object, 'no pod of the node is behind a bridge')];
    if (!hostPacketFilters.some(isOfKubeProxy))
      return [notApplicable(object, 'kube-proxy does not implement Services with packet filters here')];
    const value = kernel.sysctls[SETTING]?.trim();
    if (value === undefined)
      return [notApplicable(object, `${SETTING} was not read: br_netfilter is not loaded`)];
    if (value !== '0') return [pass(object)];
    return [
      fail(object, {
        detail: `${SETTING} is 0: answers between pods behind one bridge do not pass the rules that translated the Service's address.`,
        confidence: 'confirmed',
        evidence: [{ what: SETTING, expected: '1', actual: value, source: `sysctl ${SETTING} (node)` }],
        remedy: [
          repairOnNode(
            node,
            'turn it on again; no pod needs a restart.',
            command('sysctl', '-w', `${SETTING}=1`),
          ),
          lookOnNode(
            node,
            'find out what turned it off, or that will happen again at the next boot.',
            'grep -rn bridge-nf-call /etc/sysctl.conf /etc/sysctl.d /run/sysctl.d /usr/lib/sysctl.d',
          ),
        ],
      }),
    ];
  },
});

/** Chains of its iptables mode, or the table of its nftables mode. */
const isOfKubeProxy = ({ tables }: PacketFilter): boolean =>
  tables.some(
    ({ name, chains }) =>
      name.split(' ').at(-1) === 'kube-proxy' || chains.some((chain) => chain.name === 'KUBE-SERVICES'),
  );
