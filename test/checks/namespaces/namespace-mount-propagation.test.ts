import { describe, expect, it } from 'vitest';
import { namespaceMountPropagation } from '../../../lib/checks/namespaces/namespace-mount-propagation.ts';
import type { Mounts } from '../../../lib/model/evidence.ts';
import { aMounts, aPin, context, failures } from '../evidence.ts';

const directory = (path: string, propagation: string) => ({
  path,
  fileSystem: 'tmpfs',
  propagation,
  root: '/',
});

function run(mounts: Partial<Mounts>) {
  return namespaceMountPropagation.run({ mounts: aMounts(mounts), pins: [aPin()] }, context);
}

describe('namespace-mount-propagation', () => {
  it('passes a pin directory on a shared mount', () => {
    expect(run({})).toMatchObject([{ result: 'pass', object: { name: '/run/netns' } }]);
  });

  it('judges by the nearest mount', () => {
    const directories = [directory('/run', 'private'), directory('/run/netns', 'shared:12')];
    expect(failures(run({ directories }))).toEqual([]);
  });

  it('finds a private mount, and shares it again', () => {
    const [found] = failures(run({ directories: [directory('/run', '')] }));
    expect(found?.detail).toContain('whose propagation is private');
    expect(found?.remedy[0]?.command).toBe('nsenter -t 1 -m -- mount --make-shared /run');
  });

  it('shares it among the mounts of CRI-O, which may be others than those of PID 1', () => {
    const pins = [aPin({ path: '/run/netns/01234567-89ab-cdef-0123-456789abcdef' })];
    const mounts = aMounts({ directories: [directory('/run', '')] });
    const [found] = failures(namespaceMountPropagation.run({ mounts, pins }, context));
    expect(found?.remedy[0]?.command).toBe(
      'nsenter --mount="$(ls /run/kubens/mnt 2>/dev/null || echo /proc/1/ns/mnt)" -- mount --make-shared /run',
    );
  });

  it('does not judge where the runtime mounts in a namespace of its own, or no mount is known', () => {
    const own = { mountNamespace: 5, pid: 9, command: 'crio', containerId: null, inodes: [] };
    expect(run({ directories: [directory('/run', '')], elsewhere: [own] })[0]?.result).toBe('notApplicable');
    expect(run({ directories: [] })[0]?.result).toBe('notApplicable');
  });
});
