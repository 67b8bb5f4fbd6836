import { describe, expect, it } from 'vitest';
import { hostRouteMisdirected } from '../../../lib/checks/routes/host-route-misdirected.ts';
import type { Route } from '../../../lib/model/network.ts';
import { aHostLink, aRoute, context, failures } from '../evidence.ts';
import { type Attached, aBridgePod, aCalicoPod, aCiliumPod, forwardedLayouts } from '../layouts.ts';

function run({ network, host }: Attached) {
  return hostRouteMisdirected.run({ podNetworks: [network], hostNetwork: host }, context);
}

function withRoute(route: Route, { network, host }: Attached, replaced?: string): Attached {
  const kept = host.routes.filter(({ destination }) => destination !== replaced);
  return { network, host: { ...host, routes: [...kept, route] } };
}

describe('host-route-misdirected', () => {
  it.each(forwardedLayouts)('passes a healthy pod of %s', (_name, layout) => {
    expect(run(layout())).toMatchObject([{ result: 'pass' }]);
  });

  it("finds that the pod's route leads to another pod", () => {
    const other = aRoute({ destination: '10.244.77.5/32', gateway: null, link: 'cali99999999999' });
    const [found] = failures(run(withRoute(other, aCalicoPod(), '10.244.77.5/32')));
    expect(found?.detail).toBe(
      'The node\'s route to 10.244.77.5 is "10.244.77.5 dev cali99999999999", while the pod is behind cali0a1b2c3d4e5.',
    );
    // Nothing else removes the wrong route, and the next pod with the address would suffer from it.
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      'ip route del 10.244.77.5 dev cali99999999999',
      'kubectl delete pod -n shop web-1',
    ]);
  });

  it('finds a more specific route that takes one pod out of the subnet of the bridge, and removes only that', () => {
    const narrow = aRoute({ type: 'blackhole', destination: '10.244.1.2/32', gateway: null, link: null });
    const [found] = failures(run(withRoute(narrow, aBridgePod())));
    expect(found?.detail).toContain('"blackhole 10.244.1.2", while the pod is behind cni0');
    expect(found?.remedy[0]?.command).toBe('ip route del blackhole 10.244.1.2');
  });

  it('goes by the route of the lowest metric', () => {
    const later = aRoute({
      destination: '10.244.77.5/32',
      gateway: null,
      link: 'cali99999999999',
      metric: 100,
    });
    expect(run(withRoute(later, aCalicoPod()))).toMatchObject([{ result: 'pass' }]);
  });

  it('leaves a missing route to host-route-missing', () => {
    const { network, host } = aCalicoPod();
    expect(run({ network, host: { ...host, routes: [] } })).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('host-route-missing') },
    ]);
  });

  it('is not applicable to Cilium, and to a pair that is down', () => {
    expect(run(aCiliumPod())).toMatchObject([{ result: 'notApplicable' }]);
    const { network, host } = aCalicoPod();
    expect(run({ network: { ...network, hostLink: aHostLink({ up: false }) }, host })).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('veth-host-side-down') },
    ]);
  });
});
