import { describe, expect, it } from 'vitest';
import { podDefaultRouteMissing } from '../../../lib/checks/routes/pod-default-route-missing.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import {
  aCniResult,
  aHostLink,
  aLink,
  aLoopback,
  anAddress,
  aPod,
  aPodNetwork,
  aRoute,
  aSandbox,
  aStack,
  context,
  failures,
} from '../evidence.ts';
import { anAwsPod, healthyLayouts, withStack } from '../layouts.ts';

const subnet = aRoute({ destination: '10.244.1.0/24', gateway: null, scope: 'link' });

function run(...podNetworks: PodNetwork[]) {
  return podDefaultRouteMissing.run({ podNetworks }, context);
}

function withRoutes(...routes: ReturnType<typeof aRoute>[]) {
  return aPodNetwork({ stack: aStack({ routes }) });
}

describe('pod-default-route-missing', () => {
  it.each(healthyLayouts)('passes a healthy pod of %s', (_name, layout) => {
    expect(run(layout().network)).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a pod whose default route was deleted', () => {
    const [found] = failures(run(withRoutes(subnet)));
    expect(found?.detail).toBe(
      'IPv4 default route: none; the CNI plugin set default via 10.244.1.1 dev eth0.',
    );
    expect(found?.confidence).toBe('confirmed');
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  describe('of a pod without a pair (macvlan, ipvlan)', () => {
    const link = aLink({ kind: 'macvlan', peer: null });
    const macvlan = (changes: Partial<PodNetwork> = {}, routes = [subnet]) =>
      aPodNetwork({ plugin: 'macvlan', link, hostLink: null, stack: aStack({ routes }), ...changes });

    it('finds that it lacks the default route that its CNI result names', () => {
      const [found] = failures(run(macvlan()));
      expect(found?.detail).toBe(
        'IPv4 default route: none; the CNI plugin set default via 10.244.1.1 dev eth0.',
      );
      expect(found?.confidence).toBe('probable');
      expect(found?.remedy.map(({ command }) => command)).toEqual(['kubectl delete pod -n shop web-1']);
      expect(found?.repair).toMatchObject({ kind: 'recreate-pod' });
    });

    it.each([
      ['a default route that the plugin did not set', macvlan({}, [aRoute({ link: 'net1' }), subnet])],
      ['one that a chained plugin moved to its own table', macvlan({}, [aRoute({ table: '100' }), subnet])],
      ['the halves of a VPN', macvlan({}, [aRoute({ destination: '0.0.0.0/1' }), subnet])],
      ['no result that names one', macvlan({ results: [aCniResult({ routes: [] })] })],
      ['no result', macvlan({ results: [] })],
      ['an interface that is down', macvlan({ link: { ...link, up: false } })],
      ['no address', macvlan({ stack: aStack({ routes: [], addresses: [] }) })],
    ])('says nothing about one with %s', (_, network) => {
      expect(run(network)).toMatchObject([{ result: 'notApplicable' }]);
    });

    it('judges pods of unknown plugins with a whole pair alike', () => {
      const unknown = { plugin: 'of-nobody', link: aLink() };
      expect(failures(run(macvlan({ ...unknown, hostLink: aHostLink() })))).toHaveLength(1);
      expect(run(macvlan({ ...unknown, hostLink: null }))).toMatchObject([{ result: 'notApplicable' }]);
    });
  });

  it('finds it where the CNI result names no routes, as on AWS', () => {
    const [found] = failures(run(withStack(anAwsPod().network, { routes: [] })));
    expect(found?.detail).toContain('default via 169.254.1.1 dev eth0');
    expect(found?.confidence).toBe('probable');
  });

  it('finds a default route to another gateway than the one of the plugin', () => {
    const [found] = failures(run(withRoutes(aRoute({ gateway: '10.244.1.99' }), subnet)));
    expect(found?.detail).toContain(
      'default via 10.244.1.99 dev eth0; the CNI plugin set default via 10.244.1.1',
    );
  });

  it('finds a next hop beside the gateway, by which a part of all connections goes', () => {
    const hop = (gateway: string) => aRoute({ gateway, flags: ['nexthop'] });
    const [found] = failures(run(withRoutes(hop('10.244.1.1'), hop('10.244.1.77'), subnet)));
    expect(found?.detail).toContain('IPv4 default route: default via 10.244.1.77 dev eth0');
    expect(found?.severity).toBe('high');
    expect(
      run(withRoutes(hop('10.244.1.1'), { ...hop('10.244.1.77'), flags: ['nexthop', 'dead'] })),
    ).toMatchObject([{ result: 'pass' }]);
    // A second route with the same metric is never used.
    expect(run(withRoutes(aRoute(), aRoute({ gateway: '10.244.1.77' })))).toMatchObject([{ result: 'pass' }]);
  });

  it('goes by the default route of the lowest metric', () => {
    const wrong = aRoute({ gateway: '10.244.1.99', metric: 100 });
    expect(run(withRoutes(wrong, aRoute(), subnet))).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a default that drops before the one of the plugin, and none behind it', () => {
    const refusing = (metric: number) => aRoute({ type: 'blackhole', gateway: null, link: null, metric });
    const own = aRoute({ metric: 1024 });
    const [found] = failures(run(withRoutes(own, refusing(1), subnet)));
    expect(found?.detail).toContain('IPv4 default route: blackhole default metric 1; the CNI plugin set');
    expect(run(withRoutes(own, refusing(4_294_967_295), subnet))).toMatchObject([{ result: 'pass' }]);
  });

  it('does not take an unreachable default for a way out', () => {
    const refusing = aRoute({ type: 'unreachable', gateway: null, link: null });
    expect(failures(run(withRoutes(refusing, subnet)))).toHaveLength(1);
  });

  it('finds the missing IPv6 default of a dual-stack pod', () => {
    const dual = aPodNetwork({
      pod: aPod({ podIPs: ['10.244.1.2', 'fd00::2'] }),
      stack: aStack({
        addresses: [...aStack().addresses, anAddress({ family: 6, address: 'fd00::2', prefixLength: 64 })],
      }),
      results: [
        aCniResult({
          routes: [
            { destination: '0.0.0.0/0', gateway: null },
            { destination: '::/0', gateway: null },
          ],
        }),
      ],
    });
    expect(failures(run(dual))[0]).toMatchObject({
      detail: expect.stringContaining('IPv6 default route: none'),
      severity: 'high',
    });
  });

  it('leaves a VPN pod alone that routes by itself, and a pod with a second network', () => {
    const vpn = aRoute({ gateway: null, link: 'wg0' });
    const pod = aPod();
    const admin = aPod({ containers: pod.containers.map((container) => ({ ...container, netAdmin: true })) });
    const multus = aPod({ annotations: { 'k8s.v1.cni.cncf.io/networks': 'storage' } });
    for (const owner of [admin, multus]) {
      expect(run({ ...withRoutes(vpn, subnet), pod: owner })).toMatchObject([{ result: 'notApplicable' }]);
    }
    expect(failures(run({ ...withRoutes(subnet), pod: admin }))).toHaveLength(1);
  });

  it('judges a pod whose init container alone may set routes, as in every pod of a mesh', () => {
    const { containers } = aPod();
    const init = containers.map((one) => ({
      ...one,
      name: 'istio-init',
      role: 'init' as const,
      netAdmin: true,
    }));
    const meshed = aPod({ containers: [...init, ...containers] });
    expect(
      failures(run({ ...withRoutes(aRoute({ gateway: null, link: 'wg0' }), subnet), pod: meshed })),
    ).toHaveLength(1);
  });

  it.each([
    [
      'the interface is missing',
      { stack: aStack({ links: [aLoopback()], routes: [] }), link: null, hostLink: null },
      'pod-interface-missing',
    ],
    [
      'the interface is down',
      { link: aLink({ up: false }), stack: aStack({ routes: [] }) },
      'pod-interface-down',
    ],
    ['the address is gone', { stack: aStack({ addresses: [], routes: [] }) }, 'pod-address-missing'],
    [
      'the plugin is not known, and its result names no default route',
      {
        ...{ plugin: 'unheard-of', stack: aStack({ routes: [] }) },
        results: [aCniResult({ routes: [] })],
      },
      'unheard-of',
    ],
    [
      'the plugin gave no default route',
      { results: [aCniResult({ routes: [] })], stack: aStack({ routes: [] }) },
      'no default route',
    ],
    [
      'gVisor keeps the routes',
      { sandbox: aSandbox({ runtimeHandler: 'runsc' }), stack: aStack({ routes: [] }) },
      'runsc',
    ],
  ])('is not applicable when %s', (_name, changes, reason) => {
    expect(run(aPodNetwork(changes))).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining(reason) },
    ]);
  });

  it('does not know when the namespace could not be read', () => {
    expect(run(aPodNetwork({ stack: null }))).toMatchObject([{ result: 'unknown' }]);
  });
});
