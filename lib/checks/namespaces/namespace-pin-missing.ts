import { directoryOf } from '../../computed/pods/ownership.ts';
import { mountsByPath } from '../../computed/pods/pinned-sandboxes.ts';
import { whyOnItsWayOut } from '../../computed/pods/sandbox-pod.ts';
import { canonicalPath } from '../../model/path.ts';
import { defineCheck, fail, notApplicable, type Outcome, pass, podObject } from '../define.ts';
import { recreateSandbox } from '../remedies/sandbox.ts';

/** The directories in which the probe lists pins, even if they are empty. */
const PIN_DIRECTORIES = [
  '/run/netns',
  '/run/docker/netns',
  '/run/containerd/io.containerd.grpc.v1.cri/netns',
];

/**
 * Somebody removed the file: containers keep running, but the runtime considers the namespace closed
 * (containerd#5714).
 */
export const namespacePinMissing = defineCheck({
  id: 'namespace-pin-missing',
  topic: 'namespaces',
  severity: 'high',
  title: 'The pin of every sandbox exists',
  failureTitle: 'Pin of a running sandbox is missing',
  why:
    'The pod works until something asks the runtime for its address: the runtime then finds the ' +
    'namespace closed, and the kubelet kills the pod. Deletion cannot release its address and links, ' +
    'because the CNI plugin gets no namespace.',
  needs: ['sandboxes', 'pins', 'namespaces', 'mounts', 'pods'],
  run({ sandboxes, pins, namespaces, mounts, pods }, { node, now, settleSeconds }) {
    const directories = new Set([
      ...PIN_DIRECTORIES,
      ...pins.map((pin) => directoryOf(canonicalPath(pin.path))),
    ]);
    const paths = new Set(pins.map((pin) => canonicalPath(pin.path)));
    const mountedAt = mountsByPath(namespaces);
    const inodesElsewhere = new Map<number, (typeof mounts.elsewhere)[number]>();
    for (const other of mounts.elsewhere)
      for (const inode of other.containerId === null ? other.inodes : [])
        if (!inodesElsewhere.has(inode)) inodesElsewhere.set(inode, other);
    return sandboxes.flatMap((sandbox): Outcome[] => {
      if (sandbox.state !== 'ready' || sandbox.network !== 'pod') return [];
      const object = podObject(sandbox, node);
      const path = sandbox.namespacePath === null ? null : canonicalPath(sandbox.namespacePath);
      if (path === null || path.startsWith('/proc/'))
        return [notApplicable(object, 'the runtime does not pin the namespace of this sandbox')];
      if (!directories.has(directoryOf(path)))
        return [notApplicable(object, `the directory of ${path} is not one that the probe reads`)];
      if (paths.has(path)) return [pass(object)];
      if (mountedAt(path, undefined).length > 0)
        return [notApplicable(object, 'the pin is mounted, but hidden: see namespace-pin-shadowed')];
      if (!sandbox.stable) return [notApplicable(object, 'the sandbox changed while it was looked at')];
      const leaving = whyOnItsWayOut(sandbox, pods);
      if (leaving !== null) return [notApplicable(object, leaving)];
      const age = sandbox.createdAt === null ? null : (now - Date.parse(sandbox.createdAt)) / 1000;
      if (age !== null && age < settleSeconds.pod)
        return [notApplicable(object, 'the sandbox is not settled yet')];
      // CRI-O can keep its mounts in its own mount namespace, hidden from PID 1.
      const elsewhere =
        sandbox.networkNamespace === null ? undefined : inodesElsewhere.get(sandbox.networkNamespace);
      if (elsewhere !== undefined)
        return [notApplicable(object, `pinned in the mount namespace of ${elsewhere.command}`)];
      return [
        fail(object, {
          detail:
            `The runtime's path ${path} does not ` +
            `exist${sandbox.networkNamespace === null ? '' : `, while the sandbox runs in net:[${sandbox.networkNamespace}]`}.`,
          confidence: 'confirmed',
          evidence: [
            {
              what: 'pin of the sandbox',
              expected: path,
              actual: 'no such file',
              source: `/proc/1/root${path}`,
            },
            {
              what: 'mounts at the path',
              expected: 'one of nsfs',
              actual: 'none',
              source: '/proc/1/mountinfo',
            },
          ],
          remedy: recreateSandbox(sandbox, pods, node),
        }),
      ];
    });
  },
});
