import { describe, expect, it } from 'vitest';
import { hostInterfaceInPod } from '../../../lib/checks/interfaces/host-interface-in-pod.ts';
import {
  aCniResult,
  aHostStack,
  aLink,
  aLoopback,
  aPod,
  aPodNetwork,
  aStack,
  context,
  failures,
} from '../evidence.ts';

describe('host-interface-in-pod', () => {
  const run = (network = aPodNetwork()) =>
    hostInterfaceInPod.run({ podNetworks: [network], hostNetwork: aHostStack() }, context);
  const withDevice = (changes: Parameters<typeof aLink>[0]) =>
    aStack({
      links: [aLoopback(), aLink(), aLink({ index: 5, name: 'eth1', kind: null, peer: null, ...changes })],
    });

  it('passes a pod with virtual links only, fallback tunnels included', () => {
    expect(run()[0]?.result).toBe('pass');
    expect(
      run(aPodNetwork({ stack: withDevice({ name: 'tunl0', kind: 'ipip', mac: null }) }))[0]?.result,
    ).toBe('pass');
  });

  it('finds a device of a bus, and gives it back', () => {
    const [found] = failures(
      run(aPodNetwork({ stack: withDevice({ mac: '02:00:00:00:00:09', parentDevice: '0000:00:06.0' }) })),
    );
    expect(found?.detail).toBe("The pod's namespace holds eth1 (02:00:00:00:00:09, 0000:00:06.0).");
    expect(found?.remedy[0]?.command).toBe('nsenter --net=/run/netns/cni-1 ip link set eth1 netns 1');
  });

  it('finds a link with the MAC of a device of the node', () => {
    expect(failures(run(aPodNetwork({ stack: withDevice({ mac: '02:00:00:00:00:01' }) })))).toHaveLength(1);
  });

  it('leaves a device alone that the CNI plugin gave to the pod', () => {
    const interfaces = [{ name: 'eth1', mac: null, inPod: true }];
    const stack = withDevice({ parentDevice: '0000:00:06.0' });
    expect(run(aPodNetwork({ stack, results: [aCniResult({ interfaces })] }))[0]?.result).toBe('pass');
  });

  it('leaves pods alone that asked for a device', () => {
    const stack = withDevice({ parentDevice: '0000:00:06.0' });
    expect(
      run(aPodNetwork({ stack, pod: aPod({ annotations: { 'k8s.v1.cni.cncf.io/networks': 'sriov' } }) }))[0]
        ?.result,
    ).toBe('notApplicable');
    expect(run(aPodNetwork({ stack, results: [aCniResult({ plugins: ['host-device'] })] }))[0]?.result).toBe(
      'notApplicable',
    );
  });

  it('does not know without the namespace', () => {
    expect(run(aPodNetwork({ stack: null }))[0]?.result).toBe('unknown');
  });
});
