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
        'What the pod sends by default via 10.244.1.1 dev eth0 src 10.77.0.9 does not come from its own address 10.244.1.2, so answers go elsewhere.',
      );
    });

    it('passes its own, those of other links and tables, and what containers may have set', () => {
      const netAdmin = aPod().containers.map((container) => ({ ...container, netAdmin: true }));
      for (const network of [
        from('10.244.1.2'),
        from('10.77.0.9', { link: 'net1' }),
        from('10.77.0.9', { table: '100' }),
        // Of a second address.
        from('10.77.0.9', { destination: '10.77.0.0/24', gateway: null, scope: 'link' }),
        { ...from('10.77.0.9'), pod: aPod({ containers: netAdmin }) },
      ])
        expect(run(network)).toMatchObject([{ result: 'pass' }]);
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
