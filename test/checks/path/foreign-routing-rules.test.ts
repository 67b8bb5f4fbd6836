import { describe, expect, it } from 'vitest';
import { foreignRoutingRules } from '../../../lib/checks/path/foreign-routing-rules.ts';
import { podUnroutedInbound } from '../../../lib/checks/path/pod-unrouted-inbound.ts';
import { podUnroutedOutbound } from '../../../lib/checks/path/pod-unrouted-outbound.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import type { NetworkStack, PacketFilter, Rule, Way } from '../../../lib/model/network.ts';
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
      expect(found?.remedy.at(-1)?.command).toBe('sysctl -w net.ipv4.conf.all.rp_filter=2');
      const [ofLink] = of({});
      expect(ofLink?.object).toMatchObject({ kind: 'pod' });
      expect(ofLink?.remedy.at(-1)?.command).toBe('sysctl -w net.ipv4.conf.lxc0a1b2c3d4e5f.rp_filter=2');
    });
  });

  it('is not applicable where no pod is routed by the kernel', () => {
    expect(run(aCiliumPod(), [])).toMatchObject([{ result: 'notApplicable' }]);
  });
});
