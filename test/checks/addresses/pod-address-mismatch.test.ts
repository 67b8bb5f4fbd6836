import { describe, expect, it } from 'vitest';
import { podAddressMismatch } from '../../../lib/checks/addresses/pod-address-mismatch.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import { anAddress, aPod, aPodNetwork, aStack, context, failures } from '../evidence.ts';

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
