import { foreignName, isNamespaceFile } from '../../computed/pods/ownership.ts';
import { mountsByPath, pinObject, readySandboxesByPath } from '../../computed/pods/pinned-sandboxes.ts';
import type { Pin } from '../../model/evidence.ts';
import { canonicalPath } from '../../model/path.ts';
import { defineCheck, type Failure, fail, notApplicable, pass } from '../define.ts';
import { amongMounts } from '../remedies/among-mounts.ts';
import { recreateSandbox } from '../remedies/sandbox.ts';
import { command, repairOnNode } from '../remedies/steps.ts';

/** The file exists before the namespace is mounted on it. */
const CREATION_SECONDS = 60;

/** `ip netns list` still shows the name and exits 0; entering it fails with EINVAL (moby#27277, plugins#69). */
export const namespacePinInvalid = defineCheck({
  id: 'namespace-pin-invalid',
  topic: 'namespaces',
  severity: 'high',
  title: 'Every pin is a namespace',
  failureTitle: 'Pin is a plain file, not a namespace',
  why:
    'The runtime can no longer enter or release the namespace by its path: it reports the sandbox as ' +
    'closed, the kubelet kills the pod and recreates it, and deletion of the pod leaves links and ' +
    'addresses behind.',
  needs: ['pins', 'namespaces', 'sandboxes', 'pods'],
  run({ pins, namespaces, sandboxes, pods }, { node, now, settleSeconds }) {
    const byPath = readySandboxesByPath(sandboxes);
    const mountedAt = mountsByPath(namespaces);
    return pins
      .filter((pin) => !pin.mode.startsWith('d'))
      .map((pin) => {
        const sandbox = byPath.get(canonicalPath(pin.path));
        const object = pinObject(pin.path, sandbox, node);
        if (isNamespaceFile(pin)) return pass(object);
        if (mountedAt(pin.path, pin).length > 0)
          return notApplicable(
            object,
            'a namespace is mounted there, but hidden: see namespace-pin-shadowed',
          );
        const age = (now - Date.parse(pin.modifiedAt)) / 1000;
        if (sandbox === undefined && age < Math.min(CREATION_SECONDS, settleSeconds.orphan))
          return notApplicable(object, 'the file was only just created: the mount may follow');
        if (sandbox === undefined && foreignName(pin.path) !== null)
          return notApplicable(object, `the name of ${foreignName(pin.path)}`);
        const among = amongMounts([pin.path]);
        const docker = canonicalPath(pin.path).startsWith('/run/docker/');
        return fail(object, {
          detail:
            `${pin.path} is a file on ${pin.fileSystem} (mode ${pin.mode}), not a namespace; ` +
            `${sandbox === undefined ? 'no ready sandbox uses it' : `sandbox ${sandbox.id.slice(0, 13)} of the pod needs it`}.`,
          confidence: sandbox === undefined ? 'probable' : 'confirmed',
          severity: sandbox === undefined ? (docker ? 'low' : 'medium') : 'high',
          evidence: [
            {
              what: 'file system of the pin',
              expected: 'nsfs',
              actual: `${pin.fileSystem}, mode ${pin.mode}, changed ${pin.modifiedAt}`,
              source: `stat -f /proc/1/root${pin.path}`,
            },
            {
              what: 'mounts at the path',
              expected: 'one of nsfs',
              actual: 'none',
              source: '/proc/1/mountinfo',
            },
          ],
          remedy:
            sandbox === undefined
              ? [
                  repairOnNode(
                    node,
                    'remove the file, if it is still a plain one (the runtime may have done so itself)',
                    `type="$(${among} stat -f -c %T ${command(pin.path)})" && test "$type" != nsfs && ${among} rm ${command(pin.path)}`,
                  ),
                ]
              : recreateSandbox(sandbox, pods, node),
          ...(sandbox === undefined && removal(pin)),
        });
      });
  },
});

/** Of a file under the name of one of containerd's pins; others stay to people. */
function removal({ path, inode, modifiedAt }: Pin): Pick<Failure, 'repair'> {
  const name = canonicalPath(path).replace(/^\/run\/netns\//, '');
  return { repair: { kind: 'delete-pins', name, inode, made: Math.floor(Date.parse(modifiedAt) / 1000) } };
}
