import { describe, expect, it } from 'vitest';
import { podInterfaceDown } from '../../../lib/checks/interfaces/pod-interface-down.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import {
  aHostLink,
  aLink,
  aLoopback,
  anAddress,
  aPod,
  aPodNetwork,
  aStack,
  context,
  failures,
} from '../evidence.ts';

describe('pod-interface-down', () => {
  const run = (network = aPodNetwork()) => podInterfaceDown.run({ podNetworks: [network] }, context);

  it('passes a pod whose interface is up with a carrier', () => {
    expect(run()[0]?.result).toBe('pass');
  });

  it('finds an interface that was set down', () => {
    const [found] = failures(
      run(
        aPodNetwork({
          link: aLink({ up: false, carrier: false, operState: 'DOWN' }),
          hostLink: aHostLink({ carrier: false, operState: 'LOWERLAYERDOWN' }),
        }),
      ),
    );
    expect(found?.detail).toBe("eth0 in the pod's namespace is down (state DOWN).");
    expect(found?.evidence[0]?.actual).toBe('not UP, no carrier');
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('finds an interface without carrier although both ends are up', () => {
    expect(
      failures(run(aPodNetwork({ link: aLink({ carrier: false, operState: 'LOWERLAYERDOWN' }) }))),
    ).toHaveLength(1);
  });

  it('finds a veth that neither asks for nor answers to hardware addresses', () => {
    const [found] = failures(run(aPodNetwork({ link: aLink({ arp: false }) })));
    expect(found?.detail).toBe("eth0 in the pod's namespace is up, but does no ARP (state UP).");
    expect(found?.evidence[0]?.actual).toBe('UP, LOWER_UP, NOARP');
    // Cilium's netkit and layer 3 ipvlan are created like this.
    expect(run(aPodNetwork({ link: aLink({ kind: 'netkit', arp: false }) }))[0]?.result).toBe('pass');
  });

  describe('with a bridge inside the pod', () => {
    const bridge = aLink({ index: 3, name: 'br0', kind: 'bridge', peer: null });
    const port = aLink({ master: 'br0' });
    const held = [anAddress(), anAddress({ link: 'br0', family: 6, address: 'fe80::1', scope: 'link' })];
    const inPod = (addresses = held, changes: Partial<PodNetwork> = {}) =>
      aPodNetwork({
        link: port,
        stack: aStack({ links: [aLoopback(), port, bridge], addresses }),
        ...changes,
      });

    it('finds an interface that is its port, but kept the address', () => {
      const [found] = failures(run(inPod()));
      expect(found?.detail).toContain("eth0 in the pod's namespace is a port of br0, which has no address");
      expect(found?.evidence[0]?.actual).toBe('UP, LOWER_UP, port of br0');
    });

    it('passes where the bridge has the address, where a container may have built it, and other masters', () => {
      const netAdmin = aPod().containers.map((container) => ({ ...container, netAdmin: true }));
      const vrf = aStack({ links: [port, { ...bridge, kind: 'vrf' }], addresses: [anAddress()] });
      for (const network of [
        inPod([anAddress({ link: 'br0' })]),
        inPod([anAddress(), anAddress({ link: 'br0', address: '192.168.7.1' })]),
        inPod(held, { pod: aPod({ containers: netAdmin }) }),
        // The pod asks nobody for the MAC address of its gateway.
        inPod(held, { plugin: 'aws-cni' }),
        inPod(held, { stack: vrf }),
      ])
        expect(run(network)).toMatchObject([{ result: 'pass' }]);
    });
  });

  it("leaves it to veth-host-side-down when the node's end is down", () => {
    expect(
      run(aPodNetwork({ link: aLink({ carrier: false }), hostLink: aHostLink({ up: false }) }))[0],
    ).toMatchObject({ result: 'notApplicable' });
  });

  it('leaves it to veth-peer-missing when the other end is gone', () => {
    const link = aLink({ carrier: false, peer: { status: 'missing', namespace: 1, index: 10 } });
    expect(run(aPodNetwork({ link, hostLink: null }))[0]?.result).toBe('pass');
  });

  it('leaves it to pod-interface-missing when there is none, and sandboxed runtimes alone', () => {
    expect(run(aPodNetwork({ link: null }))[0]?.result).toBe('notApplicable');
    expect(
      run(aPodNetwork({ pod: aPod({ runtimeClass: 'gvisor' }), link: aLink({ up: false }) }))[0]?.result,
    ).toBe('notApplicable');
  });
});
