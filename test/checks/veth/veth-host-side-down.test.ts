import { describe, expect, it } from 'vitest';
import { vethHostSideDown } from '../../../lib/checks/veth/veth-host-side-down.ts';
import { aHostLink, aLink, aPodNetwork, context, failures } from '../evidence.ts';

describe('veth-host-side-down', () => {
  const run = (network = aPodNetwork()) => vethHostSideDown.run({ podNetworks: [network] }, context);
  const down = aPodNetwork({
    link: aLink({ carrier: false }),
    hostLink: aHostLink({ up: false, carrier: false, operState: 'DOWN' }),
  });

  it('passes when it is up', () => {
    expect(run()[0]?.result).toBe('pass');
  });

  it('finds it down, and sets it up again behind a bridge', () => {
    const [found] = failures(run(down));
    expect(found?.detail).toBe("veth12345678, the node's end of the pod's eth0, is down.");
    expect(found?.remedy[0]?.command).toBe('ip link set veth12345678 up');
  });

  it('recreates the pod where routes went away with the link', () => {
    expect(failures(run({ ...down, plugin: 'ptp' }))[0]?.remedy.at(-1)?.command).toBe(
      'kubectl delete pod -n shop web-1',
    );
  });

  it('leaves a missing end to veth-peer-missing', () => {
    expect(run(aPodNetwork({ hostLink: null }))[0]?.result).toBe('notApplicable');
  });

  it('has nothing to judge without a veth', () => {
    expect(run(aPodNetwork({ link: aLink({ kind: 'ipvlan' }) }))[0]?.result).toBe('notApplicable');
  });
});
