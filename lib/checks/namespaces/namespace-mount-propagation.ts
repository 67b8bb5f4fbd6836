import type { Mounts } from '../../model/evidence.ts';
import { defineCheck, fail, notApplicable, pass } from '../define.ts';
import { command, repair, repairOnNode } from '../remedies.ts';
import { amongMounts } from './among-mounts.ts';
import { canonicalPath, directoryOf } from './ownership.ts';

/** Kubernetes needs shared mounts; a private one hides new pins from every agent (cri-o#9927). */
export const namespaceMountPropagation = defineCheck({
  id: 'namespace-mount-propagation',
  topic: 'namespaces',
  severity: 'medium',
  title: 'Mounts of the pin directories are shared',
  failureTitle: 'Pin directory is on a private mount',
  why: 'Agents of CNI plugins and meshes see a new namespace only if the mount that carries its pin is shared. On a private one they find an empty file, and their pods start without network or policy.',
  needs: ['mounts', 'pins'],
  run({ mounts, pins }, { node }) {
    const directories = Map.groupBy(pins, ({ path }) => directoryOf(canonicalPath(path)));
    return [...directories].map(([directory, inside]) => {
      const object = { kind: 'file', name: directory, node } as const;
      const mount = carrying(directory, mounts.directories);
      if (mount === undefined) return notApplicable(object, 'it is on no mount that the probe saw');
      // `master:N` alone receives mounts, but does not hand on the pins that the runtime makes.
      if (mount.propagation.includes('shared')) return pass(object);
      const own = mounts.elsewhere.find(
        ({ command: name, containerId }) => containerId === null && /^(crio|kubelet|containerd)/.test(name),
      );
      if (own !== undefined)
        return notApplicable(object, `the runtime (${own.command}) mounts in a namespace of its own`);
      return fail(object, {
        detail: `${directory} is on the mount ${mount.path} (${mount.fileSystem}), whose propagation is ${mount.propagation || 'private'}, not shared.`,
        confidence: 'probable',
        evidence: [
          {
            what: `propagation of ${mount.path}`,
            expected: 'shared',
            actual: mount.propagation || 'private',
            source: '/proc/1/mountinfo',
          },
        ],
        remedy: [
          repairOnNode(
            node,
            'share it again, until the next boot',
            `${amongMounts(inside.map(({ path }) => path))} mount --make-shared ${command(mount.path)}`,
          ),
          repair(
            'Then restart the agents that mount it (CNI, mesh), so that they join the shared mount, and find what made it private: systemd shares all mounts at boot.',
          ),
        ],
      });
    });
  },
});

/** The mount on which files of the directory lie: the longest path above it, the uppermost where they are stacked. */
function carrying(
  directory: string,
  mounts: Mounts['directories'],
): Mounts['directories'][number] | undefined {
  const above = mounts.filter(({ path }) => {
    const mountPoint = canonicalPath(path);
    return mountPoint === '/' || directory === mountPoint || directory.startsWith(`${mountPoint}/`);
  });
  const longest = Math.max(...above.map(({ path }) => canonicalPath(path).length));
  return above.findLast(({ path }) => canonicalPath(path).length === longest);
}
