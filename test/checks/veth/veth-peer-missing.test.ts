import { describe, expect, it } from 'vitest';
import { vethPeerMissing } from '../../../lib/checks/veth/veth-peer-missing.ts';
import { aHost, aLink, aPod, aPodNetwork, context, failures, HOST_NAMESPACE } from '../evidence.ts';

describe('veth-peer-missing', () => {
  const run = (network = aPodNetwork()) =>
    vethPeerMissing.run({ podNetworks: [network], host: aHost() }, context);

  it('passes a pair whose other end is on the node', () => {
    expect(run()[0]?.result).toBe('pass');
  });

  it('finds a pair whose other end is nowhere', () => {
    for (const namespace of [null, HOST_NAMESPACE]) {
      const link = aLink({ peer: { status: 'missing', namespace, index: 10 } });
      expect(failures(run(aPodNetwork({ link, hostLink: null })))[0]?.detail).toBe(
        'The other end of eth0 (index 10) should be on the node, and is nowhere.',
      );
    }
  });

  it('does not judge a pair that changed while the node was read', () => {
    expect(run(aPodNetwork({ link: aLink({ peer: { status: 'unsettled' } }) }))).toMatchObject([
      { result: 'notApplicable', reason: 'eth0 came or went while the node was read' },
    ]);
  });

  it('finds a pair whose other end was moved into another namespace', () => {
    const link = aLink({
      peer: { status: 'matched', namespace: 4026532999, index: 10, name: 'veth12345678' },
    });
    expect(failures(run(aPodNetwork({ link, hostLink: null })))[0]?.detail).toContain(
      'in namespace net:[4026532999], as veth12345678',
    );
  });

  it('does not know where the namespace of the peer was not read', () => {
    const link = aLink({ peer: { status: 'unknown', reason: 'its namespace was not read', namespaceId: 3 } });
    expect(run(aPodNetwork({ link }))[0]).toMatchObject({
      result: 'unknown',
      reason: 'its namespace was not read',
    });
    expect(run(aPodNetwork({ link: aLink({ peer: null }) }))[0]?.result).toBe('unknown');
  });

  it('has nothing to judge without a veth: netkit, macvlan, gVisor, no interface', () => {
    expect(run(aPodNetwork({ link: aLink({ kind: 'netkit' }) }))[0]).toMatchObject({
      reason: 'the pod is attached by a netkit link, not by a veth pair',
    });
    expect(run(aPodNetwork({ pod: aPod({ runtimeClass: 'kata' }) }))[0]?.result).toBe('notApplicable');
    expect(run(aPodNetwork({ link: null }))[0]?.result).toBe('notApplicable');
  });
});
