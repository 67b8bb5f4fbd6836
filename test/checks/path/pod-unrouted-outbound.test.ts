import { describe, expect, it } from 'vitest';
import { podUnroutedOutbound } from '../../../lib/checks/path/pod-unrouted-outbound.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import type { Way } from '../../../lib/model/network.ts';
import { aKernel, aPod, aPodNetwork, aRoute, context, failures } from '../evidence.ts';
import { type Attached, aBridgePod, aCiliumPod, aPtpPod, forwardedLayouts } from '../layouts.ts';
import { aRule, changed, ELSEWHERE, refused, waysOf, withRules } from '../ways.ts';

function run({ network, host }: Attached, routing: readonly Way[], sources: Partial<Sources> = {}) {
  return podUnroutedOutbound.run(
    {
      ...{ podNetworks: [network], hostNetwork: host, routing: [...routing], kernel: aKernel() },
      ...{ hostPacketFilters: [], ...sources },
    },
    context,
  );
}
const outgoing = (ways: readonly Way[], error: string): Way[] =>
  ways.map((way) =>
    way.source?.startsWith('10.244.1.') && way.type !== 'local' ? refused(way, error) : way,
  );

describe('pod-unrouted-outbound', () => {
  it.each(forwardedLayouts)('passes a healthy pod of %s', (_, layout) => {
    const attached = layout();
    expect(run(attached, waysOf(attached.network)).map(({ result }) => result)).toEqual(['pass', 'pass']);
  });

  it('names the rule that drops what one pod sends, removes that, and says that the way in is right', () => {
    const { network, host } = aBridgePod();
    const rules = withRules(
      host,
      aRule({ priority: 100, source: '10.244.1.2/32', table: null, drops: 'unreachable' }),
    );
    const [found, ...more] = failures(
      run({ network, host: rules }, outgoing(waysOf(network), 'ENETUNREACH')),
    );
    expect(more).toEqual([]);
    expect(found?.object).toMatchObject({ kind: 'pod', name: 'web-1' });
    expect(found?.detail).toBe(
      'Packets of the pod do not get where they should; the cause is rule 100: from 10.244.1.2/32 unreachable. One-way: what is for it still arrives.',
    );
    expect(found?.remedy.at(-1)?.command).toBe('ip -4 rule del priority 100 from 10.244.1.2/32 unreachable');
    expect(found?.evidence[0]).toMatchObject({
      actual: 'ENETUNREACH',
      source: 'ip route get 8.8.8.8 from 10.244.1.2 iif cni0 (node)',
    });
  });

  it('is one finding of the node where its filter of reverse paths drops what several pods send', () => {
    const { network, host } = aBridgePod();
    const other = aPodNetwork({ pod: aPod({ name: 'web-2', uid: 'uid-2', podIPs: ['10.244.1.3'] }) });
    const held = {
      ...other,
      stack: other.stack && {
        ...other.stack,
        addresses: other.stack.addresses.map((each) => ({
          ...each,
          address: each.link === 'eth0' ? '10.244.1.3' : each.address,
        })),
      },
    };
    const ways = outgoing([...waysOf(network), ...waysOf(held)], 'EINVAL');
    const outcomes = run({ network, host: withRules(host) }, ways, { podNetworks: [network, held] });
    const [found, ...more] = failures(outcomes);
    expect(more).toEqual([]);
    expect(found?.object).toMatchObject({ kind: 'node', name: 'node-1' });
    expect(found?.detail).toContain('2 pods (shop/web-1, shop/web-2)');
    expect(found?.remedy.at(-1)?.command).toBe('sysctl -w net.ipv4.conf.cni0.rp_filter=2');
    expect(outcomes.filter(({ result }) => result === 'notApplicable')).toHaveLength(2);
  });

  it.each([
    ['forwarding of its link is off', 'EHOSTUNREACH', 'node-forwarding-disabled'],
    ['the node has no default route', 'ENETUNREACH', 'node-default-route-missing'],
  ])('leaves it to another check that %s', (_, error, check) => {
    const { network, host } = aBridgePod();
    const kernel = aKernel({ sysctls: { 'net.ipv4.conf.cni0.forwarding': '0' } });
    const [outcome] = run({ network, host: withRules(host) }, outgoing(waysOf(network), error), { kernel });
    expect(outcome).toMatchObject({
      result: 'notApplicable',
      reason: expect.stringContaining(`see ${check}`),
    });
  });

  it('leaves a rule that is about more than one pod to foreign-routing-rules', () => {
    const { network, host } = aBridgePod();
    const rules = withRules(
      host,
      aRule({ priority: 100, inputLink: 'cni0', table: null, drops: 'prohibit' }),
    );
    const outcomes = run({ network, host: rules }, outgoing(waysOf(network), 'EACCES'));
    expect(outcomes[0]).toMatchObject({
      result: 'notApplicable',
      reason: expect.stringContaining('foreign-routing-rules'),
    });
    expect(failures(outcomes)).toEqual([]);
  });

  it('takes a route or rule that blocks a public address for meant', () => {
    const { network, host } = aBridgePod();
    const blocked = {
      ...withRules(host),
      routes: [
        ...host.routes,
        aRoute({ type: 'prohibit', destination: '8.0.0.0/8', gateway: null, link: null }),
      ],
    };
    const ways = waysOf(network).map((way) => (way.destination === '8.8.8.8' ? refused(way, 'EACCES') : way));
    expect(failures(run({ network, host: blocked }, ways))).toEqual([]);
  });

  it('takes the table of a VPN that other packets use, and a bridge that sends within itself, for no fault', () => {
    const { network, host } = aBridgePod();
    const rules = withRules(host, aRule({ priority: 100, fwmark: '0x7', table: '77' }));
    const between = { ...waysOf(network)[4], destination: '10.244.1.9', link: 'cni0' } as Way;
    expect(failures(run({ network, host: rules }, [...waysOf(network), between]))).toEqual([]);
  });

  it('finds what leaves by the link that it came in by', () => {
    const { network, host } = aPtpPod();
    const ways = changed(waysOf(network), ({ source, destination }) =>
      source === '10.244.1.2' && destination === ELSEWHERE ? { link: 'veth12345678' } : null,
    );
    expect(failures(run({ network, host }, ways))).toHaveLength(1);
  });

  it('does not know of a pod about which the kernel was not asked, and does not judge what Cilium delivers', () => {
    expect(run(aBridgePod(), [])[0]).toMatchObject({ result: 'unknown' });
    expect(run(aCiliumPod(), [])[0]).toMatchObject({ result: 'notApplicable' });
  });
});
