import { describe, expect, it } from 'vitest';
import { nodeNeighbourWrong } from '../../../lib/checks/path/node-neighbour-wrong.ts';
import type { Neighbour } from '../../../lib/model/network.ts';
import { aHostLink, context, failures } from '../evidence.ts';
import { type Attached, aBridgePod, aCalicoPod, aCiliumPod, forwardedLayouts } from '../layouts.ts';

const WRONG = '02:de:ad:00:00:01';

function run({ network, host }: Attached) {
  return nodeNeighbourWrong.run({ podNetworks: [network], hostNetwork: host }, context);
}

function withEntry({ network, host }: Attached, changes: Partial<Neighbour> = {}): Attached {
  const entry = { destination: '10.244.1.2', link: 'cni0', mac: WRONG, states: ['PERMANENT'], ...changes };
  return { network, host: { ...host, neighbours: [entry] } };
}

describe('node-neighbour-wrong', () => {
  it.each(forwardedLayouts)('passes a healthy pod of %s', (_, layout) => {
    expect(run(layout())).toMatchObject([{ result: 'pass' }]);
  });

  it("finds a permanent entry with another MAC address than the pod's, and removes only that", () => {
    const [found] = failures(run(withEntry(aBridgePod())));
    expect(found?.detail).toBe(
      `The node's permanent neighbour entry for 10.244.1.2 on cni0 is ${WRONG}, but the pod's eth0 has 0a:58:0a:f4:01:02.`,
    );
    expect(found?.remedy.map(({ command }) => command)).toEqual(['ip neigh del 10.244.1.2 dev cni0']);
  });

  it('finds it on the link of a pod that is behind no bridge', () => {
    const attached = withEntry(aCalicoPod(), { destination: '10.244.77.5', link: 'cali0a1b2c3d4e5' });
    expect(failures(run(attached))).toHaveLength(1);
  });

  it.each([
    ['the right address in capitals', { mac: '0A:58:0A:F4:01:02' }],
    ['a learned entry, which the kernel corrects by itself', { states: ['STALE'] }],
    ['an entry on a link that does not lead to the pod', { link: 'eth0' }],
    ['an entry without a MAC address', { mac: null }],
  ])('passes %s', (_, changes) => {
    expect(run(withEntry(aBridgePod(), changes))).toMatchObject([{ result: 'pass' }]);
  });

  it('is not applicable to Cilium, and to a pair that is down', () => {
    expect(run(aCiliumPod())).toMatchObject([{ result: 'notApplicable' }]);
    const { network, host } = withEntry(aBridgePod());
    expect(run({ network: { ...network, hostLink: aHostLink({ up: false }) }, host })).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('veth-host-side-down') },
    ]);
  });
});
