import { describe, expect, it } from 'vitest';
import { podInHostNetwork } from '../../../lib/checks/isolation/pod-in-host-network.ts';
import { aPin, aPod, aSandbox, context, failures, HOST_NAMESPACE } from '../evidence.ts';
import { privileged, twoPods, withContainer } from './parts.ts';

const run = (changes: Parameters<typeof twoPods>[0]) => podInHostNetwork.run(twoPods(changes), context);

describe('pod-in-host-network', () => {
  it('passes pods that are in namespaces of their own', () => {
    expect(run({}).map(({ result }) => result)).toEqual(['pass', 'pass']);
  });

  it('finds a pod whose sandbox runs in the network of the node', () => {
    const found = failures(run({ sandbox: aSandbox({ networkNamespace: HOST_NAMESPACE }) }));
    expect(found).toMatchObject([{ object: { name: 'web-1' }, confidence: 'confirmed' }]);
    expect(found[0]?.detail).toContain(`pause process 1000 in net:[${HOST_NAMESPACE}]`);
    expect(found[0]?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('finds a pod that the runtime made without a network of its own', () => {
    const sandbox = aSandbox({ network: 'node', namespacePath: null, networkNamespace: HOST_NAMESPACE });
    expect(failures(run({ sandbox }))).toHaveLength(1);
  });

  it('finds a pin that was covered by the namespace of the node: the next container is started there', () => {
    const found = failures(run({ pin: aPin({ inode: HOST_NAMESPACE }) }));
    expect(found[0]?.detail).toContain('path /run/netns/cni-1');
  });

  it('finds one container that moved, though the pod itself stayed', () => {
    const found = failures(run({ sandbox: withContainer({ networkNamespace: HOST_NAMESPACE }) }));
    expect(found[0]?.detail).toContain('container main');
    expect(found[0]?.severity).toBeUndefined();
  });

  it('only suspects a privileged container with hostPID, which can go there by itself', () => {
    const found = failures(
      run({
        pod: privileged({ hostPID: true }),
        sandbox: withContainer({ networkNamespace: HOST_NAMESPACE }),
      }),
    );
    expect(found).toMatchObject([{ confidence: 'suspected', severity: 'medium' }]);
  });

  it.each([
    ['hostNetwork', { pod: aPod({ hostNetwork: true }) }, /asked for/],
    ['a pod that did not hold still', { pod: aPod({ unsettled: 'it is being deleted' }) }, /being deleted/],
    ['a virtual machine', { sandbox: aSandbox({ runtimeHandler: 'kata-qemu' }) }, /kata-qemu/],
    ['a pod without a ready sandbox', { sandbox: aSandbox({ state: 'stopped' }) }, /sandbox-missing/],
    ['a sandbox that changed', { sandbox: aSandbox({ stable: false }) }, /changed/],
  ])('does not judge %s', (_, changes, reason) => {
    expect(run(changes)[0]).toMatchObject({ result: 'notApplicable', reason: expect.stringMatching(reason) });
  });

  it('does not know where nothing of the pod could be read', () => {
    const sandbox = aSandbox({ namespacePath: null, networkNamespace: null, containers: [] });
    expect(run({ sandbox })[0]?.result).toBe('unknown');
  });

  it('leaves Completed pods out', () => {
    expect(run({ pod: aPod({ phase: 'Succeeded' }) })).toHaveLength(1);
  });
});
