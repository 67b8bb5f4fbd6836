import { defineCheck, fail, nodeObject, notApplicable, type Outcome, pass } from '../define.ts';
import { lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';

/**
 * The runtime's own services: CRI-O and the kubelet may deliberately share a mount namespace that PID 1 does
 * not see.
 */
const RUNTIME = /^(crio|kubelet|containerd|containerd-shim|dockerd|conmon|systemd)/;

/** A private copy of /run keeps every pin that existed when the copy was made (containerd#3667, rancher#26506). */
export const namespacePinnedElsewhere = defineCheck({
  id: 'namespace-pinned-elsewhere',
  topic: 'namespaces',
  severity: 'low',
  title: 'No other mount namespace keeps copies of the pins',
  failureTitle: 'Container holds private copies of network namespace pins',
  why:
    'A container that mounts directories of the node without mount propagation keeps a copy of each ' +
    'pin. On kernels before 3.18 and on RHEL 7, deleting pods then fails with "device or resource ' +
    'busy".',
  observations: 2,
  needs: ['mounts', 'pins', 'host', 'pods', 'events'],
  run({ mounts, pins, host, pods, events }, { node }) {
    const onHost = new Set(pins.flatMap((pin) => [pin.inode, ...pin.mounted]));
    const busy = events.find((event) => /device or resource busy/.test(event.message));
    const old = isOld(host.kernelRelease);
    const owners = new Map(
      pods.toReversed().flatMap((pod) => pod.containers.map(({ id }) => [id, pod] as const)),
    );
    const outcomes = mounts.elsewhere.map((other): Outcome => {
      const owner = other.containerId === null ? undefined : owners.get(other.containerId);
      const object =
        owner === undefined
          ? ({ kind: 'process', name: other.command, node } as const)
          : ({ kind: 'pod', namespace: owner.namespace, name: owner.name, node } as const);
      if (other.containerId === null && RUNTIME.test(other.command))
        return notApplicable(object, 'the runtime keeps its mounts in its own namespace');
      const copies = other.inodes.filter((inode) => onHost.has(inode));
      if (copies.length === 0)
        return notApplicable(object, 'it holds only namespaces that it created itself');
      const severe = old || busy !== undefined;
      return fail(object, {
        detail:
          `The mount namespace of ${other.command} (pid ${other.pid}) holds private copies of ` +
          `${copies.length} pins of the node; ` +
          `${severe ? `on this node that blocks their deletion${busy === undefined ? ` (kernel ${host.kernelRelease})` : ': an event says "device or resource busy"'}` : 'this kernel detaches them when the pin is deleted, so nothing is blocked now'}.`,
        confidence: busy === undefined ? 'suspected' : 'confirmed',
        severity: severe ? 'high' : 'low',
        evidence: [
          {
            what: 'copies of pins',
            expected: 'none, or mounts that follow the node',
            actual: `${copies.length}, as net:[${copies[0]}]`,
            source: `/proc/${other.pid}/mountinfo`,
          },
          { what: 'kernel', actual: host.kernelRelease, source: 'uname -r' },
          ...(busy === undefined
            ? []
            : [{ what: 'event', actual: `${busy.reason}: ${busy.message}`, source: 'API: events' }]),
        ],
        remedy: [
          lookOnNode(node, 'find out which volume it is', `grep -w nsfs /proc/${other.pid}/mountinfo`),
          repair(
            'Give that hostPath volume "mountPropagation: HostToContainer", or mount a narrower directory, and ' +
              'restart the container. Do not unmount pins on the node while their pods live.',
          ),
          ...(old && host.kernelRelease.includes('.el7')
            ? [
                repairOnNode(
                  node,
                  'allow pins to be removed while they are mounted elsewhere',
                  'sysctl -w fs.may_detach_mounts=1',
                ),
              ]
            : []),
        ],
      });
    });
    return outcomes.some(({ result }) => result === 'fail')
      ? outcomes
      : [...outcomes, pass(nodeObject(node))];
  },
});

/**
 * Before 3.18 a mount in another mount namespace made unlink fail with EBUSY; RHEL 7 still does so by default
 * (mount_namespaces(7)).
 */
function isOld(release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return release.includes('.el7') || major < 3 || (major === 3 && minor < 18);
}
