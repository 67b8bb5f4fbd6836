import {
  baseName,
  contents,
  hostEnds,
  isRuntimeName,
  ownershipOf,
  ownLinks,
  podContainerIds,
  sandboxesByInode,
} from '../../computed/pods/ownership.ts';
import { stoppedPods } from '../../computed/pods/passing-pods.ts';
import { tooYoung } from '../../computed/pods/pin-age.ts';
import type { Pin } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { canonicalPath } from '../../model/path.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass, unknown } from '../define.ts';
import { deleteNamespace, oldestSandboxes } from '../remedies/delete-namespace.ts';

/** More orphans than this on one node are a serious leak. */
const MANY = 50;

/** The runtime crashed between creating the namespace and recording it, or DEL failed (containerd/cri#568, #968). */
export const namespaceOrphaned = defineCheck({
  id: 'namespace-orphaned',
  topic: 'namespaces',
  severity: 'medium',
  title: 'Every pinned namespace belongs to a sandbox',
  failureTitle: 'Orphaned network namespace',
  why:
    'A pinned namespace that no sandbox, process or descriptor uses is a leak: it keeps its veth pair, ' +
    'its addresses and kernel memory until the node reboots, and counts against the limits that stop new pods.',
  observations: 2,
  needs: ['namespaces', 'pins', 'sandboxes', 'pods', 'host', 'events'],
  run({ namespaces, pins, sandboxes, pods, host, events }, context) {
    // The probe's own pod has a sandbox, so an empty list means that the runtime was not read.
    if (sandboxes.length === 0)
      return [unknown(nodeObject(context.node), 'no sandbox of the runtime could be read')];
    const owners = sandboxesByInode({ namespaces, pins, sandboxes });
    const podContainers = podContainerIds(sandboxes);
    const oldest = oldestSandboxes(sandboxes);
    const pinsByPath = new Map(pins.map((pin) => [canonicalPath(pin.path), pin]));
    const orphans = new Set(
      namespaces.filter((namespace) => ownershipOf(namespace, owners, podContainers).kind === 'pinned'),
    );
    // Only an audit without settle time must rule out stopped pods here: every other audit reports an orphan
    // only when it has seen it twice.
    const stopped =
      context.settleSeconds.orphan === 0 ? stoppedPods({ pods, sandboxes, events }, context.now) : [];
    return namespaces.map((namespace) => {
      const path = namespace.pins[0] ?? '';
      const object = {
        kind: 'namespace',
        name: path === '' ? `net:[${namespace.inode}]` : baseName(path),
        node: context.node,
        ...(path === '' ? {} : { path }),
      } as const;
      if (!orphans.has(namespace)) return pass(object);
      const pin = pinsByPath.get(canonicalPath(path));
      // The pin is below another mount, like the old tree on a node that is a container: no path leads to it,
      // so it can be neither judged nor deleted.
      if (pin === undefined) return notApplicable(object, 'a lookup of its pin does not find it');
      const young = tooYoung(pin, { pods, sandboxes }, context);
      if (young !== null) return notApplicable(object, young);
      const links = ownLinks(namespace) ?? [];
      const ours = namespace.pins.some(isRuntimeName);
      // CNI DEL has emptied the namespace, and the runtime has not unpinned it yet: one for each stopped pod,
      // and no more.
      const emptied = ours && namespace.stack.status === 'present' && links.length === 0;
      const leaving = emptied ? stopped.findIndex(({ at }) => Date.parse(pin.modifiedAt) < at) : -1;
      const [pod] = leaving < 0 ? [] : stopped.splice(leaving, 1);
      if (pod !== undefined)
        return notApplicable(
          object,
          `may be of pod ${namespacedName(pod)}, which the kubelet is taking down`,
        );
      const physical = links.filter((link) => link.parentDevice !== null).map(({ name }) => name);
      const severe = physical.length > 0 || orphans.size > MANY;
      return fail(object, {
        detail:
          `${path} is pinned, but no sandbox, process or descriptor uses it; it holds ` +
          `${contents(namespace, host.networkNamespace)}.` +
          `${ours ? '' : ' No container runtime uses such a name, so somebody may have created it on purpose.'}`,
        confidence: ours ? 'confirmed' : 'suspected',
        severity: ours ? (severe ? 'high' : 'medium') : 'low',
        evidence: evidence(
          namespace.inode,
          path,
          pin,
          sandboxes.length,
          contents(namespace, host.networkNamespace),
        ),
        remedy: deleteNamespace(
          context.node,
          { path, inode: namespace.inode },
          oldest,
          physical,
          hostEnds(namespace, host.networkNamespace),
        ),
        repair: {
          kind: 'delete-namespaces',
          path,
          inode: namespace.inode,
          made: Date.parse(pin.modifiedAt) / 1000,
        },
      });
    });
  },
});

function evidence(inode: number, path: string, pin: Pin, sandboxes: number, content: string) {
  return [
    {
      what: 'pin',
      actual: `${path} → net:[${inode}], made ${pin.modifiedAt}`,
      source: '/proc/1/mountinfo',
    },
    {
      what: 'sandboxes that use it',
      expected: 'one',
      actual: `none of ${sandboxes}`,
      source: "the runtime's sandbox specs",
    },
    {
      what: 'processes, threads and descriptors',
      actual: 'none',
      source: '/proc/*/task/*/ns/net, /proc/*/fd',
    },
    { what: 'content', actual: content, source: `ip addr (netns ${inode})` },
  ];
}
