import { layoutOf } from '../../computed/layouts.ts';
import { podEnd } from '../../computed/routes/attached-by-pair.ts';
import { linkNameHash } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/** Two signs of one fault: the ends do not point at each other, or the node's end is named after another pod. */
export const vethPeerMismatch = definePodCheck({
  id: 'veth-peer-mismatch',
  topic: 'veth',
  severity: 'high',
  title: "Both ends of the pod's pair point at each other and bear its name",
  failureTitle: "Pod's veth pair is mixed up with another",
  why:
    'A plugin that finds its interfaces by name takes the wrong one: routes, policies and the next ' +
    'deletion then affect another pod.',
  needs: ['podNetworks'],
  judge(network) {
    const link = podEnd(network);
    if (typeof link === 'string') return link;
    const { peer } = link;
    if (peer?.status === 'mismatched') {
      return {
        detail: `${link.name} of the pod points at ${peer.name} (index ${peer.index}), which points at ${peer.pointsTo}.`,
        confidence: 'confirmed',
        evidence: [
          {
            what: `peer of ${peer.name}`,
            expected: `${link.name} of the pod`,
            actual: peer.pointsTo,
            source: `ip link (netns ${peer.namespace})`,
          },
        ],
        remedy: recreatePod(network.pod),
      };
    }
    if (peer?.status !== 'matched') return 'the peer was not found: see veth-peer-missing';
    const expected = expectedName(network);
    if (expected === null || network.hostLink === null || network.hostLink.name.endsWith(expected))
      return 'pass';
    return {
      detail: `The node's end is ${network.hostLink.name}, but ${network.plugin} names it after the pod: …${expected}.`,
      confidence: 'confirmed',
      evidence: [
        {
          what: "name of the node's end",
          expected: `a prefix and ${expected}`,
          actual: network.hostLink.name,
          source: 'ip link (node)',
        },
        {
          what: 'name that it is built from',
          actual: `sha1(${network.pod.namespace}.${network.pod.name})`,
          source: `naming rule of ${network.plugin}`,
        },
      ],
      remedy: recreatePod(network.pod),
    };
  },
});

/**
 * The name that the plugin gives the node's end; null if unknown. The prefix is configurable, and the AWS
 * plugin appends an index for further interfaces.
 */
function expectedName(network: PodNetwork): string | null {
  const layout = layoutOf(network);
  if (
    typeof layout === 'string' ||
    !layout.namedAfterPod ||
    (layout.hostLinkPrefix !== null && !network.hostLink?.name.startsWith(layout.hostLinkPrefix))
  )
    return null;
  return linkNameHash(network.pod);
}
