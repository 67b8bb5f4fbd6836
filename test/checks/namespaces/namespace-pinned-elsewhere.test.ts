import { describe, expect, it } from 'vitest';
import { namespacePinnedElsewhere } from '../../../lib/checks/namespaces/namespace-pinned-elsewhere.ts';
import type { Mounts, Sources } from '../../../lib/model/evidence.ts';
import { aHost, aMounts, anEvent, aPin, aPod, context, failures, POD_NAMESPACE } from '../evidence.ts';

function run(changes: Partial<Mounts['elsewhere'][number]> | null, sources: Partial<Sources> = {}) {
  const copy = {
    mountNamespace: 4026533500,
    pid: 55,
    command: 'cadvisor',
    containerId: 'c'.repeat(64),
    inodes: [POD_NAMESPACE],
  };
  const mounts = aMounts({ elsewhere: changes === null ? [] : [{ ...copy, ...changes }] });
  return namespacePinnedElsewhere.run(
    { mounts, pins: [aPin()], host: aHost(), pods: [aPod()], events: [], ...sources },
    context,
  );
}

describe('namespace-pinned-elsewhere', () => {
  it('passes a node without copies', () => {
    expect(run(null)).toMatchObject([{ result: 'pass', object: { kind: 'node' } }]);
  });

  it('names the pod that holds copies, lightly on a kernel that detaches them', () => {
    const [found] = failures(run({}));
    expect(found).toMatchObject({
      severity: 'low',
      confidence: 'suspected',
      object: { kind: 'pod', namespace: 'shop', name: 'web-1' },
    });
    expect(found?.remedy.some(({ text }) => text.includes('HostToContainer'))).toBe(true);
  });

  it('is high on RHEL 7, with the setting that helps', () => {
    const [found] = failures(run({}, { host: aHost({ kernelRelease: '3.10.0-1160.el7.x86_64' }) }));
    expect(found?.severity).toBe('high');
    expect(found?.remedy.at(-1)?.command).toBe('sysctl -w fs.may_detach_mounts=1');
  });

  it.each([
    ['2.6.32-754', 'high'],
    ['3.17.8', 'high'],
    ['3.18.0', 'low'],
    ['4.4.0', 'low'],
  ])('is, on kernel %s, %s', (kernelRelease, severity) => {
    expect(failures(run({}, { host: aHost({ kernelRelease }) }))).toMatchObject([{ severity }]);
  });

  it('finds a process of the node that is no runtime, and a pod whose process has the name of one', () => {
    expect(failures(run({ containerId: null }))).toMatchObject([
      { object: { kind: 'process', name: 'cadvisor' } },
    ]);
    expect(failures(run({ command: 'crio' }))).toMatchObject([{ object: { kind: 'pod', name: 'web-1' } }]);
  });

  it('is high and confirmed when a deletion failed for it', () => {
    const events = [
      anEvent({ reason: 'FailedSync', message: 'unlinkat /run/netns/cni-1: device or resource busy' }),
    ];
    expect(failures(run({}, { events }))[0]).toMatchObject({ severity: 'high', confidence: 'confirmed' });
  });

  it('leaves the runtime’s own mount namespace and namespaces that a container made itself', () => {
    expect(run({ command: 'crio', containerId: null })[0]?.result).toBe('notApplicable');
    expect(run({ inodes: [4026533999] })[0]?.result).toBe('notApplicable');
  });
});
