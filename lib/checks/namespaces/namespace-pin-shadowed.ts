import { directoryOf, isNamespaceFile } from '../../computed/pods/ownership.ts';
import { mountsByPath, readySandboxesByPath } from '../../computed/pods/pinned-sandboxes.ts';
import type { Mounts } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { canonicalPath } from '../../model/path.ts';
import { listed } from '../../model/text.ts';
import { defineCheck, fail, pass } from '../define.ts';
import { amongMounts } from '../remedies/among-mounts.ts';
import { drainAndReboot } from '../remedies/node.ts';
import { command, look, lookOnNode } from '../remedies/steps.ts';

/** A mount over the directory hides the pins below: mountinfo shows them, a lookup does not (cri-o#9927). */
export const namespacePinShadowed = defineCheck({
  id: 'namespace-pin-shadowed',
  topic: 'namespaces',
  severity: 'high',
  title: 'Pins are not hidden by another mount',
  failureTitle: 'Pins are hidden under another mount',
  why:
    'The namespaces live on, but their paths no longer lead to them: the runtime cannot enter them, ' +
    'release their addresses or delete their pods, and all pods of the directory are affected at once.',
  needs: ['pins', 'namespaces', 'sandboxes', 'mounts'],
  run({ pins, namespaces, sandboxes, mounts }, { node }) {
    const sandboxOf = readySandboxesByPath(sandboxes);
    const mountedAt = mountsByPath(namespaces);
    const stackedOn = Map.groupBy(mounts.directories, ({ path }) => canonicalPath(path));
    const pinOf = new Map(pins.map((pin) => [canonicalPath(pin.path), pin]));
    const paths = new Set([
      ...pinOf.keys(),
      ...namespaces.filter(({ host }) => !host).flatMap((namespace) => namespace.pins.map(canonicalPath)),
    ]);
    const directories = Map.groupBy(paths, directoryOf);
    return [...directories].map(([directory, inside]) => {
      const object = { kind: 'file', name: directory, node } as const;
      const shadowed = inside.flatMap((path) => {
        const pin = pinOf.get(path);
        const mounted = mountedAt(path, pin);
        // A namespace may be mounted twice at its path, for example after `ip netns add`: only what a lookup
        // finds counts.
        const found = pin !== undefined && isNamespaceFile(pin) && mounted.includes(pin.inode);
        // Nothing is at the path, and no sandbox needs it: a mount of the tree below, as on nodes that are
        // containers.
        const matters = pin !== undefined || sandboxOf.has(path);
        return mounted.length > 0 && !found && matters ? [{ path, pin, mounted }] : [];
      });
      const [first] = shadowed;
      if (first === undefined) return pass(object);
      const pods = shadowed.flatMap(({ path }) => {
        const sandbox = sandboxOf.get(path);
        return sandbox === undefined ? [] : [namespacedName(sandbox)];
      });
      return fail(object, {
        detail:
          `${shadowed.length} of ${inside.length} pins in ${directory} are mounted but ` +
          `hidden${pods.length > 0 ? `, those of ${listed(pods)} among them` : ''}: ${first.path} should be ` +
          `net:[${first.mounted.join(', ')}], and a lookup finds ` +
          `${first.pin === undefined ? 'nothing' : `${first.pin.fileSystem} (inode ${first.pin.inode})`}.`,
        confidence: 'confirmed',
        severity: pods.length > 0 ? 'high' : 'medium',
        evidence: [
          {
            what: `mounted at ${first.path}`,
            actual: `net:[${first.mounted.join(', ')}]`,
            source: '/proc/1/mountinfo',
          },
          {
            what: 'found by a lookup of the path',
            expected: 'the same, on nsfs',
            actual: first.pin === undefined ? 'nothing' : `${first.pin.fileSystem}, inode ${first.pin.inode}`,
            source: `stat /proc/1/root${first.path}`,
          },
          {
            what: 'mounts over the directory',
            actual: over(stackedOn.get(directory) ?? []),
            source: '/proc/1/mountinfo',
          },
        ],
        remedy: [
          look(
            `Find what mounted over ${directory}: a program that ran "mount --bind" or an old "ip netns add" ` +
              'there, or a pod with Bidirectional mount propagation. Do not simply unmount it: pins created ' +
              'since then are on top.',
          ),
          lookOnNode(
            node,
            'look at the stack of mounts',
            `${amongMounts(inside)} findmnt -R ${command(directory)}`,
          ),
          ...drainAndReboot(node),
        ],
      });
    });
  },
});

function over(stacked: Mounts['directories']): string {
  return stacked.map(({ fileSystem, root }) => `${fileSystem} ${root}`).join(', ') || 'none of its own';
}
