import { describe, expect, it } from 'vitest';
import { hostNetworkPodIsolated } from '../../../lib/checks/isolation/host-network-pod-isolated.ts';
import { aPod, aSandbox, context, failures, HOST_NAMESPACE } from '../evidence.ts';
import { privileged, twoPods, withContainer } from './parts.ts';

const run = (changes: Parameters<typeof twoPods>[0]) => hostNetworkPodIsolated.run(twoPods(changes), context);
const pod = aPod({ hostNetwork: true });
const onNode = { network: 'node', namespacePath: null, networkNamespace: HOST_NAMESPACE } as const;
const moved = { ...withContainer({ networkNamespace: 4026539999 }), ...onNode };

describe('host-network-pod-isolated', () => {
  it('passes a hostNetwork pod in the network of the node', () => {
    const sandbox = { ...withContainer({ networkNamespace: HOST_NAMESPACE }), ...onNode };
    expect(run({ pod, sandbox })[0]?.result).toBe('pass');
  });

  it('finds one in a namespace of its own', () => {
    const found = failures(run({ pod, sandbox: aSandbox() }));
    expect(found[0]?.detail).toContain(`not in the node's own net:[${HOST_NAMESPACE}]`);
    expect(found[0]?.confidence).toBe('confirmed');
  });

  it('finds one container of it that is elsewhere', () => {
    expect(failures(run({ pod, sandbox: moved }))[0]?.detail).toContain('container main in net:[4026539999]');
  });

  it('only suspects a container that may have left by itself', () => {
    const found = failures(run({ pod: privileged({ hostNetwork: true }), sandbox: moved }));
    expect(found).toMatchObject([{ confidence: 'suspected', severity: 'medium' }]);
  });

  it('does not judge pods with a network of their own', () => {
    expect(run({})[0]?.result).toBe('notApplicable');
  });

  it('does not know where nothing of the pod could be read', () => {
    const sandbox = aSandbox({ ...onNode, networkNamespace: null, containers: [] });
    expect(run({ pod, sandbox })[0]?.result).toBe('unknown');
  });
});
