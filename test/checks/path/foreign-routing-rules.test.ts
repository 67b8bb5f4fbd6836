import { describe, expect, it } from 'vitest';
import { foreignRoutingRules } from '../../../lib/checks/path/foreign-routing-rules.ts';
import type { NetworkStack, Way } from '../../../lib/model/network.ts';
import { aKernel, aRoute, context, failures } from '../evidence.ts';
import { type Attached, aBridgePod, aCiliumPod, forwardedLayouts } from '../layouts.ts';
import { aRule, changed, ELSEWHERE, refused, waysOf, withRules } from '../ways.ts';

function run({ network, host }: Attached, routing: readonly Way[]) {
  return foreignRoutingRules.run(
    { podNetworks: [network], hostNetwork: host, routing: [...routing], kernel: aKernel() },
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

  it('is not applicable where no pod is routed by the kernel', () => {
    expect(run(aCiliumPod(), [])).toMatchObject([{ result: 'notApplicable' }]);
  });
});
