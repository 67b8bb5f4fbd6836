import { describe, expect, it } from 'vitest';
import { namespacePinShadowed } from '../../../lib/checks/namespaces/namespace-pin-shadowed.ts';
import type { Pin } from '../../../lib/model/evidence.ts';
import { aMounts, aNamespace, aPin, aSandbox, context, failures, POD_NAMESPACE } from '../evidence.ts';

function run(pins: Pin[]) {
  const sources = { pins, namespaces: [aNamespace()], sandboxes: [aSandbox()], mounts: aMounts() };
  return namespacePinShadowed.run(sources, context);
}

describe('namespace-pin-shadowed', () => {
  it('passes pins that a lookup finds, even when mounted twice', () => {
    expect(run([aPin({ mounted: [POD_NAMESPACE, POD_NAMESPACE] })])).toMatchObject([
      { result: 'pass', object: { kind: 'file', name: '/run/netns' } },
    ]);
  });

  it('finds pins that are mounted while a lookup finds a plain file: one finding for the directory', () => {
    const [found, ...more] = failures(run([aPin({ fileSystem: 'tmpfs', inode: 99 })]));
    expect(more).toEqual([]);
    expect(found).toMatchObject({
      severity: 'high',
      confidence: 'confirmed',
      object: { name: '/run/netns' },
    });
    expect(found?.detail).toContain('shop/web-1');
    expect(found?.remedy.map(({ command = '' }) => command).join()).toContain('kubectl drain node-1');
  });

  it('finds pins that an empty directory hides altogether', () => {
    expect(failures(run([]))[0]?.detail).toContain('a lookup finds nothing');
  });

  it('leaves mounts below that nobody needs, as a node that is a container has', () => {
    const below = aNamespace({ inode: 4026533444, pins: ['/run/netns/outer'] });
    const sources = { namespaces: [aNamespace(), below], sandboxes: [aSandbox()], mounts: aMounts() };
    expect(failures(namespacePinShadowed.run({ ...sources, pins: [aPin()] }, context))).toEqual([]);
  });

  it('finds another namespace on top of the right one', () => {
    expect(failures(run([aPin({ inode: 4026533333 })]))).toHaveLength(1);
  });

  it('leaves a plain file with no mount to namespace-pin-invalid', () => {
    const sources = {
      pins: [aPin({ fileSystem: 'tmpfs', inode: 99, mounted: [] })],
      namespaces: [aNamespace({ pins: [] })],
      sandboxes: [aSandbox()],
      mounts: aMounts(),
    };
    expect(failures(namespacePinShadowed.run(sources, context))).toEqual([]);
  });
});
