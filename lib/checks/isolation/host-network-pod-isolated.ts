import {
  compared,
  mayHaveMovedItself,
  membersInWords,
  namespacePins,
  sandboxMembers,
} from '../../computed/pods/membership.ts';
import { defineCheck, fail, notApplicable, pass, unknown } from '../define.ts';
import { judgePods } from '../frames/judge-pods.ts';
import { recreatePod } from '../remedies/steps.ts';

/** The node is whatever PID 1 is in: in kind and k3d that is the node's container, not the machine. */
export const hostNetworkPodIsolated = defineCheck({
  id: 'host-network-pod-isolated',
  topic: 'isolation',
  severity: 'critical',
  title: "The hostNetwork pod is in the node's network",
  failureTitle: "hostNetwork pod is outside the node's network",
  why:
    'Pods with hostNetwork are the agents that set up the node: in another namespace, the rules of ' +
    "kube-proxy or a CNI agent have no effect on the node, and nobody reaches them on the node's ports.",
  needs: ['pods', 'sandboxes', 'pins', 'host'],
  run({ pods, sandboxes, pins, host }, { node }) {
    const pinned = namespacePins(pins);
    return judgePods(pods, sandboxes, node, ({ pod, sandbox, object }) => {
      if (!pod.hostNetwork) return notApplicable(object, 'the pod has a network of its own');
      const members = sandboxMembers(sandbox, pinned);
      if (members.length === 0) return unknown(object, 'no namespace of the pod could be read');
      const outside = members.filter(({ inode }) => inode !== host.networkNamespace);
      if (outside.length === 0) return pass(object);
      const itself = mayHaveMovedItself(outside, pod);
      return fail(object, {
        detail:
          `The pod has hostNetwork, but is not in the node's own net:[${host.networkNamespace}]: ` +
          `${membersInWords(outside)}.` +
          `${itself ? ' It may change its own network, and may have left it itself.' : ''}`,
        confidence: itself ? 'suspected' : 'confirmed',
        ...(itself ? { severity: 'medium' as const } : {}),
        evidence: [
          ...compared(members, () => `net:[${host.networkNamespace}]`),
          { what: 'hostNetwork', actual: 'true', source: 'API: pod.spec.hostNetwork' },
        ],
        remedy: recreatePod(pod),
      });
    });
  },
});
