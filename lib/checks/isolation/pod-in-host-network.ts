import {
  compared,
  mayHaveMovedItself,
  membersInWords,
  namespacePins,
  sandboxMembers,
} from '../../computed/pods/membership.ts';
import { defineCheck, fail, notApplicable, pass, unknown } from '../define.ts';
import { judgePods } from '../frames/judge-pods.ts';
import { look, recreatePod } from '../remedies/steps.ts';

/** Compared by inode: pod and node both have an eth0 and a lo, so names prove nothing. */
export const podInHostNetwork = defineCheck({
  id: 'pod-in-host-network',
  topic: 'isolation',
  severity: 'critical',
  title: "The pod is not in the node's network",
  failureTitle: "Pod without hostNetwork is in the node's network",
  why:
    "The pod reaches everything that listens on the node's loopback, such as the kubelet and agents " +
    "without authentication. It can listen on the node's ports, and no network policy applies to it.",
  needs: ['pods', 'sandboxes', 'pins', 'host'],
  run({ pods, sandboxes, pins, host }, { node }) {
    const pinned = namespacePins(pins);
    return judgePods(pods, sandboxes, node, ({ pod, sandbox, object }) => {
      if (pod.hostNetwork) return notApplicable(object, "the pod asked for the node's network");
      const members = sandboxMembers(sandbox, pinned);
      if (members.length === 0) return unknown(object, 'no namespace of the pod could be read');
      const inside = members.filter(({ inode }) => inode === host.networkNamespace);
      if (inside.length === 0) return pass(object);
      const itself = pod.hostPID && mayHaveMovedItself(inside, pod);
      return fail(object, {
        detail:
          `The pod has no hostNetwork, but this is in the node's own network: ` +
          `${membersInWords(inside)}.` +
          `${itself ? ' It is privileged with hostPID, and may have gone there itself.' : ''}`,
        confidence: itself ? 'suspected' : 'confirmed',
        ...(itself ? { severity: 'medium' as const } : {}),
        evidence: [
          ...compared(members, () => `not net:[${host.networkNamespace}]`),
          {
            what: "the node's own network namespace",
            actual: `net:[${host.networkNamespace}]`,
            source: '/proc/1/ns/net',
          },
          { what: 'hostNetwork', actual: 'false', source: 'API: pod.spec.hostNetwork' },
        ],
        remedy: [
          look(
            'Treat it as a security incident: find out who put it there, from the audit log and the image, before it goes.',
          ),
          ...recreatePod(pod),
        ],
      });
    });
  },
});
