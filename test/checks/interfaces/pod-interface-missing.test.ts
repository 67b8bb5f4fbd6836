import { describe, expect, it } from 'vitest';
import { podInterfaceMissing } from '../../../lib/checks/interfaces/pod-interface-missing.ts';
import { aLoopback, aPod, aPodNetwork, aStack, context, failures } from '../evidence.ts';

describe('pod-interface-missing', () => {
  it('passes a pod that has its interface', () => {
    const outcomes = podInterfaceMissing.run({ podNetworks: [aPodNetwork()] }, context);
    expect(outcomes).toEqual([
      { result: 'pass', object: { kind: 'pod', namespace: 'shop', name: 'web-1', node: 'node-1' } },
    ]);
  });

  it('finds a Running pod that has only its loopback, and says how to repair it', () => {
    const broken = aPodNetwork({ stack: aStack({ links: [aLoopback()] }), link: null, hostLink: null });
    const [found] = failures(podInterfaceMissing.run({ podNetworks: [broken] }, context));
    expect(found?.detail).toBe(
      "No interface eth0 in the pod's network namespace, only lo; Kubernetes still shows 10.244.1.2.",
    );
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
    expect(found?.repair).toEqual({ kind: 'recreate-pod', namespace: 'shop', name: 'web-1' });
  });

  it('says to save a bare pod first, as nothing makes it again', () => {
    const broken = aPodNetwork({ pod: aPod({ controller: null }), stack: aStack({ links: [aLoopback()] }) });
    const [found] = failures(podInterfaceMissing.run({ podNetworks: [broken] }, context));
    expect(found?.remedy[0]?.command).toBe('kubectl get pod -n shop web-1 -o yaml > web-1.yaml');
  });

  it('does not judge a pod that has no address yet', () => {
    const stack = aStack({ links: [aLoopback()] });
    const network = aPodNetwork({ pod: aPod({ podIPs: [] }), stack, link: null, hostLink: null });
    expect(podInterfaceMissing.run({ podNetworks: [network] }, context)).toMatchObject([
      { result: 'notApplicable', reason: 'the pod has no address in the API' },
    ]);
  });

  it('does not know when the namespace could not be read', () => {
    const [outcome] = podInterfaceMissing.run({ podNetworks: [aPodNetwork({ stack: null })] }, context);
    expect(outcome).toMatchObject({
      result: 'unknown',
      reason: 'the namespace of the pod could not be read',
    });
  });
});
