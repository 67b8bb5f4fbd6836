import {
  largestPacket,
  type TooSmall,
  tooSmallTunnel,
  tooSmallUplink,
  widestUplink,
} from '../../computed/path/uplink-mtu.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { counted, listed } from '../../model/text.ts';
import { defineCheck, type Failure, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

/**
 * A DHCP lease (option 26) or a network manager lowers the device after the plugin was set up, or the plugin
 * is given too much.
 */
export const nodeMtuTooSmall = defineCheck({
  id: 'node-mtu-too-small',
  topic: 'interfaces',
  severity: 'medium',
  title: "The node's uplink and its tunnel take packets as large as its pods send",
  failureTitle: "Node's MTU is smaller than its pods'",
  why:
    'For every pod on the node, small requests work, but large answers vanish or crawl: TLS handshakes ' +
    'hang, uploads stall, and ping looks fine.',
  needs: ['podNetworks', 'hostNetwork', 'cniConfig', 'node'],
  run(sources, { node }) {
    const object = nodeObject(node);
    if (widestUplink(sources.hostNetwork) === undefined)
      return [notApplicable(object, 'the node has no default route, so that its uplink is not known')];
    if (sources.podNetworks.length === 0)
      return [notApplicable(object, 'no pod on the node has a network of its own')];
    const found = [
      ...failureOf('uplink', tooSmallUplink(sources), node),
      ...failureOf('tunnel', tooSmallTunnel(sources), node),
    ];
    const [first] = found;
    return [first === undefined ? pass(object) : fail(object, first)];
  },
});

function failureOf(what: 'uplink' | 'tunnel', found: TooSmall | null, node: string): Failure[] {
  if (found === null) return [];
  const { device, networks } = found;
  const sizes = networks.map((network) => largestPacket(network) ?? 0);
  const needed = Math.max(...sizes);
  return [
    {
      detail: `The ${what} ${device.name} has MTU ${device.mtu}, but all ${counted(networks.length, 'pod')} of the node send packets of up to ${needed}: ${listed(
        networks.map(({ pod }) => namespacedName(pod)),
        5,
      )}.`,
      confidence: 'confirmed',
      evidence: [
        {
          what: `MTU of ${device.name}`,
          expected: `at least ${needed}`,
          actual: String(device.mtu),
          source: `ip link show dev ${device.name} (node)`,
        },
        {
          what: "MTU of the pods' interfaces, or of their default routes where that is lower",
          expected: `at most ${device.mtu}`,
          actual: listed([...new Set(sizes)].map(String), 5),
          source: "ip link; ip route (pods' namespaces)",
        },
      ],
      remedy: [
        lookOnNode(
          node,
          what === 'uplink'
            ? 'find out which MTU the device supports, and which one other nodes have; a network manager or a DHCP lease may have set it.'
            : 'find out which MTU the device has on other nodes, and what set it here: the CNI plugin made it to fit its pods.',
          command('ip', '-d', 'link', 'show', 'dev', device.name),
        ),
        repairOnNode(
          node,
          'raise it again; no pod has to be deleted. Where the network behind it takes no more (VPN, another ' +
            'cloud), lower mtu in the configuration of the CNI plugin instead, and recreate the pods of the node.',
          command('ip', 'link', 'set', 'dev', device.name, 'mtu', String(needed)),
        ),
      ],
    },
  ];
}
