import { describe, expect, it } from 'vitest';
import { foreignRoutingRules } from '../../../lib/checks/path/foreign-routing-rules.ts';
import { podUnroutedInbound } from '../../../lib/checks/path/pod-unrouted-inbound.ts';
import { podUnroutedOutbound } from '../../../lib/checks/path/pod-unrouted-outbound.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import type { Link, NetworkStack, PacketFilter, Rule, Way } from '../../../lib/model/network.ts';
import { aKernel, aLink, aRoute, context, failures } from '../evidence.ts';
import { type Attached, aBridgePod, aCiliumPod, forwardedLayouts } from '../layouts.ts';
import { aRule, aWay, changed, ELSEWHERE, refused, waysOf, withRules } from '../ways.ts';

function run({ network, host }: Attached, routing: readonly Way[], hostPacketFilters: PacketFilter[] = []) {
  return foreignRoutingRules.run(
    {
      podNetworks: [network],
      hostNetwork: host,
      routing: [...routing],
      kernel: aKernel(),
      hostPacketFilters,
    },
    context,
  );
}
const POD = '10.244.1.2';
/** A table with only a default route, as nm-cloud-setup and VPN clients create it. */
const withTable = (host: NetworkStack): NetworkStack => ({
  ...host,
  routes: [
    ...host.routes,
    aRoute({ destination: '10.244.2.0/24', gateway: '10.0.3.8' }),
    aRoute({ gateway: '10.0.3.1', table: '30400' }),
  ],
});

describe('foreign-routing-rules', () => {
  it.each(forwardedLayouts)('passes a healthy node of %s', (_, layout) => {
    const attached = layout();
    expect(run(attached, waysOf(attached.network))).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a rule that drops both ways, once, and removes it', () => {
    const { network, host } = aBridgePod();
    const rules = withRules(host, aRule({ priority: 100, table: null, drops: 'unreachable' }));
    const ways = waysOf(network).map((way) => (way.type === 'local' ? way : refused(way, 'ENETUNREACH')));
    const [found] = failures(run({ network, host: rules }, ways));
    expect(found?.object).toMatchObject({ kind: 'node', name: 'node-1' });
    expect(found?.detail).toBe(
      'The rule 100: from all unreachable takes packets of 1 pod (shop/web-1), in both directions.',
    );
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      'ip -4 rule',
      'ip -4 rule del priority 100 from all unreachable',
    ]);
  });

  it('finds a table that does not know the networks of other nodes, though it has a way out', () => {
    const { network, host } = aBridgePod();
    const rules = withRules(
      withTable(host),
      aRule({ priority: 30400, source: '10.244.0.0/16', table: '30400' }),
    );
    const ways = changed(waysOf(network), ({ source, destination }) =>
      source === POD && destination === ELSEWHERE ? { gateway: '10.0.3.1', table: '30400' } : null,
    );
    const [found] = failures(run({ network, host: rules }, ways));
    expect(found?.detail).toContain('from 10.244.0.0/16 lookup 30400 (there: default via 10.0.3.1 dev eth0)');
    expect(found?.detail).toContain('(one-way)');
    expect(found?.evidence[0]?.expected).toBe('via 10.0.3.8 dev eth0, as for the node itself');
  });

  it('finds a rule that takes what the node answers its pods', () => {
    const { network, host } = aBridgePod();
    const rules = withRules(
      withTable(host),
      aRule({ priority: 30400, source: '10.0.3.7/32', table: '30400' }),
    );
    const ways = changed(waysOf(network), ({ source, destination }) =>
      source === '10.0.3.7' && destination === POD
        ? { link: 'eth0', gateway: '10.0.3.1', table: '30400' }
        : null,
    );
    expect(failures(run({ network, host: rules }, ways))).toHaveLength(1);
  });

  it('lets rules be that are there and take no packet of a pod', () => {
    const { network, host } = aBridgePod();
    const rules = withRules(
      withTable(host),
      aRule({ priority: 100, source: '10.0.3.0/24', fwmark: '0x7', table: '30400' }),
    );
    expect(run({ network, host: rules }, waysOf(network))).toMatchObject([{ result: 'pass' }]);
  });

  it('lets a tunnel be that pods alone use, as of kube-router', () => {
    const { network, host } = aBridgePod();
    const tunnel = aRoute({ destination: '10.244.2.0/24', gateway: null, link: 'tun-1', table: '77' });
    const rules = withRules(
      { ...withTable(host), routes: [...withTable(host).routes, tunnel] },
      aRule({ priority: 100, source: '10.244.1.0/24', table: '77' }),
    );
    const ways = changed(waysOf(network), ({ source, destination }) =>
      source === POD && destination === ELSEWHERE ? { link: 'tun-1', gateway: null, table: '77' } : null,
    );
    expect(run({ network, host: rules }, ways)).toMatchObject([{ result: 'pass' }]);
  });

  describe('as wg-quick and other VPN clients write them', () => {
    const { network, host } = aBridgePod();
    const notMarked = aRule({ priority: 32765, not: true, fwmark: '0xca6c', table: '51820' });
    const mainFirst = aRule({ priority: 32764, suppressedLength: 0 });
    const tunnel = (changes: Partial<Link> = {}) =>
      aLink({ index: 9, name: 'wg0', kind: 'wireguard', peer: null, ...changes });
    const withTunnel = (rules: Rule[], link = tunnel()): Attached => ({
      network,
      host: withRules(
        {
          ...host,
          links: [...host.links, link],
          routes: [
            ...host.routes,
            aRoute({ destination: '10.244.2.0/24', gateway: '10.0.3.8' }),
            aRoute({ gateway: null, link: 'wg0', table: '51820' }),
          ],
        },
        ...rules,
      ),
    });
    const through = { link: 'wg0', gateway: null, table: '51820' };
    const outside = changed(waysOf(network), ({ destination }) =>
      destination === '8.8.8.8' ? through : null,
    );
    /** What Linux 6.18 answers where no rule asks the main table before. */
    const all = changed(waysOf(network), ({ type }) => (type === 'local' ? null : through));

    it('lets a tunnel be that takes what the main table has only its default route for', () => {
      expect(run(withTunnel([mainFirst, notMarked]), outside)).toMatchObject([{ result: 'pass' }]);
    });

    it('finds the rule that takes all, whether or not reverse paths are filtered', () => {
      const strict = all.map((way) => (way.inputLink === null ? way : refused(way, 'EINVAL')));
      for (const ways of [all, strict]) {
        const [found] = failures(run(withTunnel([notMarked]), ways));
        expect(found?.object).toMatchObject({ kind: 'node' });
        expect(found?.detail).toBe(
          'The rule 32765: not from all fwmark 0xca6c lookup 51820 (there: default dev wg0) takes packets of ' +
            '1 pod (shop/web-1), in both directions.',
        );
        expect(found?.remedy.at(-1)?.command).toBe(
          'ip -4 rule del priority 32765 not from all fwmark 0xca6c lookup 51820',
        );
      }
      expect(failures(run(withTunnel([notMarked]), all))[0]?.evidence).toContainEqual(
        expect.objectContaining({
          expected: '10.244.2.0/24 via 10.0.3.8 dev eth0, as in table main',
          actual: 'dev wg0 table 51820',
        }),
      );
    });

    it('names no filter of reverse paths next to it', () => {
      const strict = all.map((way) => (way.inputLink === null ? way : refused(way, 'EINVAL')));
      const attached = withTunnel([notMarked]);
      const sysctls = { ...aKernel().sysctls, 'net.ipv4.conf.all.rp_filter': '1' };
      const outcomes = [podUnroutedInbound, podUnroutedOutbound].flatMap((check) =>
        check.run(
          {
            ...{ podNetworks: [network], hostNetwork: attached.host, routing: strict },
            ...{ kernel: aKernel({ sysctls }), hostPacketFilters: [] },
          },
          context,
        ),
      );
      expect(failures(outcomes)).toEqual([]);
    });

    it.each([
      ['has no carrier', tunnel({ kind: 'tun', carrier: false })],
      ['is a dummy', tunnel({ kind: 'dummy' })],
    ])('finds it where the link that it leads to %s', (why, link) => {
      const [found] = failures(run(withTunnel([mainFirst, notMarked], link), outside));
      expect(found?.detail).toContain('not from all fwmark 0xca6c lookup 51820');
      expect(found?.detail).toContain('on their way from pods (one-way)');
      expect(found?.evidence[0]?.expected).toContain(`wg0 ${why}`);
    });

    it('passes where the main table has no other way out, or the rule is about one address', () => {
      const dead = tunnel({ carrier: false });
      const alone = withTunnel([mainFirst, notMarked], dead);
      const airGapped = { ...alone.host, routes: alone.host.routes.filter(({ link }) => link !== 'eth0') };
      expect(run({ network, host: airGapped }, outside)).toMatchObject([{ result: 'pass' }]);
      const one = alone.host.routes.map((route) =>
        route.table === '51820' ? { ...route, destination: '8.8.8.8/32' } : route,
      );
      expect(run({ network, host: { ...alone.host, routes: one } }, outside)).toMatchObject([
        { result: 'pass' },
      ]);
    });

    it('finds the only rule that leads to the table where it matches on what is not read', () => {
      // `not from all dport 53`: without the port, it would match nothing.
      const ofPort = aRule({ priority: 77, not: true, table: '51820' });
      const [found] = failures(run(withTunnel([ofPort]), all));
      expect(found?.detail).toContain('The rule 77: not from all lookup 51820');
    });

    it("lets Calico's routes into its tunnel be, which a rule of that kind leads to", () => {
      const ofCalico = aRule({ priority: 99, not: true, fwmark: '0x100000/0x100000', table: '1' });
      const attached = withTunnel([ofCalico]);
      attached.host.routes.push(
        aRoute({ destination: '10.244.2.0/24', gateway: null, link: 'wg0', table: '1' }),
        aRoute({ type: 'throw', destination: '10.244.1.0/24', gateway: null, link: null, table: '1' }),
      );
      const ways = changed(waysOf(network), ({ destination }) =>
        destination === ELSEWHERE ? { link: 'wg0', gateway: null, table: '1' } : null,
      );
      expect(run(attached, ways)).toMatchObject([{ result: 'pass' }]);
    });
  });

  describe('of Cilium, whose kernel masquerades and so forwards', () => {
    const rules = ['-A CILIUM_POST_nat -s 10.244.1.0/24 ! -o cilium_+ -j MASQUERADE'];
    const filters: PacketFilter[] = [
      {
        backend: 'iptables-nft',
        tables: [{ name: 'nat', chains: [{ name: 'CILIUM_POST_nat', hook: null, policy: null, rules }] }],
      },
    ];
    const { network, host } = aCiliumPod();
    const [address = ''] = network.pod.podIPs;
    const fromPod = aWay({ destination: address, source: '10.244.1.99', inputLink: 'lxc9', link: 'eth9' });
    const asOtherPod = aWay({ source: '10.244.1.99', inputLink: 'lxc9' });
    /** Programs behind cilium_host deliver; those of one pod to another, past the routes. */
    const ways = [
      ...changed(waysOf(network), ({ destination }) =>
        destination === address ? { link: 'cilium_host', gateway: '10.244.1.200' } : null,
      ),
      asOtherPod,
      fromPod,
    ];
    const onRule = (changes: Partial<Rule>) => ({
      network,
      host: withRules(withTable(host), aRule({ priority: 5, table: null, drops: 'blackhole', ...changes })),
    });

    const inbound = (routing: Way[]) =>
      podUnroutedInbound.run(
        {
          ...{ podNetworks: [network], hostNetwork: host, routing },
          ...{ kernel: aKernel(), hostPacketFilters: filters },
        },
        context,
      );

    it('passes a healthy node, also where its kernel has a route to each pod', () => {
      expect(run({ network, host }, ways, filters)).toMatchObject([{ result: 'pass' }]);
      expect(run({ network, host }, [...waysOf(network)], filters)).toMatchObject([{ result: 'pass' }]);
      for (const routing of [ways, waysOf(network)])
        expect(inbound(routing)).toMatchObject([{ result: 'pass' }, { result: 'pass' }]);
    });

    it('finds a rule that drops what is for pods of other nodes', () => {
      const dropped = ways.map((way) => (way.destination === ELSEWHERE ? refused(way, 'EINVAL') : way));
      const [found] = failures(run(onRule({ destination: '10.244.2.0/24' }), dropped, filters));
      expect(found?.detail).toContain('5: from all to 10.244.2.0/24 blackhole takes packets of 1 pod');
    });

    it('says where there is a tunnel that this concerns the node, and is high', () => {
      const tunnel = aLink({ index: 9, name: 'cilium_vxlan', kind: 'vxlan', peer: null });
      const inTunnel = onRule({ destination: '10.244.2.0/24' });
      inTunnel.host.links.push(tunnel);
      const without = (lost: string[]) =>
        ways.map((way) => (lost.includes(way.destination) ? refused(way, 'EINVAL') : way));
      const [found] = failures(run(inTunnel, without([ELSEWHERE]), filters));
      expect(found?.detail).toContain('takes what the node itself and pods on its network send');
      expect(found?.severity).toBe('high');
      const all = onRule({ source: `${address}/24` });
      all.host.links.push(tunnel);
      const fromPods = ways.map((way) => (way.source === address ? refused(way, 'EINVAL') : way));
      const [more] = failures(run(all, fromPods, filters));
      expect(more?.detail).toContain('takes packets of 1 pod');
      expect(more?.severity).toBeUndefined();
    });

    it('finds a rule that drops what is for its pods', () => {
      const dropped = ways.map((way) => (way.destination === address ? refused(way, 'EINVAL') : way));
      expect(failures(run(onRule({ destination: '10.244.1.0/24' }), dropped, filters))).toHaveLength(1);
    });

    it('judges nothing where programs do all', () => {
      const dropped = ways.map((way) => (way.destination === ELSEWHERE ? refused(way, 'EINVAL') : way));
      expect(run(onRule({ destination: '10.244.2.0/24' }), dropped)).toMatchObject([
        { result: 'notApplicable' },
      ]);
    });

    it('leaves a route for its pods that leads elsewhere to gateway-link-broken', () => {
      const elsewhere = changed(ways, ({ destination }) =>
        destination === address ? { link: 'eth0' } : null,
      );
      expect(inbound(elsewhere)[0]).toMatchObject({ result: 'notApplicable' });
    });

    it('is one finding of the node where the filter of reverse paths of all links is strict', () => {
      const strict = ways.map((way) => (way.inputLink?.startsWith('lxc') ? refused(way, 'EXDEV') : way));
      const sysctls = { ...aKernel().sysctls, 'net.ipv4.conf.all.rp_filter': '1' };
      const of = (kernel: Partial<Sources['kernel']>) =>
        failures(
          podUnroutedOutbound.run(
            {
              ...{ podNetworks: [network], hostNetwork: host, routing: strict },
              ...{ kernel: aKernel(kernel), hostPacketFilters: filters },
            },
            context,
          ),
        );
      const [found] = of({ sysctls });
      expect(found?.object).toMatchObject({ kind: 'node' });
      expect(found?.detail).toContain('net.ipv4.conf.all.rp_filter is 1');
      expect(found?.remedy.at(-1)?.command).toBe('sysctl -w net.ipv4.conf.all.rp_filter=0');
      // Loose mode drops as well what comes in by a link without an address.
      const loose = { ...aKernel().sysctls, 'net.ipv4.conf.all.rp_filter': '2' };
      expect(of({ sysctls: loose })[0]?.remedy.at(-1)?.command).toBe(
        'sysctl -w net.ipv4.conf.all.rp_filter=0',
      );
      const [ofLink] = of({});
      expect(ofLink?.object).toMatchObject({ kind: 'pod' });
      expect(ofLink?.remedy.at(-1)?.command).toBe('sysctl -w net.ipv4.conf.lxc0a1b2c3d4e5f.rp_filter=0');
    });
  });

  it('is not applicable where no pod is routed by the kernel', () => {
    expect(run(aCiliumPod(), [])).toMatchObject([{ result: 'notApplicable' }]);
  });
});
