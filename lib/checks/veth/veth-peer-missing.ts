import { podEnd } from '../../computed/routes/attached-by-pair.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/** The kernel deletes both ends together, so an end without its peer on the node was moved away. */
export const vethPeerMissing = definePodCheck({
  id: 'veth-peer-missing',
  topic: 'veth',
  severity: 'critical',
  title: "The node holds the other end of the pod's pair",
  failureTitle: "Host end of the pod's veth is missing",
  why:
    'A veth pair is the only cable between a pod and its node. If the other end is gone or moved away, ' +
    'the pod is cut off, while its own interface looks fine.',
  needs: ['podNetworks', 'host'],
  judge(network, { host }) {
    const link = podEnd(network);
    if (typeof link === 'string') return link;
    const { peer } = link;
    if (peer === null) return { unknown: `the kernel names no peer of ${link.name}` };
    if (peer.status === 'unknown') return { unknown: peer.reason };
    if (peer.status === 'unsettled') return `${link.name} came or went while the node was read`;
    if (peer.status !== 'missing' && peer.namespace === host.networkNamespace) return 'pass';
    const where =
      peer.status === 'missing' ? 'nowhere' : `in namespace net:[${peer.namespace}], as ${peer.name}`;
    return {
      detail: `The other end of ${link.name} (index ${peer.index}) should be on the node, and is ${where}.`,
      confidence: 'confirmed',
      evidence: [
        {
          what: `peer of ${link.name}`,
          expected: `index ${peer.index} on the node`,
          actual: where,
          source: `ip link (netns ${network.namespace}, node)`,
        },
        {
          what: 'address of the pod',
          actual: network.pod.podIPs.join(', '),
          source: 'API: pod.status.podIPs',
        },
      ],
      remedy: recreatePod(network.pod),
    };
  },
});
