import { describe, expect, it } from 'vitest';
import { podUnroutedOutbound } from '../../../lib/checks/path/pod-unrouted-outbound.ts';
import { podsOfNodeUnreachable } from '../../../lib/checks/path/pods-of-node-unreachable.ts';
import type { OtherNode } from '../../../lib/model/kubernetes.ts';
import type { NetworkStack, Route, Way } from '../../../lib/model/network.ts';
import { aKernel, aLink, aNode, anAddress, aRoute, context, failures } from '../evidence.ts';
import { type Attached, aBridgePod, aCalicoPod, aCiliumPod, healthyLayouts } from '../layouts.ts';
import { aRule, ELSEWHERE, refused, waysOf, withRules } from '../ways.ts';

const run = ({ network, host }: Attached, routing: readonly Way[]) =>
  podsOfNodeUnreachable.run(
    {
      ...{ podNetworks: [network], hostNetwork: host, routing: [...routing] },
      ...{ node: aNode({ addresses: ['10.0.3.7'] }), otherNodes: [other] },
    },
    context,
  );
const other: OtherNode = {
  ...{ name: 'node-2', createdAt: '2026-11-01T02:00:00Z', ready: true, annotations: {} },
  ...{ addresses: ['10.0.3.8', '10.0.3.99'], podCIDRs: ['10.244.2.0/24'] },
};
const blackhole = (destination: string): Route =>
  aRoute({ type: 'blackhole', destination, gateway: null, link: null });
const withRoutes = (host: NetworkStack, ...routes: Route[]): NetworkStack =>
  withRules({
    ...host,
    routes: [...host.routes, aRoute({ destination: '10.244.2.0/24', gateway: '10.0.3.8' }), ...routes],
  });
const cutOff = (ways: readonly Way[]): Way[] =>
  ways.map((way) => (way.destination === ELSEWHERE ? refused(way, 'EINVAL') : way));

describe('pods-of-node-unreachable', () => {
  it.each(healthyLayouts)('passes a healthy node of %s', (_, layout) => {
    const { network, host } = layout();
    expect(run({ network, host: withRoutes(host) }, waysOf(network))).toMatchObject([{ result: 'pass' }]);
  });

  it('names the route that drops, removes it, and leaves the pods alone', () => {
    const { network, host } = aBridgePod();
    const attached = { network, host: withRoutes(host, blackhole('10.244.2.0/25')) };
    const ways = cutOff(waysOf(network));
    const [found] = failures(run(attached, ways));
    expect(found?.detail).toContain('"blackhole 10.244.2.0/25" drops what is for 10.244.2.0/25');
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      'ip route show table all',
      'ip -4 route del blackhole 10.244.2.0/25 table main',
    ]);
    const [pod] = podUnroutedOutbound.run(
      {
        podNetworks: [network],
        hostNetwork: attached.host,
        routing: ways,
        kernel: aKernel(),
        hostPacketFilters: [],
      },
      context,
    );
    expect(pod).toMatchObject({
      result: 'notApplicable',
      reason: expect.stringContaining('pods-of-node-unreachable'),
    });
  });

  it('finds a route that drops a part of a network about which the kernel was not asked', () => {
    const { network, host } = aBridgePod();
    expect(
      failures(run({ network, host: withRoutes(host, blackhole('10.244.2.128/26')) }, waysOf(network))),
    ).toHaveLength(1);
  });

  describe('what the node itself takes', () => {
    const docker = aLink({ index: 77, name: 'br-77', kind: 'bridge', peer: null });
    const taking = (destination: string, link = docker, addresses: NetworkStack['addresses'] = []) => {
      const { network, host } = aBridgePod();
      const near = aRoute({ destination: '10.0.3.0/24', gateway: null, link: 'eth0', scope: 'link' });
      const routes = [near, aRoute({ destination, gateway: null, link: link.name, scope: 'link' })];
      const { links } = host;
      const with_ = { ...host, links: [...links, link], addresses: [...host.addresses, ...addresses] };
      return run({ network, host: withRoutes(with_, ...routes) }, waysOf(network));
    };

    it.each([
      ['10.244.2.0/25', 'pods in 10.244.2.0/24'],
      ['10.0.3.8/29', 'node node-2'],
    ])('finds a network of a container engine at %s', (destination, whom) => {
      const [found] = failures(taking(destination));
      expect(found?.detail).toContain(`"${destination} dev br-77" takes what is for ${whom}`);
      expect(found?.remedy.at(-1)?.command).toBe(`ip -4 route del ${destination} dev br-77 table main`);
    });

    it("finds another node's address on the node", () => {
      const held = anAddress({ link: 'lo', address: '10.0.3.8', prefixLength: 32 });
      const [found] = failures(taking('172.17.0.0/16', docker, [held]));
      expect(found?.detail).toContain("the node's own 10.0.3.8 on lo takes what is for node node-2");
      expect(found?.remedy.at(-1)?.command).toBe('ip addr del 10.0.3.8/32 dev lo');
    });

    it('passes a floating address that another node is still said to have', () => {
      const held = anAddress({ link: 'eth0', address: '10.0.3.99', prefixLength: 32 });
      expect(taking('172.17.0.0/16', docker, [held])).toMatchObject([{ result: 'pass' }]);
    });

    it('passes networks elsewhere, as wide as the way to the others, or behind links that lead on', () => {
      for (const [destination, link] of [
        ['172.17.0.0/16', docker],
        ['10.244.2.0/24', docker],
        ['10.244.0.0/16', docker],
        ['10.244.2.0/25', { ...docker, name: 'wg0', kind: 'wireguard' }],
        ['10.0.3.0/24', docker],
        ['10.244.2.7/32', docker],
      ] as const)
        expect(taking(destination, link)).toMatchObject([{ result: 'pass' }]);
    });
  });

  it("leaves Cilium's own range to gateway-link-broken, and says that only the node loses others", () => {
    const { network, host } = aCiliumPod();
    const gateway = '10.244.1.200';
    const own = aRoute({ destination: '10.244.1.0/24', gateway, link: 'cilium_host' });
    const with_ = (...routes: Route[]): Attached => ({
      network,
      host: withRules({
        ...host,
        links: [...host.links, aLink({ index: 9, name: 'cilium_vxlan', kind: 'vxlan', peer: null })],
        addresses: [...host.addresses, anAddress({ link: 'cilium_host', address: gateway })],
        routes: [...host.routes, own, { ...own, destination: '10.244.2.0/24' }, ...routes],
      }),
    });
    expect(failures(run(with_(blackhole('10.244.1.0/27')), waysOf(network)))).toEqual([]);
    const [found] = failures(run(with_(blackhole('10.244.2.0/25')), waysOf(network)));
    expect(found).toMatchObject({ severity: 'high' });
    expect(found?.detail).toContain('Cilium delivers what other pods send');
  });

  it('finds a network of a container engine over pods that Cilium reaches by a tunnel, if the node alone loses them', () => {
    const { network, host } = aCiliumPod();
    const gateway = '10.0.1.200';
    // Ranges of Cilium's own, that no node object has.
    const toOther = aRoute({ destination: '10.0.2.0/24', gateway, link: 'cilium_host', mtu: 1450 });
    const with_ = (destination: string): Attached => ({
      network,
      host: withRules({
        ...host,
        links: [
          ...host.links,
          aLink({ index: 9, name: 'cilium_vxlan', kind: 'vxlan', peer: null }),
          aLink({ index: 77, name: 'br-77', kind: 'bridge', peer: null }),
        ],
        addresses: [...host.addresses, anAddress({ link: 'cilium_host', address: gateway })],
        routes: [
          ...host.routes,
          toOther,
          aRoute({ destination, gateway: null, link: 'br-77', scope: 'link' }),
        ],
      }),
    });
    const [found] = failures(run(with_('10.0.2.0/27'), waysOf(network)));
    expect(found).toMatchObject({ severity: 'high' });
    expect(found?.detail).toContain('"10.0.2.0/27 dev br-77" takes what is for pods in 10.0.2.0/24');
    expect(found?.detail).toContain('Cilium delivers what other pods send');
    expect(failures(run(with_('172.18.0.0/16'), waysOf(network)))).toEqual([]);
  });

  it("lets Calico's blackhole of the node's own block be, and one that is of no pods", () => {
    const { network, host } = aCalicoPod();
    const aggregate = aRoute({ destination: '10.244.0.0/16', gateway: '10.0.3.1' });
    const routes = withRoutes(host, aggregate, blackhole('203.0.113.0/24'));
    expect(run({ network, host: routes }, waysOf(network))).toMatchObject([{ result: 'pass' }]);
  });

  it('lets one be behind a route of a lower metric, which is never asked', () => {
    const { network, host } = aBridgePod();
    const last = { ...blackhole('10.244.2.0/24'), metric: 500 };
    expect(run({ network, host: withRoutes(host, last) }, waysOf(network))).toMatchObject([
      { result: 'pass' },
    ]);
  });

  it('says so where no route is left', () => {
    const { network, host } = aBridgePod();
    const ways = waysOf(network).map((way) =>
      way.destination === ELSEWHERE ? refused(way, 'ENETUNREACH') : way,
    );
    expect(failures(run({ network, host: withRules(host) }, ways))[0]?.detail).toContain(
      'no route leads to 10.244.2.1 (ENETUNREACH)',
    );
  });

  it('leaves a rule to foreign-routing-rules', () => {
    const { network, host } = aBridgePod();
    const rules = withRules(
      withRoutes(host),
      aRule({ priority: 100, destination: '10.244.2.0/24', table: null, drops: 'blackhole' }),
    );
    expect(failures(run({ network, host: rules }, cutOff(waysOf(network))))).toEqual([]);
  });

  it('is not applicable where no route leads to networks behind other nodes, as with AWS', () => {
    const { network, host } = aBridgePod();
    expect(run({ network, host: withRules(host) }, [])).toMatchObject([{ result: 'notApplicable' }]);
  });
});
