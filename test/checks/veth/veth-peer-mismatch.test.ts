import { describe, expect, it } from 'vitest';
import { vethPeerMismatch } from '../../../lib/checks/veth/veth-peer-mismatch.ts';
import { aHostLink, aLink, aPodNetwork, context, failures } from '../evidence.ts';

/** printf shop.web-1 | sha1sum | cut -c 1-11 */
const SHA1_OF_SHOP_WEB_1 = '751425ce827';

describe('veth-peer-mismatch', () => {
  const run = (network = aPodNetwork()) => vethPeerMismatch.run({ podNetworks: [network] }, context);
  const name = `cali${SHA1_OF_SHOP_WEB_1}`;

  it('passes ends that point at each other', () => {
    expect(run()[0]?.result).toBe('pass');
  });

  it('finds ends that do not', () => {
    const link = aLink({
      peer: {
        status: 'mismatched',
        namespace: 4026531840,
        index: 10,
        name: 'veth9',
        pointsTo: 'index 7 of net:[4026532999]',
      },
    });
    expect(failures(run(aPodNetwork({ link, hostLink: null })))[0]?.detail).toBe(
      'eth0 of the pod points at veth9 (index 10), which points at index 7 of net:[4026532999].',
    );
  });

  it('passes the name that Calico gives, and finds that of another pod', () => {
    expect(
      run(aPodNetwork({ plugin: 'calico', hostLink: aHostLink({ name, master: null }) }))[0]?.result,
    ).toBe('pass');
    const [found] = failures(
      run(aPodNetwork({ plugin: 'calico', hostLink: aHostLink({ name: 'cali00000000000', master: null }) })),
    );
    expect(found?.detail).toContain(`names it after the pod: …${SHA1_OF_SHOP_WEB_1}`);
  });

  it('does not judge names with another prefix, as it can be configured', () => {
    expect(
      run(
        aPodNetwork({ plugin: 'aws-cni', hostLink: aHostLink({ name: 'vlan00000000000', master: null }) }),
      )[0]?.result,
    ).toBe('pass');
  });

  it('leaves a missing peer to veth-peer-missing', () => {
    expect(
      run(aPodNetwork({ link: aLink({ peer: { status: 'missing', namespace: null, index: 10 } }) }))[0]
        ?.result,
    ).toBe('notApplicable');
  });
});
