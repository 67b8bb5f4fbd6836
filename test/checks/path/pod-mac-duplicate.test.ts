import { describe, expect, it } from 'vitest';
import { podMacDuplicate } from '../../../lib/checks/path/pod-mac-duplicate.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import {
  aCniResult,
  aHostLink,
  aHostStack,
  aLink,
  aPod,
  aPodNetwork,
  context,
  failures,
} from '../evidence.ts';
import { aCalicoPod } from '../layouts.ts';

const A = '0a:58:0a:f4:01:02';
const B = '0a:58:0a:f4:01:03';

/** A pod on cni0 whose interface has one MAC address and whose CNI result names another. */
function pod(name: string, mac: string, given: string | null, bridge = 'cni0'): PodNetwork {
  return aPodNetwork({
    pod: aPod({ name }),
    link: aLink({ mac }),
    hostLink: aHostLink({ name: `veth-${name}`, master: bridge }),
    results: [aCniResult({ interfaces: [{ name: 'eth0', mac: given, inPod: true }] })],
  });
}

const run = (...podNetworks: PodNetwork[]) =>
  podMacDuplicate.run({ podNetworks, hostNetwork: aHostStack() }, context);

describe('pod-mac-duplicate', () => {
  it('passes pods with addresses of their own', () => {
    expect(run(pod('web-1', A, A), pod('web-2', B, B)).map(({ result }) => result)).toEqual(['pass', 'pass']);
  });

  it('finds the pod that took the address of another, and leaves the other alone', () => {
    const outcomes = run(pod('web-1', A, A), pod('web-2', A, B));
    expect(outcomes[0]).toMatchObject({
      result: 'notApplicable',
      reason: 'shop/web-2 took its MAC address: see pod-mac-duplicate of that pod',
    });
    const [found, ...more] = failures(outcomes);
    expect(more).toEqual([]);
    expect(found).toMatchObject({ object: { name: 'web-2' }, confidence: 'confirmed' });
    expect(found?.detail).toBe(`eth0 has the MAC address ${A}, like pod shop/web-1 on the bridge cni0.`);
  });

  it('names both where nobody says whose address it is', () => {
    const found = failures(run(pod('web-1', A, null), pod('web-2', A, null)));
    expect(found.map(({ object, confidence }) => [object.name, confidence])).toEqual([
      ['web-1', 'probable'],
      ['web-2', 'probable'],
    ]);
  });

  it("finds a pod with the bridge's own address", () => {
    expect(failures(run(pod('web-1', '0a:58:0a:f4:01:01', A)))[0]?.detail).toContain(
      'the bridge cni0 itself',
    );
  });

  it('does not compare pods on two bridges, nor pods with a link of their own to the node', () => {
    expect(run(pod('web-1', A, A), pod('web-2', A, B, 'br1')).map(({ result }) => result)).toEqual([
      'pass',
      'pass',
    ]);
    const { network } = aCalicoPod();
    expect(run(network, network).map(({ result }) => result)).toEqual(['notApplicable', 'notApplicable']);
  });
});
