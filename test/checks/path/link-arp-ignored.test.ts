import { describe, expect, it } from 'vitest';
import { linkArpIgnored } from '../../../lib/checks/path/link-arp-ignored.ts';
import { aLink, anAddress, aPodNetwork, aStack, context, failures } from '../evidence.ts';

function run({ pod = 0 as number | null, prefixLength = 24 } = {}) {
  const stack = aStack({ addresses: [anAddress({ prefixLength })] });
  const network = aPodNetwork({ link: aLink({ arpIgnore: pod }), stack });
  return linkArpIgnored.run({ podNetworks: [network] }, context);
}

describe('link-arp-ignored', () => {
  // Of 3, addresses of scope host would not be answered for; the kernel takes any other value for 0.
  it.each([0, 1, 2, 3, 7, 9])('passes a pod in a subnet with arp_ignore %i', (pod) => {
    expect(run({ pod })).toMatchObject([{ result: 'pass' }]);
  });

  it.each([
    [8, 24],
    [2, 32],
  ])('finds a pod with arp_ignore %i on an address of /%i', (pod, prefixLength) => {
    const [found] = failures(run({ pod, prefixLength }));
    expect(found).toMatchObject({ object: { kind: 'pod', name: 'web-1' }, confidence: 'confirmed' });
    expect(found?.detail).toBe(
      `eth0 of the pod does not answer ARP requests: net.ipv4.conf.eth0.arp_ignore is ${pod}.`,
    );
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('does not judge a pod whose settings were not read', () => {
    expect(run({ pod: null })).toMatchObject([{ result: 'notApplicable' }]);
  });
});
