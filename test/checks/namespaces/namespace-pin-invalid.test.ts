import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { namespacePinInvalid } from '../../../lib/checks/namespaces/namespace-pin-invalid.ts';
import type { Pin } from '../../../lib/model/evidence.ts';
import { aNamespace, aPin, aPod, aSandbox, context, failures } from '../evidence.ts';

const plain = { fileSystem: 'tmpfs', inode: 99, mode: '----------', mounted: [] };

function run(changes: Partial<Pin>, namespaces = [aNamespace({ pins: [] })]) {
  const sources = { pins: [aPin(changes)], namespaces, sandboxes: [aSandbox()], pods: [aPod()] };
  return namespacePinInvalid.run(sources, context);
}

describe('namespace-pin-invalid', () => {
  it('passes a pin that is a namespace, on nsfs or on proc of old kernels', () => {
    expect(run({})[0]).toMatchObject({ result: 'pass', object: { kind: 'pod', name: 'web-1' } });
    expect(run({ fileSystem: 'proc' })[0]?.result).toBe('pass');
  });

  it('finds the plain file where the sandbox of a running pod should have its namespace', () => {
    const [found] = failures(run(plain));
    expect(found).toMatchObject({ severity: 'high', confidence: 'confirmed', object: { name: 'web-1' } });
    expect(found?.detail).toContain('is a file on tmpfs (mode ----------)');
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('finds a leftover file that nothing uses, and removes it only if it still is a plain one', () => {
    const [found] = failures(run({ ...plain, path: '/run/netns/cni-old' }));
    expect(found).toMatchObject({ severity: 'medium', object: { kind: 'file', name: '/run/netns/cni-old' } });
    const remove = found?.remedy[0]?.command ?? '';
    expect(remove).toMatch(/!= nsfs && nsenter -t 1 -m -- rm \S+cni-old$/);
    execFileSync('sh', ['-n'], { input: remove });
  });

  it('lets the tool remove one with a name of containerd, and no other', () => {
    const name = 'cni-00000000-0000-4000-8000-00000000000a';
    const repairOf = (path: string) => failures(run({ ...plain, path }))[0]?.repair;
    expect(repairOf(`/var/run/netns/${name}`)).toEqual({
      kind: 'delete-pins',
      name,
      inode: 99,
      made: expect.any(Number),
    });
    for (const other of ['/run/netns/cni-old', `/run/docker/netns/${name}`, `/run/netns/../${name}`])
      expect(repairOf(other)).toBeNull();
    // A pod needs this one: it is recreated.
    expect(failures(run(plain))[0]?.repair).toMatchObject({ kind: 'recreate-pod' });
  });

  it('removes it where CRI-O has its mounts, which may be others than those of PID 1', () => {
    const path = '/run/netns/01234567-89ab-cdef-0123-456789abcdef';
    const [found] = failures(run({ ...plain, path }));
    const among = 'nsenter --mount="$(ls /run/kubens/mnt 2>/dev/null || echo /proc/1/ns/mnt)" --';
    // If stat fails, as in the wrong mount namespace, nothing is removed.
    expect(found?.remedy[0]?.command).toBe(
      `type="$(${among} stat -f -c %T ${path})" && test "$type" != nsfs && ${among} rm ${path}`,
    );
  });

  it('takes docker’s leftovers lightly', () => {
    expect(failures(run({ ...plain, path: '/run/docker/netns/0123456789ab' }))[0]?.severity).toBe('low');
  });

  it.each<[string, Partial<Pin>]>([
    ['a mount that is hidden', { ...plain, mounted: [4026532400] }],
    [
      'a file that was only just made',
      { ...plain, path: '/run/netns/cni-new', modifiedAt: '2026-11-20T01:59:30Z' },
    ],
    ['a name of another program', { ...plain, path: '/run/netns/cilium-health' }],
  ])('leaves %s', (_, changes) => {
    expect(run(changes)[0]?.result).toBe('notApplicable');
  });
});
