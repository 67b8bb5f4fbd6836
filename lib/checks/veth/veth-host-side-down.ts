import { layoutOf } from '../../computed/layouts.ts';
import { podEnd } from '../../computed/routes/attached-by-pair.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { hostEnd, restore } from '../remedies/restore.ts';
import { command, recreatePod, repairOnNode } from '../remedies/steps.ts';

export const vethHostSideDown = definePodCheck({
  id: 'veth-host-side-down',
  topic: 'veth',
  severity: 'critical',
  title: "The node's end of the pod's pair is up",
  failureTitle: "Host end of the pod's veth is down",
  why:
    "With the node's end down, the pod has no carrier: nothing gets in or out, while everything inside " +
    'the pod is configured correctly.',
  needs: ['podNetworks'],
  judge(network, _sources, { node }) {
    const link = podEnd(network);
    if (typeof link === 'string') return link;
    const { hostLink } = network;
    if (hostLink === null) return "the node's end was not found: see veth-peer-missing";
    if (hostLink.up) return 'pass';
    const layout = layoutOf(network);
    // Taking a link down deletes its routes; only a bridge port needs none.
    const behindBridge = typeof layout !== 'string' && layout.hostRoute === 'subnet';
    return {
      detail: `${hostLink.name}, the node's end of the pod's ${link.name}, is down.`,
      confidence: 'confirmed',
      evidence: [
        {
          what: `state of ${hostLink.name}`,
          expected: 'UP',
          actual: hostLink.operState,
          source: 'ip link (node)',
        },
        {
          what: `carrier of ${link.name} in the pod`,
          expected: 'LOWER_UP',
          actual: link.carrier ? 'LOWER_UP' : 'no carrier',
          source: `ip link (netns ${network.namespace})`,
        },
      ],
      remedy: behindBridge
        ? [
            repairOnNode(
              node,
              'set it up again; nothing else was lost.',
              command('ip', 'link', 'set', hostLink.name, 'up'),
            ),
          ]
        : recreatePod(network.pod),
      ...(behindBridge ? restore(network, { what: 'link-up', link: hostEnd(hostLink) }) : {}),
    };
  },
});
