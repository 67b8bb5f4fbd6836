import { describe, expect, it } from 'vitest';
import { podRouteBlackhole } from '../../../lib/checks/routes/pod-route-blackhole.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import type { Route, Rule } from '../../../lib/model/network.ts';
import {
  aCniResult,
  aHostLink,
  aHostStack,
  aLink,
  anAddress,
  aPod,
  aPodNetwork,
  aRoute,
  aStack,
  context,
  failures,
} from '../evidence.ts';
import { healthyLayouts } from '../layouts.ts';

function run(...podNetworks: PodNetwork[]) {
  return podRouteBlackhole.run({ podNetworks, hostNetwork: aHostStack() }, context);
}

function podWith(route: Partial<Route>, rules: readonly Rule[] = []): PodNetwork {
  const dropping = aRoute({ gateway: null, link: null, ...route });
  return aPodNetwork({ stack: aStack({ routes: [aRoute(), dropping], rules: [...rules] }) });
}

const rule = (priority: number, table: string): Rule => ({
  family: 4,
  priority,
  source: 'all',
  destination: null,
  inputLink: null,
  outputLink: null,
  detached: false,
  fwmark: null,
  table,
  drops: null,
  protocol: null,
});

describe('pod-route-blackhole', () => {
  it.each(healthyLayouts)('passes a healthy pod of %s', (_name, layout) => {
    expect(run(layout().network)).toMatchObject([{ result: 'pass' }]);
  });

  it.each(['blackhole', 'unreachable', 'prohibit'])('finds Services behind a route of type %s', (type) => {
    const [found] = failures(run(podWith({ type, destination: '10.96.0.0/12' })));
    expect(found?.detail).toBe(`What the pod sends is dropped by a route inside it: ${type} 10.96.0.0/12.`);
    expect(found?.severity ?? podRouteBlackhole.severity).toBe('high');
  });

  it('finds routes that send what is for others to no table, or back to the pod', () => {
    expect(failures(run(podWith({ type: 'throw', destination: '10.0.0.0/8' })))[0]?.detail).toContain(
      'throw 10.0.0.0/8',
    );
    expect(failures(run(podWith({ link: 'lo', destination: '10.96.0.0/12' })))[0]?.detail).toContain(
      '10.96.0.0/12 dev lo',
    );
  });

  it('passes such routes where they lead on, and the route of the kernel to ::1', () => {
    const thrown = podWith({ type: 'throw', destination: '10.0.0.0/8' });
    const further = aRoute({ table: 'default' });
    const led = { ...thrown, stack: aStack({ routes: [...(thrown.stack?.routes ?? []), further] }) };
    expect(run(led)).toMatchObject([{ result: 'pass' }]);
    expect(run(podWith({ type: 'throw', destination: '10.0.0.0/8', table: '100' }))).toMatchObject([
      { result: 'pass' },
    ]);
    expect(run(podWith({ family: 6, link: 'lo', destination: '::1/128' }))).toMatchObject([
      { result: 'pass' },
    ]);
  });

  it('passes what is thrown on to the table of another rule', () => {
    const to100 = aRoute({ table: '100' });
    const thrown = (rules: readonly Rule[], further: Route = to100): PodNetwork => {
      const route = aRoute({ type: 'throw', destination: '10.0.0.0/8', gateway: null, link: null });
      return aPodNetwork({ stack: aStack({ routes: [aRoute(), route, further], rules: [...rules] }) });
    };
    const first = [rule(0, 'local'), rule(32766, 'main'), rule(32767, 'default')];
    expect(run(thrown([...first, rule(40000, '100')]))).toMatchObject([{ result: 'pass' }]);
    // As wg-quick adds it: main is asked twice.
    expect(run(thrown([...first, rule(100, 'main'), rule(200, '100')]))).toMatchObject([{ result: 'pass' }]);
    // The table may answer before the main one.
    expect(run(thrown([...first, rule(200, '100')]))).toMatchObject([{ result: 'pass' }]);
    // No rule, an empty table, one that drops as well, and one of the other address family.
    expect(failures(run(thrown(first)))).toHaveLength(1);
    expect(failures(run(thrown([...first, rule(40000, '200')])))).toHaveLength(1);
    const prohibits = { ...to100, type: 'prohibit', metric: 4294967295 };
    expect(failures(run(thrown([...first, rule(40000, '100')], prohibits)))).toHaveLength(1);
    const of6 = aRoute({ family: 6, destination: '::/0', gateway: 'fd00::1', table: 'default' });
    expect(failures(run(thrown(first, of6)))).toHaveLength(1);
    expect(failures(run(thrown([...first, rule(100, 'main'), rule(50, 'local')])))).toHaveLength(1);
    const toLocal = aRoute({ table: 'local', type: 'local', destination: '10.244.1.2/32' });
    expect(failures(run(thrown([...first, rule(50, 'local')], toLocal)))).toHaveLength(1);
    const led6 = { ...rule(40000, '100'), family: 6 } as const;
    expect(failures(run(thrown([...first, led6])))).toHaveLength(1);
    expect(failures(run(thrown([...first, rule(40000, '100')], { ...of6, table: '100' })))).toHaveLength(1);
  });

  it('passes routes to lo for what is the own of the pod', () => {
    const onLo = [
      anAddress(),
      anAddress({ link: 'lo', address: '10.9.9.9', prefixLength: 32 }),
      anAddress({ link: 'lo', address: '10.8.0.1', prefixLength: 24 }),
    ];
    const toLo = (destination: string) => {
      const routes = [aRoute(), aRoute({ link: 'lo', gateway: null, destination })];
      return run(aPodNetwork({ stack: aStack({ routes, addresses: onLo }) }));
    };
    for (const own of ['127.0.0.0/8', '127.0.0.53/32', '10.244.1.2/32', '10.9.9.9/32', '10.8.0.128/25'])
      expect(toLo(own)).toMatchObject([{ result: 'pass' }]);
    for (const others of ['126.0.0.0/7', '10.244.1.0/24', '10.9.9.8/31', '10.8.0.0/16', '10.244.1.3/32'])
      expect(failures(toLo(others))).toHaveLength(1);
  });

  it('finds a route that drops behind one to lo, which leads nowhere either', () => {
    const to = { destination: '10.96.0.0/12', gateway: null };
    const routes = [
      aRoute({ ...to, link: 'lo' }),
      aRoute({ ...to, type: 'blackhole', metric: 100, link: null }),
    ];
    const [found] = failures(run(aPodNetwork({ stack: aStack({ routes: [aRoute(), ...routes] }) })));
    expect(found?.detail).toContain('10.96.0.0/12 dev lo, blackhole 10.96.0.0/12 metric 100');
  });

  it('finds a table that a rule leads to before the main one', () => {
    const pod = podWith({ type: 'unreachable', destination: '0.0.0.0/0', table: '100' }, [
      rule(0, 'local'),
      rule(100, '100'),
      rule(32766, 'main'),
    ]);
    expect(failures(run(pod))[0]?.detail).toContain('unreachable default in table 100');
  });

  it.each(['blackhole', 'unreachable', 'prohibit'])('finds a rule of the action %s', (drops) => {
    const rules = [
      rule(0, 'local'),
      { ...rule(10, 'main'), table: null, drops, destination: '10.96.0.0/12', outputLink: 'eth0' },
      rule(32766, 'main'),
    ];
    const [found] = failures(run(aPodNetwork({ stack: aStack({ rules }) })));
    expect(found?.detail).toBe(
      `What the pod sends is dropped by a rule inside it: 10: from all to 10.96.0.0/12 oif eth0 ${drops}.`,
    );
    expect(found?.evidence[0]?.source).toMatch(/^ip -4 rule/);
    expect(found?.severity).toBeUndefined();
  });

  it('is critical for a rule that drops all that the pod sends', () => {
    const rules = [rule(0, 'local'), { ...rule(10, 'main'), table: null, drops: 'blackhole' }];
    expect(failures(run(aPodNetwork({ stack: aStack({ rules }) })))[0]?.severity).toBe('critical');
  });

  it('does not mind a rule behind that of the main table, which is asked for what that has no route to', () => {
    const rules = [rule(32766, 'main'), { ...rule(32800, 'main'), table: null, drops: 'unreachable' }];
    expect(run(aPodNetwork({ stack: aStack({ rules }) }))).toMatchObject([{ result: 'pass' }]);
  });

  it('does not mind a table that a rule of the other address family leads to', () => {
    const pod = podWith({ type: 'unreachable', family: 6, destination: '::/0', table: '100' }, [
      rule(100, '100'),
    ]);
    expect(run(pod)).toMatchObject([{ result: 'pass' }]);
  });

  it.each([
    ['passes one of last resort, behind a route that works', {}, 0],
    ['finds one before a route that works', { metric: 5000 }, 1],
    ['finds one behind a route of another table', { table: 'main' }, 1],
    ['finds one behind a route of the other address family', { family: 6, destination: '::/0' } as const, 1],
    ['finds one behind a narrower route', { destination: '10.0.0.0/8' }, 1],
    ['finds one behind a route whose link is gone', { flags: ['dead'] }, 1],
  ])('%s', (_, changes, found) => {
    const works = aRoute({ table: '100', metric: 100, ...changes });
    const last = aRoute({
      type: 'unreachable',
      destination: '0.0.0.0/0',
      table: '100',
      metric: 1000,
      gateway: null,
      link: null,
    });
    const stack = aStack({ routes: [aRoute(), works, last], rules: [rule(100, '100')] });
    expect(failures(run(aPodNetwork({ stack })))).toHaveLength(found);
  });

  it('does not mind a table that no rule leads to', () => {
    const pod = podWith({ type: 'unreachable', destination: '0.0.0.0/0', table: '100' }, [
      rule(0, 'local'),
      rule(32766, 'main'),
    ]);
    expect(run(pod)).toMatchObject([{ result: 'pass' }]);
  });

  it("does not mind the kernel's own end of each IPv6 table", () => {
    const own = podWith({
      type: 'unreachable',
      family: 6,
      destination: '::/0',
      metric: 4294967295,
      table: 'unspec',
    });
    expect(run(own)).toMatchObject([{ result: 'pass' }]);
  });

  it('leaves a default route that drops to pod-default-route-missing', () => {
    expect(run(podWith({ type: 'blackhole', destination: '0.0.0.0/0' }))).toMatchObject([{ result: 'pass' }]);
  });

  it('leaves pods alone that may set routes themselves', () => {
    const pod = {
      ...podWith({ type: 'unreachable', destination: '10.96.0.0/12' }),
      pod: aPod({ containers: aPod().containers.map((one) => ({ ...one, netAdmin: true })) }),
    };
    expect(run(pod)).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('judges a pod whose init container alone may set routes, as in every pod of a mesh', () => {
    const init = aPod().containers.map((one) => ({
      ...one,
      name: 'istio-init',
      role: 'init' as const,
      netAdmin: true,
    }));
    const pod = {
      ...podWith({ type: 'unreachable', destination: '10.96.0.0/12' }),
      pod: aPod({ containers: [...init, ...aPod().containers] }),
    };
    expect(failures(run(pod))).toHaveLength(1);
  });

  it('does not know when the namespace could not be read', () => {
    expect(run(aPodNetwork({ stack: null }))).toMatchObject([{ result: 'unknown' }]);
  });

  describe('a route to a next hop on the bridge', () => {
    const to = (route: Partial<Route>) =>
      aPodNetwork({
        stack: aStack({ routes: [aRoute(), aRoute({ destination: '10.96.0.0/12', ...route })] }),
      });

    it.each([
      ['whose address nobody has', { gateway: '10.244.1.77' }, '10.96.0.0/12 via 10.244.1.77 dev eth0'],
      ['that should answer for another subnet', { gateway: null }, '10.96.0.0/12 dev eth0'],
    ])('is found %s', (_, route, said) => {
      const [found] = failures(run(to(route)));
      expect(found?.detail).toBe(`Nobody on cni0 answers where the pod sends by ${said}.`);
      expect(found?.evidence[0]?.source).toContain('ip addr (node and pods)');
    });

    it('is right over the gateway, another pod, or what the CNI plugin named', () => {
      expect(run(to({ gateway: '10.244.1.1' }))).toMatchObject([{ result: 'pass' }]);
      const other = aPodNetwork({
        pod: aPod({ name: 'router' }),
        stack: aStack({ addresses: [anAddress({ address: '10.244.1.77' })] }),
      });
      expect(run(to({ gateway: '10.244.1.77' }), other)[0]).toMatchObject({ result: 'pass' });
      const given = aCniResult({ routes: [{ destination: '10.96.0.0/12', gateway: '10.244.1.77' }] });
      expect(run({ ...to({ gateway: '10.244.1.77' }), results: [given] })).toMatchObject([
        { result: 'pass' },
      ]);
    });

    it('is not judged where others may be on the bridge, or beside it', () => {
      const links = [...aHostStack().links, aLink({ name: 'eth1', kind: null, master: 'cni0' })];
      const judge = (network: PodNetwork, host = aHostStack()) =>
        podRouteBlackhole.run({ podNetworks: [network], hostNetwork: host }, context);
      const stray = to({ gateway: '10.244.1.77' });
      expect(judge(stray, aHostStack({ links }))).toMatchObject([{ result: 'pass' }]);
      expect(judge({ ...stray, hostLink: aHostLink({ master: null }) })).toMatchObject([{ result: 'pass' }]);
      expect(judge(to({ gateway: '192.0.2.1' }))).toMatchObject([{ result: 'pass' }]);
      expect(judge(to({ gateway: null, destination: '169.254.169.254/32' }))).toMatchObject([
        { result: 'pass' },
      ]);
      expect(judge(to({ gateway: null, destination: '224.0.0.0/4' }))).toMatchObject([{ result: 'pass' }]);
    });
  });
});
