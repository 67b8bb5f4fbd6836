import { describe, expect, it } from 'vitest';
import { podUnroutedInbound } from '../../../lib/checks/path/pod-unrouted-inbound.ts';
import { podUnroutedOutbound } from '../../../lib/checks/path/pod-unrouted-outbound.ts';
import type { Way } from '../../../lib/model/network.ts';
import { aKernel, aRoute, context, failures } from '../evidence.ts';
import { type Attached, aBridgePod, aCiliumPod, aPtpPod, forwardedLayouts } from '../layouts.ts';
import { aRule, aWay, changed, refused, waysOf, withRules } from '../ways.ts';

const POD = '10.244.1.2';
const sources = ({ network, host }: Attached, routing: readonly Way[]) => ({
  podNetworks: [network],
  hostNetwork: host,
  routing: [...routing],
  kernel: aKernel(),
  hostPacketFilters: [],
});
const run = (attached: Attached, routing: readonly Way[]) =>
  podUnroutedInbound.run(sources(attached, routing), context);
const toPod = (ways: readonly Way[], change: Partial<Way>) =>
  changed(ways, ({ destination }) => (destination === POD ? change : null));

describe('pod-unrouted-inbound', () => {
  it.each(forwardedLayouts)('passes a healthy pod of %s', (_, layout) => {
    const attached = layout();
    expect(run(attached, waysOf(attached.network)).map(({ result }) => result)).toEqual(['pass', 'pass']);
  });

  it('names the rule and the table that lead elsewhere, and that the pod still sends', () => {
    const { network, host } = aPtpPod();
    const rules = withRules(
      { ...host, routes: [...host.routes, aRoute({ gateway: '10.0.3.1', link: 'eth0', table: '77' })] },
      aRule({ priority: 100, destination: `${POD}/32`, table: '77' }),
    );
    const ways = toPod(waysOf(network), { link: 'eth0', gateway: '10.0.3.1', table: '77' });
    const [found, ...more] = failures(run({ network, host: rules }, ways));
    expect(more).toEqual([]);
    expect(found?.object).toMatchObject({ kind: 'pod', name: 'web-1' });
    expect(found?.detail).toBe(
      'Packets for the pod do not get there; the cause is rule 100: from all to 10.244.1.2/32 lookup 77 (there: default via 10.0.3.1 dev eth0). One-way: what it sends still arrives.',
    );
    expect(found?.remedy.at(-1)?.command).toBe(
      'ip -4 rule del priority 100 from all to 10.244.1.2/32 lookup 77',
    );
  });

  it.each(['ENODEV', 'EINVAL', 'EHOSTUNREACH'])(
    'is not found by what a pod beside it sends that comes or goes (%s)',
    (error) => {
      const attached = aPtpPod();
      const beside = { source: '10.244.1.9', inputLink: 'vethgone' };
      const [way = aWay()] = waysOf(attached.network);
      const ways = [
        ...waysOf(attached.network),
        refused({ ...way, ...beside, destination: '8.8.8.8' }, 'ENODEV'),
        refused({ ...way, ...beside, destination: POD }, error),
      ];
      expect(failures(run(attached, ways))).toEqual([]);
    },
  );

  it('takes an address of the pod away from the node that holds it as well', () => {
    const { network, host } = aBridgePod();
    const local = aRoute({
      type: 'local',
      destination: `${POD}/32`,
      gateway: null,
      link: 'eth0',
      table: 'local',
    });
    const rules = withRules({ ...host, routes: [...host.routes, local] });
    const ways = toPod(waysOf(network), { type: 'local', link: 'lo', gateway: null, table: 'local' });
    const [found] = failures(run({ network, host: rules }, ways));
    expect(found?.remedy.at(-1)).toMatchObject({
      text: expect.stringContaining('the node holds the address itself, on eth0'),
      command: `ip addr del ${POD} dev eth0`,
    });
  });

  it('is what both directions fail by where the filter of reverse paths drops what the pod sends', () => {
    const { network, host } = aBridgePod();
    const rules = withRules(
      host,
      aRule({ priority: 100, destination: `${POD}/32`, table: null, drops: 'blackhole' }),
    );
    const ways = waysOf(network).map((way) =>
      way.destination === POD || way.source === POD ? refused(way, 'EINVAL') : way,
    );
    const attached = { network, host: rules };
    expect(failures(run(attached, ways))[0]?.detail).not.toContain('One-way');
    expect(podUnroutedOutbound.run(sources(attached, ways), context)[0]).toMatchObject({
      result: 'notApplicable',
      reason: expect.stringContaining('pod-unrouted-inbound'),
    });
  });

  it('leaves a route of the main table to the checks of that', () => {
    const { network, host } = aPtpPod();
    const without = {
      ...withRules(host),
      routes: host.routes.filter(({ destination }) => destination !== `${POD}/32`),
    };
    const ways = toPod(waysOf(network), { link: 'eth0', gateway: '10.0.3.1' });
    expect(run({ network, host: without }, ways)[0]).toMatchObject({
      result: 'notApplicable',
      reason: expect.stringContaining('host-route-missing'),
    });
  });

  it('says so where nothing that was read explains the answer', () => {
    const { network, host } = aPtpPod();
    const [found] = failures(
      run({ network, host: withRules(host) }, toPod(waysOf(network), { link: 'eth9', table: '9' })),
    );
    expect(found?.detail).toContain('a rule or route of table 9 that could not be determined');
  });

  it('does not know of a pod about which the kernel was not asked, and does not judge what Cilium delivers', () => {
    expect(run(aBridgePod(), [])[0]).toMatchObject({ result: 'unknown' });
    expect(run(aCiliumPod(), [])[0]).toMatchObject({ result: 'notApplicable' });
  });
});
