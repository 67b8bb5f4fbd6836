import { describe, expect, it } from 'vitest';
import { podSecondaryInterfaceMissing } from '../../../lib/checks/interfaces/pod-secondary-interface-missing.ts';
import { aLink, aLoopback, aPod, aPodNetwork, aStack, context, failures } from '../evidence.ts';

describe('pod-secondary-interface-missing', () => {
  const run = (network = aPodNetwork()) =>
    podSecondaryInterfaceMissing.run({ podNetworks: [network] }, context);
  const networks = 'k8s.v1.cni.cncf.io/networks';
  const status = 'k8s.v1.cni.cncf.io/network-status';
  const both = JSON.stringify([
    { name: 'lab', interface: 'eth0', default: true },
    { name: 'storage/fast', interface: 'net1' },
  ]);

  it('has nothing to judge where no further network was asked for', () => {
    expect(run()[0]?.result).toBe('notApplicable');
  });

  it('passes a pod that has its second interface', () => {
    const stack = aStack({ links: [aLoopback(), aLink(), aLink({ index: 3, name: 'net1' })] });
    expect(
      run(aPodNetwork({ pod: aPod({ annotations: { [networks]: 'fast', [status]: both } }), stack }))[0]
        ?.result,
    ).toBe('pass');
  });

  it('finds a second interface that is gone', () => {
    const [found] = failures(
      run(aPodNetwork({ pod: aPod({ annotations: { [networks]: 'fast', [status]: both } }) })),
    );
    expect(found?.detail).toBe("The pod's namespace lacks net1 (network storage/fast).");
  });

  it('finds a pod that Multus was never asked about', () => {
    const [found] = failures(run(aPodNetwork({ pod: aPod({ annotations: { [networks]: 'fast' } }) })));
    expect(found).toMatchObject({ confidence: 'probable' });
    expect(found?.detail).toContain('wrote no network status');
  });

  it.each([
    ['an empty list', { [networks]: ' [] ' }],
    [
      'a device that a program drives itself (DPDK)',
      {
        [networks]: 'fast',
        [status]: JSON.stringify([
          { name: 'lab', interface: 'eth0', default: true },
          {
            name: 'dpdk',
            interface: 'net1',
            'device-info': { type: 'pci', pci: { 'pci-address': '0000:3b:02.0' } },
          },
        ]),
      },
    ],
  ])('misses no interface for %s', (_, annotations) => {
    expect(failures(run(aPodNetwork({ pod: aPod({ annotations }) })))).toEqual([]);
  });

  it('survives a status that is no JSON', () => {
    expect(
      failures(run(aPodNetwork({ pod: aPod({ annotations: { [networks]: 'fast', [status]: '{' } }) }))),
    ).toHaveLength(1);
  });

  it('does not know without the namespace', () => {
    expect(
      run(aPodNetwork({ pod: aPod({ annotations: { [networks]: 'fast', [status]: both } }), stack: null }))[0]
        ?.result,
    ).toBe('unknown');
  });
});
