import { directoryOf } from '../../computed/pods/ownership.ts';
import { canonicalPath } from '../../model/path.ts';
import { defineCheck, fail, notApplicable, pass } from '../define.ts';
import { amongMounts } from '../remedies/among-mounts.ts';
import { command, repair, repairOnNode } from '../remedies/steps.ts';

/** Kubernetes needs shared mounts; a private one hides new pins from every agent (cri-o#9927). */
export const namespaceMountPropagation = defineCheck({
  id: 'namespace-mount-propagation',
  topic: 'namespaces',
  severity: 'medium',
  title: 'Mounts of the pin directories are shared',
  failureTitle: 'Pin directory is on a private mount',
  why:
    'Agents of CNI plugins and meshes see a new namespace only if the mount that carries its pin is ' +
    'shared. On a private one they find an empty file, and their pods start without network or policy.',
  needs: ['mounts', 'pins'],
  run({ mounts, pins }, { node }) {
    const directories = Map.groupBy(pins, ({ path }) => directoryOf(canonicalPath(path)));
    const uppermost = new Map(mounts.directories.map((mount) => [canonicalPath(mount.path), mount]));
    return [...directories].map(([directory, inside]) => {
      const object = { kind: 'file', name: directory, node } as const;
      const mount = carrying(directory, uppermost);
      if (mount === undefined) return notApplicable(object, 'it is on no mount that the probe saw');
      // A `master:N` mount only receives mounts; it does not pass on the pins that the runtime creates.
      if (mount.propagation.includes('shared')) return pass(object);
      const own = mounts.elsewhere.find(
        ({ command: name, containerId }) => containerId === null && /^(crio|kubelet|containerd)/.test(name),
      );
      if (own !== undefined)
        return notApplicable(object, `the runtime (${own.command}) mounts in its own namespace`);
      return fail(object, {
        detail:
          `${directory} is on the mount ${mount.path} (${mount.fileSystem}), whose propagation is ` +
          `${mount.propagation || 'private'}, not shared.`,
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
            'Then restart the agents that mount it (CNI, mesh), so that they join the shared mount, and find ' +
              'what made it private: systemd shares all mounts at boot.',
          ),
        ],
      });
    });
  },
});

/** The mount that holds the files of the directory: the longest matching path, and the topmost of stacked mounts. */
function carrying<Mount>(directory: string, uppermost: ReadonlyMap<string, Mount>): Mount | undefined {
  for (let path = directory; path !== '/' && path !== ''; path = path.slice(0, path.lastIndexOf('/'))) {
    const mount = uppermost.get(path);
    if (mount !== undefined) return mount;
  }
  return uppermost.get('/');
}
