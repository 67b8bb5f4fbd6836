import {
  compared,
  type Member,
  mayHaveMovedItself,
  membersInWords,
  namespacePins,
  sandboxMembers,
} from '../../computed/pods/membership.ts';
import type { Sandbox } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { defineCheck, fail, notApplicable, pass, unknown } from '../define.ts';
import { judgePods } from '../frames/judge-pods.ts';
import { recreatePod } from '../remedies/steps.ts';

/** A pin was covered by another, or a container was moved: setns and bind mounts leave no trace in API and runtime. */
export const podNetworkSplit = defineCheck({
  id: 'pod-network-split',
  topic: 'isolation',
  severity: 'critical',
  title: 'All parts of the pod share one network namespace',
  failureTitle: 'Pod is split across several network namespaces',
  why:
    "Containers of one pod no longer reach each other on localhost, one of them may use another pod's " +
    'address, and the next container start or deletion happens in the wrong namespace.',
  needs: ['pods', 'sandboxes', 'pins', 'host'],
  run({ pods, sandboxes, pins, host }, { node }) {
    const pinned = namespacePins(pins);
    return judgePods(pods, sandboxes, node, ({ pod, sandbox, object }) => {
      if (pod.hostNetwork) return notApplicable(object, "the pod shares the node's network");
      const all = sandboxMembers(sandbox, pinned);
      // Parts in the node's own network are left to pod-in-host-network.
      const members = all.filter(({ inode }) => inode !== host.networkNamespace);
      const [first] = members;
      if (all.length === 0) return unknown(object, 'no namespace of the pod could be read');
      if (first === undefined)
        return notApplicable(object, "the pod is in the node's network: see pod-in-host-network");
      const whole = sandbox.networkNamespace;
      const home = whole === null || whole === host.networkNamespace ? first.inode : whole;
      const strayed = members.filter(({ inode }) => inode !== home);
      if (strayed.length === 0) return pass(object);
      const foreign = ownersOf(strayed, sandbox, sandboxes);
      const itself = foreign === '' && mayHaveMovedItself(strayed, pod);
      return fail(object, {
        detail:
          'Parts of the pod are in different network namespaces: ' +
          `${membersInWords(members)}.${foreign}` +
          `${itself ? ' The container may change its own network, and may have left it itself.' : ''}`,
        confidence: itself ? 'suspected' : 'confirmed',
        ...(itself ? { severity: 'medium' as const } : {}),
        evidence: compared(members, () => `net:[${home}]`),
        remedy: recreatePod(pod),
      });
    });
  },
});

/**
 * A sentence naming the owners of the namespaces that parts of the pod are in by mistake; empty if no other
 * pod owns them.
 */
function ownersOf(strayed: readonly Member[], sandbox: Sandbox, sandboxes: readonly Sandbox[]): string {
  const owners = [...new Set(strayed.map(({ inode }) => inode))].flatMap((inode) => {
    const owner = sandboxes.find(
      (other) => other.state === 'ready' && other.uid !== sandbox.uid && other.networkNamespace === inode,
    );
    return owner === undefined ? [] : [` net:[${inode}] is that of ${namespacedName(owner)}.`];
  });
  return owners.join('');
}
