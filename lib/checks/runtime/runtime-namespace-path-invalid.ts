import { isNamespaceFile } from '../../computed/pods/ownership.ts';
import { canonicalPath } from '../../model/path.ts';
import { defineCheck, fail, notApplicable, type Outcome, pass, podObject, unknown } from '../define.ts';
import { recreateSandbox } from '../remedies/sandbox.ts';

const PROCESS_PATH = /^\/proc\/(\d+)\/(?:task\/\d+\/)?ns\/net$/;

/** Runtime, CNI result and process must name the same namespace, or DEL deletes another pod's. */
export const runtimeNamespacePathInvalid = defineCheck({
  id: 'runtime-namespace-path-invalid',
  topic: 'runtime',
  about: 'sandboxes',
  severity: 'high',
  title: 'Runtime and CNI agree on the path of the namespace',
  failureTitle: 'Namespace path is wrong in runtime or CNI',
  why:
    'The kubelet uses the path that the runtime recorded. If the CNI plugin set up another one, the ' +
    "kubelet cannot read the pod's address, and the pod's deletion releases nothing, or the network of " +
    'another pod.',
  needs: ['sandboxes', 'cniResults', 'pins', 'pods'],
  run({ sandboxes, cniResults, pins, pods }, { node }) {
    const pinOf = new Map(pins.map((pin) => [canonicalPath(pin.path), pin]));
    const resultsOf = Map.groupBy(cniResults, ({ containerId }) => containerId);
    return sandboxes.flatMap((sandbox): Outcome[] => {
      if (sandbox.state !== 'ready') return [];
      const object = podObject(sandbox, node);
      const [unread] = sandbox.unreadSpecs;
      if (unread !== undefined) {
        const why =
          `the runtime spec ${unread} is not readable: the pod's processes, its containers and the CNI's ` +
          'result show the rest, and a new pod would get a new spec';
        return [unknown(object, why)];
      }
      if (sandbox.network !== 'pod') return [];
      if (!sandbox.stable) return [notApplicable(object, 'the sandbox changed while it was looked at')];
      const path = sandbox.namespacePath === null ? null : canonicalPath(sandbox.namespacePath);
      if (path === null) return [notApplicable(object, 'the runtime records no path (docker)')];
      const pid = PROCESS_PATH.exec(path)?.[1];
      if (pid !== undefined && sandbox.process !== 'running')
        return [notApplicable(object, 'the path is that of its process: see sandbox-process-dead')];
      if (pid !== undefined && sandbox.pid !== null && Number(pid) !== sandbox.pid) {
        return [
          fail(object, {
            detail: `The runtime's path ${path} is that of process ${pid}, but the sandbox runs as ${sandbox.pid}.`,
            confidence: 'probable',
            evidence: [
              {
                what: 'path of the namespace',
                expected: `/proc/${sandbox.pid}/ns/net`,
                actual: path,
                source: "the runtime's sandbox spec",
              },
            ],
            remedy: recreateSandbox(sandbox, pods, node),
          }),
        ];
      }
      const recorded = (resultsOf.get(sandbox.id) ?? []).find(
        (result) =>
          result.namespacePath !== null &&
          // docker's shim gives CNI the process path, which is equally good.
          !PROCESS_PATH.test(result.namespacePath) &&
          canonicalPath(result.namespacePath) !== path,
      );
      if (recorded?.namespacePath == null || pid !== undefined) return [pass(object)];
      const other = pinOf.get(canonicalPath(recorded.namespacePath));
      const live = other !== undefined && isNamespaceFile(other);
      const own = pinOf.get(path);
      // Two paths to the same namespace harm neither pod.
      if (live && own !== undefined && own.inode === other.inode) return [pass(object)];
      return [
        fail(object, {
          detail:
            `The runtime has ${path} on record, but the CNI plugin set up ${recorded.namespacePath} (network ` +
            `${recorded.network}), which ` +
            `${live ? `is another namespace, net:[${other.inode}]` : 'does not exist'}.`,
          confidence: 'confirmed',
          severity: live ? 'high' : 'medium',
          evidence: [
            {
              what: 'path of the namespace',
              expected: path,
              actual: recorded.namespacePath,
              source: `/var/lib/cni/results: ${recorded.network}-${sandbox.id.slice(0, 13)}…-${recorded.interface}`,
            },
            { what: 'path on record', actual: path, source: "the runtime's sandbox spec" },
          ],
          remedy: recreateSandbox(sandbox, pods, node),
        }),
      ];
    });
  },
});
