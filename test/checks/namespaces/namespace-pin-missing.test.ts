import { describe, expect, it } from 'vitest';
import { namespacePinMissing } from '../../../lib/checks/namespaces/namespace-pin-missing.ts';
import type { Sandbox, Sources } from '../../../lib/model/evidence.ts';
import { aMounts, aNamespace, aPin, aPod, aSandbox, context, failures, POD_NAMESPACE } from '../evidence.ts';

function run(changes: Partial<Sandbox>, sources: Partial<Sources> = {}) {
  return namespacePinMissing.run(
    {
      sandboxes: [aSandbox(changes)],
      pins: [],
      namespaces: [aNamespace({ pins: [] })],
      mounts: aMounts(),
      pods: [aPod()],
      ...sources,
    },
    context,
  );
}

describe('namespace-pin-missing', () => {
  it('passes a sandbox whose pin is there, by either name of the directory', () => {
    expect(run({ namespacePath: '/var/run/netns/cni-1' }, { pins: [aPin()] })[0]?.result).toBe('pass');
  });

  it('finds a running sandbox whose pin was deleted', () => {
    const [found] = failures(run({}));
    expect(found).toMatchObject({ confidence: 'confirmed', object: { kind: 'pod', name: 'web-1' } });
    expect(found?.detail).toContain('/run/netns/cni-1 does not exist');
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('leaves what a pod on its way out, or one that is gone, still has to the checks about that', () => {
    const deleted = [aPod({ deletionTimestamp: '2026-11-20T01:59:00Z' })];
    expect(run({}, { pods: deleted })).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('sandbox-stuck-terminating') },
    ]);
    expect(run({}, { pods: [] })).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('sandbox-ghost') },
    ]);
  });

  it('stops the sandbox of a static pod whose mirror the API does not have', () => {
    const [found] = failures(run({ uid: '0123456789abcdef0123456789abcdef' }, { pods: [] }));
    expect(found?.remedy[0]?.command).toBe(`crictl stopp ${'a'.repeat(64)}`);
  });

  it.each<[string, Partial<Sandbox>, Partial<Sources>]>([
    ['docker, which pins elsewhere', { namespacePath: '/proc/1000/ns/net' }, {}],
    ['a runtime that records no path', { namespacePath: null }, {}],
    ['a directory that the probe does not read', { namespacePath: '/srv/netns/x' }, {}],
    ['a hidden mount', {}, { namespaces: [aNamespace()] }],
    ['a sandbox that changed meanwhile', { stable: false }, {}],
    ['a young sandbox', { createdAt: '2026-11-20T01:58:00Z' }, {}],
    [
      'CRI-O with mounts of its own',
      {},
      {
        mounts: aMounts({
          elsewhere: [
            { mountNamespace: 5, pid: 9, command: 'crio', containerId: null, inodes: [POD_NAMESPACE] },
          ],
        }),
      },
    ],
  ])('does not judge %s', (_, changes, sources) => {
    expect(run(changes, sources)[0]?.result).toBe('notApplicable');
  });

  it('says nothing of hostNetwork pods and stopped sandboxes', () => {
    expect([...run({ network: 'node' }), ...run({ state: 'stopped' })]).toEqual([]);
  });
});
