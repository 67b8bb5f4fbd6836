import { podEnd } from '../../computed/attached-by-pair.ts';
import { defineCheck, fail, notApplicable, pass, podObject, unknown } from '../define.ts';
import { recreatePod } from '../remedies/steps.ts';

/** The kernel deletes both ends together, so an end without its peer on the node was moved away. */
export const vethPeerMissing = defineCheck({
  id: 'veth-peer-missing',
  topic: 'veth',
  severity: 'critical',
  title: "The node holds the other end of the pod's pair",
  failureTitle: "The other end of the pod's veth pair is not on the node",
  why: 'A veth pair is the only cable between a pod and its node. With the other end gone or moved away the pod is cut off, while its own interface looks fine.',
  needs: ['podNetworks', 'host'],
  run({ podNetworks, host }, { node }) {
    return podNetworks.map((network) => {
      const object = podObject(network.pod, node);
      const link = podEnd(network);
      if (typeof link === 'string') return notApplicable(object, link);
      const { peer } = link;
      if (peer === null) return unknown(object, `the kernel names no peer of ${link.name}`);
      if (peer.status === 'unknown') return unknown(object, peer.reason);
      if (peer.status === 'unsettled')
        return notApplicable(object, `${link.name} came or went while the node was read`);
      if (peer.status !== 'missing' && peer.namespace === host.networkNamespace) return pass(object);
      const where =
        peer.status === 'missing' ? 'nowhere' : `in namespace net:[${peer.namespace}], as ${peer.name}`;
      return fail(object, {
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
      });
    });
  },
});
