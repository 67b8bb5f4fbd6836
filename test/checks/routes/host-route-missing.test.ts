import { describe, expect, it } from 'vitest';
import { hostRouteMissing } from '../../../lib/checks/routes/host-route-missing.ts';
import { aHostLink, aHostStack, aLink, aPod, aRoute, context, failures } from '../evidence.ts';
import {
  type Attached,
  aBridgePod,
  aCalicoPod,
  aCiliumPod,
  anAwsPod,
  aPtpPod,
  forwardedLayouts,
} from '../layouts.ts';

function run({ network, host }: Attached) {
  return hostRouteMissing.run({ podNetworks: [network], hostNetwork: host }, context);
}

function without(destination: string, { network, host }: Attached): Attached {
  return {
    network,
    host: { ...host, routes: host.routes.filter((route) => route.destination !== destination) },
  };
}

describe('host-route-missing', () => {
  it.each(forwardedLayouts)('passes a healthy pod of %s', (_name, layout) => {
    expect(run(layout())).toMatchObject([{ result: 'pass' }]);
  });

  it.each([
    [
      'ptp',
      aPtpPod,
      '10.244.1.2/32',
      'no route to 10.244.1.2 through veth12345678; its packets take the default route',
    ],
    ['AWS VPC CNI', anAwsPod, '10.0.3.99/32', 'no route to 10.0.3.99 through eni0a1b2c3d4e5'],
    ['Calico', aCalicoPod, '10.244.77.5/32', 'its packets take "blackhole 10.244.77.0/26"'],
  ])("finds that the pod's own route is gone: %s", (_name, layout, destination, text) => {
    const [found] = failures(run(without(destination, layout())));
    expect(found?.detail).toContain(text);
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it("finds that the route of the bridge's subnet is gone, and puts it back without touching a pod", () => {
    const [found] = failures(run(without('10.244.1.0/24', aBridgePod())));
    expect(found?.detail).toContain('no route to 10.244.1.2 through cni0');
    expect(found?.remedy.map((step) => step.command)).toEqual([
      'ip route replace 10.244.1.0/24 dev cni0 scope link src 10.244.1.1',
    ]);
  });

  it('is not applicable to Cilium, which delivers without a route', () => {
    expect(run(aCiliumPod())).toMatchObject([{ result: 'notApplicable' }]);
  });

  it.each([
    [
      "the node's end is down, as the kernel drops its routes with it",
      { hostLink: aHostLink({ up: false }) },
      'veth-host-side-down',
    ],
    [
      "the node's end is gone",
      { hostLink: null, link: aLink({ peer: { status: 'missing', namespace: null, index: 9 } }) },
      'veth-peer-missing',
    ],
    ['the pod is on a branch ENI', { hostLink: aHostLink({ name: 'vlan0a1b2c3d4e5' }) }, 'branch ENI'],
    ['a virtual machine migrates', { pod: aPod({ labels: { 'kubevirt.io/domain': 'vm' } }) }, 'KubeVirt'],
    ['the plugin is not known', { plugin: 'kube-ovn' }, 'kube-ovn'],
  ])('is not applicable when %s', (_name, changes, reason) => {
    const { network, host } = without('10.0.3.99/32', anAwsPod());
    expect(run({ network: { ...network, ...changes }, host })).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining(reason) },
    ]);
  });

  it('leaves a bridge that lost its address, and the route with it, to bridge-address-stale', () => {
    const host = aHostStack({ addresses: [], routes: [aRoute({ gateway: '10.0.3.1' })] });
    expect(run({ network: aBridgePod().network, host })).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('bridge-address-stale') },
    ]);
  });
});
