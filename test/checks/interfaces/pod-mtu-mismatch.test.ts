import { describe, expect, it } from 'vitest';
import { podMtuMismatch } from '../../../lib/checks/interfaces/pod-mtu-mismatch.ts';
import type { Address, Link, Route } from '../../../lib/model/network.ts';
import { aCniConfig } from '../cni/evidence.ts';
import {
  aCniResult,
  aHostLink,
  aHostStack,
  aLink,
  anAddress,
  aPod,
  aPodNetwork,
  aRoute,
  aStack,
  context,
  failures,
} from '../evidence.ts';

describe('pod-mtu-mismatch', () => {
  /** Beside the pod one that fits: where none does, the uplink is at fault. */
  const run = (network = aPodNetwork(), hostNetwork = aHostStack(), beside = [aPodNetwork()]) =>
    podMtuMismatch.run({ podNetworks: [network, ...beside], hostNetwork, cniConfig: aCniConfig() }, context);

  const jumbo = aPodNetwork({ link: aLink({ mtu: 8950 }), hostLink: aHostLink({ mtu: 8950 }) });

  /** A node with a second, wider device, eth1. */
  function aHostWith(changes: Partial<Link>, addresses: readonly Address[], routes: readonly Route[]) {
    const host = aHostStack();
    const wide = aLink({ index: 4, name: 'eth1', kind: null, mtu: 65520, parentDevice: 'ib0', peer: null });
    return aHostStack({
      links: [...host.links, { ...wide, ...changes }],
      addresses: [...host.addresses, ...addresses],
      routes: [...host.routes, ...routes],
    });
  }

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
    const used = [...host.addresses, anAddress({ link: 'eth1', address: '10.9.0.7' })];
    const withWide = { ...host, links: [...host.links, wide], addresses: used };
    expect(run(aPodNetwork(pair), withWide)[0]?.result).toBe('pass');
    expect(failures(run(aPodNetwork(pair), host))).toHaveLength(1);
  });

  it.each([
    [
      'a device with routes alone, as those of the AWS VPC CNI',
      {},
      [],
      [aRoute({ link: 'eth1', table: '2' })],
    ],
    ['the port of a bond that has the address', { master: 'bond1' }, [anAddress({ link: 'bond1' })], []],
    ['a VLAN that has the address', { parentDevice: null, kind: 'vlan' }, [anAddress({ link: 'eth1' })], []],
  ])('takes %s for a way out', (_, changes, addresses, routes) => {
    expect(run(jumbo, aHostWith(changes, addresses, routes))[0]?.result).toBe('pass');
  });

  it.each([
    ['that is down', { up: false }, [anAddress({ link: 'eth1' })], []],
    [
      'that nothing is sent through',
      {},
      [],
      [aRoute({ type: 'blackhole', destination: '10.244.0.0/16', link: null })],
    ],
    [
      'with no more than what IPv6 gives to each link',
      {},
      [anAddress({ link: 'eth1', family: 6, address: 'fe80::7', scope: 'link' })],
      [
        aRoute({ family: 6, link: 'eth1', destination: 'fe80::/64' }),
        aRoute({ family: 6, link: 'eth1', destination: 'ff00::/8', table: 'local' }),
      ],
    ],
  ])('does not take a device %s for a way out, however large its MTU', (_, changes, addresses, routes) => {
    expect(failures(run(jumbo, aHostWith(changes, addresses, routes)))[0]?.detail).toContain(
      "more than the 1500 of the node's uplink eth0",
    );
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

  it('leaves pods that are all larger than the uplink to the finding of the node', () => {
    const outcomes = run(jumbo, aHostStack(), [jumbo]);
    expect(outcomes.map(({ result }) => result)).toEqual(['notApplicable', 'notApplicable']);
    expect(outcomes[0]).toMatchObject({ reason: expect.stringContaining('see node-mtu-too-small') });
  });

  it('compares nothing where the interface is missing', () => {
    expect(run(aPodNetwork({ link: null }))[0]?.result).toBe('notApplicable');
  });
});
