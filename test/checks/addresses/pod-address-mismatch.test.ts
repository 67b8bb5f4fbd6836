import { describe, expect, it } from 'vitest';
import { podAddressMismatch } from '../../../lib/checks/addresses/pod-address-mismatch.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import type { Route } from '../../../lib/model/network.ts';
import { anAddress, aPod, aPodNetwork, aRoute, aStack, context, failures } from '../evidence.ts';

const run = (...podNetworks: PodNetwork[]) => podAddressMismatch.run({ podNetworks }, context);
const changed = aStack({ addresses: [anAddress({ address: '10.244.1.9' })] });

describe('pod-address-mismatch', () => {
  it('passes a pod that holds its address, and others beside it', () => {
    const stack = aStack({ addresses: [anAddress(), anAddress({ address: '10.244.1.9' })] });
    expect(run(aPodNetwork())[0]?.result).toBe('pass');
    expect(run(aPodNetwork({ stack }))[0]?.result).toBe('pass');
  });

  it('finds another address, and says that the interface was changed since', () => {
    const [found] = failures(run(aPodNetwork({ stack: changed })));
    expect(found?.detail).toBe(
      'eth0 holds 10.244.1.9, but the IPv4 address of the pod in the API is 10.244.1.2. The CNI plugin set up what the API shows: somebody changed it since.',
    );
    expect(found?.confidence).toBe('confirmed');
  });

  it('says that the API is wrong where the CNI result agrees with the interface', () => {
    const [found] = failures(run(aPodNetwork({ pod: aPod({ podIPs: ['10.244.1.77'] }) })));
    expect(found?.detail).toContain('the API is wrong');
  });

  it('tells of the one family that differs', () => {
    const pod = aPod({ podIPs: ['10.244.1.2', 'fd00:1::2'] });
    const v6 = anAddress({ family: 6, address: 'fd00:1::9', prefixLength: 64 });
    const [found] = failures(run(aPodNetwork({ pod, stack: aStack({ addresses: [anAddress(), v6] }) })));
    expect(found?.detail).toMatch(
      /^eth0 holds fd00:1::9, but the IPv6 address of the pod in the API is fd00:1::2\./,
    );
  });

  describe('routes with a source', () => {
    const from = (address: string, changes: Partial<Route> = {}) =>
      aPodNetwork({ stack: aStack({ routes: [aRoute({ from: address, ...changes })] }) });

    it('finds a default route that sends from an address that nobody gave to the pod', () => {
      const [found] = failures(run(from('10.77.0.9')));
      expect(found?.detail).toBe(
        'What the pod sends by default via 10.244.1.1 dev eth0 src 10.77.0.9 does not come from its own address 10.244.1.2, so answers may go elsewhere.',
      );
      // Somebody may route it to the pod.
      expect(found?.confidence).toBe('probable');
    });

    it('finds one that sends from a second address in another subnet', () => {
      const second = anAddress({ address: '10.77.0.9' });
      const network = from('10.77.0.9');
      const stack = aStack({ routes: network.stack?.routes ?? [], addresses: [anAddress(), second] });
      expect(failures(run({ ...network, stack }))).toHaveLength(1);
    });

    it.each<[string, PodNetwork]>([
      ['its own', from('10.244.1.2')],
      ['over another link', from('10.77.0.9', { link: 'net1' })],
      ['of another table', from('10.77.0.9', { table: '100' })],
      [
        'that the kernel added for a second address',
        from('10.77.0.9', { destination: '10.77.0.0/24', gateway: null, scope: 'link' }),
      ],
      // As an address of the pod's subnet, the node finds it.
      ['of a second address beside its own', from('10.244.1.200')],
      [
        'of a family in which nobody gave it an address',
        from('fd00::abcd', { family: 6, destination: '::/0', gateway: 'fd00::1' }),
      ],
    ])('passes a source %s', (_, network) => {
      expect(run(network)).toMatchObject([{ result: 'pass' }]);
    });

    it.each(['app', 'init'] as const)('passes what a container may have set: %s', (role) => {
      const containers = aPod().containers.map((container) => ({ ...container, role, netAdmin: true }));
      const network = {
        ...from('10.77.0.9'),
        pod: aPod({ containers: [...aPod().containers, ...containers] }),
      };
      expect(run(network)).toMatchObject([{ result: 'pass' }]);
    });

    it('names the own address of the same family', () => {
      const route = { family: 6, destination: '::/0', gateway: 'fd00:1::1' } as const;
      const network = from('fd00:9::9', route);
      const both = { ...network, pod: aPod({ podIPs: ['10.244.1.2', 'fd00:1::2'] }) };
      const held = anAddress({ family: 6, address: 'fd00:1::2', prefixLength: 64 });
      const stack = aStack({ routes: network.stack?.routes ?? [], addresses: [anAddress(), held] });
      const [found] = failures(run({ ...both, stack }));
      expect(found?.detail).toContain('does not come from its own address fd00:1::2, so');
      expect(found?.evidence[0]).toMatchObject({ expected: 'none, or fd00:1::2' });
    });
  });

  it('leaves an interface without any address to pod-address-missing', () => {
    expect(run(aPodNetwork({ stack: aStack({ addresses: [] }) }))[0]).toMatchObject({
      result: 'notApplicable',
      reason: expect.stringContaining('pod-address-missing'),
    });
  });

  it('leaves virtual machines alone, whose address is inside the guest', () => {
    const pod = aPod({ labels: { 'kubevirt.io/vm': 'a' } });
    expect(run(aPodNetwork({ pod, stack: changed }))[0]?.result).toBe('notApplicable');
  });

  it('does not know when the namespace could not be read', () => {
    expect(run(aPodNetwork({ stack: null }))[0]?.result).toBe('unknown');
  });
});
