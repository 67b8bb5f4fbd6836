import { asksForNetworks } from '../../computed/pods/secondary-networks.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { Link } from '../../model/network.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { command, repairOnNode } from '../remedies/steps.ts';

/** Plugins that move devices into pods on purpose. */
const MOVING_PLUGINS = ['host-device', 'sriov', 'ib-sriov', 'ovs', 'rdma'];

/** A device that a leaked or wrong ADD left in a pod is missing on the node (multus-cni#1134). */
export const hostInterfaceInPod = definePodCheck({
  id: 'host-interface-in-pod',
  topic: 'interfaces',
  severity: 'high',
  title: 'The pod holds no device of the node',
  failureTitle: "Node's network device is inside a pod",
  why:
    'If a physical device is in a pod by mistake, the node lacks it, and the pod has a way around every ' +
    'network policy.',
  needs: ['podNetworks', 'hostNetwork'],
  unless: ['namespace unread'],
  facts({ hostNetwork }) {
    const macs = new Set(hostNetwork.links.filter(isDevice).map((link) => link.mac));
    return { macs };
  },
  judge(network, { macs }, { node }) {
    if (
      asksForNetworks(network.pod) ||
      network.results.some((result) => result.plugins.some((plugin) => MOVING_PLUGINS.includes(plugin)))
    ) {
      return 'the pod asked for a device of its own';
    }
    const devices = network.stack.links.filter(
      (link) =>
        (isDevice(link) ||
          (link.kind === null && !link.loopback && link.mac !== null && macs.has(link.mac))) &&
        !wasGiven(network, link),
    );
    if (devices.length === 0) return 'pass';
    return {
      detail:
        `The pod's namespace holds ` +
        `${devices.map((link) => `${link.name} (${link.mac}, ${link.parentDevice ?? 'a device of the node'})`).join(', ')}.`,
      confidence: 'probable',
      evidence: devices.map((link) => ({
        what: link.name,
        expected: 'virtual links only',
        actual: `${link.mac} on ${link.parentDevice ?? 'the node'}`,
        source: `ip -d link (netns ${network.namespace})`,
      })),
      remedy: giveBack(network, devices, node),
    };
  },
});

function isDevice(link: Link): boolean {
  return link.kind === null && !link.loopback && link.parentDevice !== null;
}

/** A CNI result lists it as an interface of the pod, as some clouds give each pod a device. */
function wasGiven({ results }: PodNetwork, { name }: Link): boolean {
  return results.some(({ interfaces }) => interfaces.some((given) => given.inPod && given.name === name));
}

function giveBack(network: PodNetwork, devices: readonly Link[], node: string) {
  const path = network.sandbox.namespacePath;
  if (path === null) return [];
  return devices.map((link) =>
    repairOnNode(
      node,
      `give ${link.name} back to the node, then configure it as the node's network service does.`,
      command('nsenter', `--net=${path}`, 'ip', 'link', 'set', link.name, 'netns', '1'),
    ),
  );
}
