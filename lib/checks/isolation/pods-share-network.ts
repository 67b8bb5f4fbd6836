import { namespacePins, sandboxMembers } from '../../computed/pods/membership.ts';
import type { Sandbox } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { defineCheck, fail, notApplicable, pass, unknown } from '../define.ts';
import { judgePods } from '../frames/judge-pods.ts';
import { recreateSandbox } from '../remedies/sandbox.ts';
import { recreatePod, repair } from '../remedies/steps.ts';

/** Judged by where the pods' processes run. If only the path leads to another pod, that is pod-network-split. */
export const podsShareNetwork = defineCheck({
  id: 'pods-share-network',
  topic: 'isolation',
  severity: 'critical',
  title: 'The pod shares its network namespace with no other pod',
  failureTitle: 'Pods share one network namespace',
  why:
    "Each pod listens on the other's localhost and uses its address, and network policies for one apply " +
    'to both. When either is deleted, the other loses its network too.',
  needs: ['pods', 'sandboxes', 'pins', 'host'],
  run({ pods, sandboxes, pins, host }, { node }) {
    const pinned = namespacePins(pins);
    const placed = sandboxes
      .filter(({ state, network, stable }) => state === 'ready' && network === 'pod' && stable)
      .map((sandbox) => ({ sandbox, inode: homeOf(sandbox, sandboxMembers(sandbox, pinned)) }))
      .toSorted((a, b) => (a.sandbox.createdAt ?? '').localeCompare(b.sandbox.createdAt ?? ''));
    const byInode = Map.groupBy(placed, ({ inode }) => inode);
    return judgePods(pods, sandboxes, node, ({ pod, sandbox, object }) => {
      if (pod.hostNetwork) return notApplicable(object, "the pod shares the node's network");
      const inode = homeOf(sandbox, sandboxMembers(sandbox, pinned));
      if (inode === null) return unknown(object, 'no namespace of the pod could be read');
      if (inode === host.networkNamespace)
        return notApplicable(object, "the pod is in the node's network: see pod-in-host-network");
      const inside = (byInode.get(inode) ?? []).map((each) => each.sandbox);
      const others = inside.filter(({ uid }) => uid !== sandbox.uid);
      if (others.length === 0) return pass(object);
      const [owner] = inside;
      // One cause, one finding: of two pods in one namespace, the later one should not be there.
      if (owner?.uid === sandbox.uid) {
        return notApplicable(
          object,
          `reported for ${others.map(namespacedName).join(', ')}: the namespace was this pod's first`,
        );
      }
      return fail(object, {
        detail: `The pod runs in net:[${inode}], and so ${others.length === 1 ? 'does' : 'do'} ${others.map(namespacedName).join(', ')}.`,
        confidence: 'confirmed',
        evidence: [sandbox, ...others].map((each) => ({
          what: `network namespace of ${namespacedName(each)}`,
          ...(each.uid === sandbox.uid ? { expected: 'one of its own' } : {}),
          actual: `net:[${inode}]${each.namespacePath === null ? '' : `, path ${each.namespacePath}`}`,
          source: each.networkNamespace === null ? "the runtime's sandbox spec" : `/proc/${each.pid}/ns/net`,
        })),
        remedy: [
          ...recreatePod(pod),
          repair(
            `Then recreate ${others.map(namespacedName).join(', ')} too: the deletion took down what they share, loopback for one.`,
          ),
          ...others.flatMap((other) => recreateSandbox(other, pods, node)),
        ],
      });
    });
  },
});

/** The namespace of the sandbox: that of its pause process, else of its containers, else of its path. */
function homeOf(sandbox: Sandbox, members: ReturnType<typeof sandboxMembers>): number | null {
  if (sandbox.networkNamespace !== null) return sandbox.networkNamespace;
  return (members.find(({ container }) => container !== null) ?? members[0])?.inode ?? null;
}
