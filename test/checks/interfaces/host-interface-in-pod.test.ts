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

  it.each([
    ['a link without a kind, with a MAC address that the node does not have', {}],
    ['a macvlan over a device', { kind: 'macvlan', parentDevice: '0000:00:06.0' }],
    ['a veth with the MAC address of a device of the node', { kind: 'veth', mac: '02:00:00:00:00:01' }],
  ])('passes a pod with %s', (_, changes) => {
    expect(run(aPodNetwork({ stack: withDevice({ mac: '02:00:00:00:77:77', ...changes }) }))).toMatchObject([
      { result: 'pass' },
    ]);
  });

  it('finds a device that a CNI result lists on the side of the node', () => {
    const interfaces = [{ name: 'eth1', mac: null, inPod: false }];
    const stack = withDevice({ parentDevice: '0000:00:06.0' });
    expect(failures(run(aPodNetwork({ stack, results: [aCniResult({ interfaces })] })))).toHaveLength(1);
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
    const interfaces = [
      { name: 'eth0', mac: null, inPod: true },
      { name: 'eth1', mac: null, inPod: true },
    ];
    const stack = withDevice({ parentDevice: '0000:00:06.0' });
    const results = [aCniResult(), aCniResult({ interfaces })];
    expect(run(aPodNetwork({ stack, results }))[0]?.result).toBe('pass');
  });

  it('leaves pods alone that asked for a device', () => {
    const stack = withDevice({ parentDevice: '0000:00:06.0' });
    expect(
      run(aPodNetwork({ stack, pod: aPod({ annotations: { 'k8s.v1.cni.cncf.io/networks': 'sriov' } }) }))[0]
        ?.result,
    ).toBe('notApplicable');
    expect(
      run(
        aPodNetwork({ stack, results: [aCniResult(), aCniResult({ plugins: ['tuning', 'host-device'] })] }),
      )[0]?.result,
    ).toBe('notApplicable');
  });

  it('does not know without the namespace', () => {
    expect(run(aPodNetwork({ stack: null }))[0]?.result).toBe('unknown');
  });
});
