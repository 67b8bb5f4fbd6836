import { describe, expect, it } from 'vitest';
import { podMtuMismatch } from '../../../lib/checks/interfaces/pod-mtu-mismatch.ts';
import {
  aCniResult,
  aHostLink,
  aHostStack,
  aLink,
  aPod,
  aPodNetwork,
  aRoute,
  aStack,
  context,
  failures,
} from '../evidence.ts';

describe('pod-mtu-mismatch', () => {
  const run = (network = aPodNetwork(), hostNetwork = aHostStack()) =>
    podMtuMismatch.run({ podNetworks: [network], hostNetwork }, context);

  it('passes equal ends within the uplink, whatever the value', () => {
    expect(run()[0]?.result).toBe('pass');
    expect(
      run(aPodNetwork({ link: aLink({ mtu: 1450 }), hostLink: aHostLink({ mtu: 1450 }) }))[0]?.result,
    ).toBe('pass');
  });

  it('finds ends that differ', () => {
    const [found] = failures(run(aPodNetwork({ link: aLink({ mtu: 9000 }) })));
    expect(found?.detail).toBe("eth0 of the pod has MTU 9000, the node's end veth12345678 has 1500.");
  });

  it("finds a pair that is larger than the node's uplink, and says to correct the plugin first", () => {
    const [found] = failures(
      run(aPodNetwork({ link: aLink({ mtu: 9001 }), hostLink: aHostLink({ mtu: 9001 }) })),
    );
    expect(found?.detail).toBe("eth0 of the pod has MTU 9001, more than the 1500 of the node's uplink eth0.");
    expect(found?.remedy[0]?.text).toContain('correct its mtu first');
  });

  it('takes the MTU of the route where that is lower, as Cilium sets it', () => {
    const stack = aStack({ routes: [aRoute({ mtu: 1450 })] });
    expect(
      run(aPodNetwork({ stack, link: aLink({ mtu: 9001 }), hostLink: aHostLink({ mtu: 9001 }) }))[0]?.result,
    ).toBe('pass');
  });

  it('takes the widest of several ways out: pods may be made for a private network beside the public one', () => {
    const host = aHostStack();
    const wide = aLink({
      index: 4,
      name: 'eth1',
      kind: null,
      mtu: 9000,
      parentDevice: 'virtio1',
      peer: null,
    });
    const pair = { link: aLink({ mtu: 8950 }), hostLink: aHostLink({ mtu: 8950 }) };
    expect(run(aPodNetwork(pair), { ...host, links: [...host.links, wide] })[0]?.result).toBe('pass');
    expect(failures(run(aPodNetwork(pair), host))).toHaveLength(1);
  });

  it.each([
    ['the tuning plugin', { results: [aCniResult({ plugins: ['bridge', 'tuning'] })] }],
    [
      'a VPN in the pod',
      { pod: aPod({ containers: aPod().containers.map((one) => ({ ...one, netAdmin: true })) }) },
    ],
  ])('leaves alone what %s lowered on the side of the pod, but not what is larger there', (_, changes) => {
    expect(run(aPodNetwork({ ...changes, link: aLink({ mtu: 1400 }) }))[0]?.result).toBe('pass');
    expect(failures(run(aPodNetwork({ ...changes, link: aLink({ mtu: 9000 }) })))).toHaveLength(1);
  });

  it('compares nothing where the interface is missing', () => {
    expect(run(aPodNetwork({ link: null }))[0]?.result).toBe('notApplicable');
  });
});
