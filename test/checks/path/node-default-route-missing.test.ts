import { describe, expect, it } from 'vitest';
import { nodeDefaultRouteMissing } from '../../../lib/checks/path/node-default-route-missing.ts';
import type { NetworkStack, Route, Rule } from '../../../lib/model/network.ts';
import { aHostStack, aNode, anAddress, aRoute, context, failures } from '../evidence.ts';
import { healthyLayouts } from '../layouts.ts';

const run = (hostNetwork: NetworkStack, addresses = ['10.0.3.7']) =>
  nodeDefaultRouteMissing.run({ hostNetwork, node: aNode({ addresses }) }, context);

const withRoutes = (...routes: Route[]) => aHostStack({ routes });
const subnet = aRoute({ destination: '10.244.1.0/24', gateway: null, link: 'cni0' });

const aRule = (changes: Partial<Rule>): Rule => ({
  family: 4,
  priority: 100,
  source: 'all',
  destination: null,
  inputLink: null,
  outputLink: null,
  detached: false,
  fwmark: null,
  table: null,
  drops: null,
  protocol: null,
  ...changes,
});

describe('node-default-route-missing', () => {
  it.each(healthyLayouts)('passes a healthy node of %s', (_, layout) => {
    expect(run(layout().host)).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a node without a default route, once, and names the link that should have it', () => {
    const [found, ...more] = failures(run(withRoutes(subnet)));
    expect(more).toEqual([]);
    expect(found?.object).toEqual({ kind: 'node', name: 'node-1' });
    expect(found?.detail).toBe('No IPv4 default route leads out of the node.');
    expect(found?.evidence[0]).toMatchObject({ expected: 'default via GATEWAY dev eth0', actual: 'none' });
    expect(found?.remedy.some(({ command }) => command?.includes('kubectl delete pod'))).toBe(false);
  });

  it.each([
    ['that drops', aRoute({ type: 'unreachable', gateway: null, link: null }), 'it is of type unreachable'],
    ['whose link is down', aRoute({ flags: ['linkdown'] }), 'its link is down (linkdown)'],
  ])('finds a default route %s', (_, route, why) => {
    expect(failures(run(withRoutes(route, subnet)))[0]?.detail).toContain(why);
  });

  describe('whose gateway was asked for its MAC address and gave no answer', () => {
    const answers = (...routes: Route[]) =>
      run(
        aHostStack({
          routes,
          neighbours: [{ destination: '10.0.3.77', link: 'eth0', mac: null, states: ['FAILED'] }],
        }),
      );
    const silent = aRoute({ gateway: '10.0.3.77' });
    const hop = { flags: ['nexthop'] };

    it('is found, whatever route of a higher metric is behind it', () => {
      const [found] = failures(answers(silent, aRoute({ gateway: '10.0.3.1', metric: 200 })));
      expect(found?.detail).toBe(
        "The node's IPv4 default route cannot be used: default via 10.0.3.77 dev eth0 (nobody answers for its gateway).",
      );
      expect(found?.evidence[0]?.actual).toContain('default via 10.0.3.1 dev eth0 metric 200 (usable)');
    });

    it('is found as one of several next hops', () => {
      expect(failures(answers(aRoute({ gateway: '10.0.3.1', ...hop }), { ...silent, ...hop }))).toHaveLength(
        1,
      );
    });

    it('is nothing where the kernel takes another, or that of another link', () => {
      expect(answers(silent, aRoute({ gateway: '10.0.3.1' }))).toMatchObject([{ result: 'pass' }]);
      expect(answers({ ...silent, link: 'eth1' })).toMatchObject([{ result: 'pass' }]);
      expect(answers({ ...silent, metric: 100 }, aRoute({ gateway: '10.0.3.1' }))).toMatchObject([
        { result: 'pass' },
      ]);
    });
  });

  it('passes where another default route, or one in a table that all packets are looked up in, serves', () => {
    expect(run(withRoutes(aRoute({ flags: ['dead'] }), aRoute({ metric: 200 })))).toMatchObject([
      { result: 'pass' },
    ]);
    const rule = aRule({ table: '10' });
    const host = aHostStack({ routes: [aRoute({ table: '10' })], rules: [rule] });
    expect(run(host)).toMatchObject([{ result: 'pass' }]);
    // A table for certain packets only, and halves of a default route, may be intended as the uplink.
    for (const some of [{ source: '10.0.0.0/8' }, { fwmark: '0x1' }, { table: null }])
      expect(run({ ...host, rules: [{ ...rule, destination: '192.0.2.0/24', ...some }] })).toMatchObject([
        { result: 'notApplicable' },
      ]);
    const halves = ['0.0.0.0/1', '128.0.0.0/1'].map((destination) => aRoute({ destination }));
    expect(run(withRoutes(...halves))).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('is found where only pods and bound sockets have another way: the VPC CNI gives each of its interfaces a table', () => {
    // The last is the node's own address.
    const ofPods = ['10.0.4.12', '10.0.4.13/32', '10.0.3.7'].map((source) => aRule({ source, table: '2' }));
    const host = aHostStack({ routes: [aRoute({ table: '2' }), subnet], rules: ofPods });
    expect(failures(run(host))).toHaveLength(1);
    expect(failures(run({ ...host, rules: [] }))).toHaveLength(1);
  });

  it('asks for the family in which the cluster knows the node', () => {
    const host = aHostStack({
      addresses: [anAddress({ family: 6, address: '2001:db8::7', prefixLength: 64 })],
    });
    expect(failures(run(host, ['2001:db8::7']))[0]?.detail).toBe(
      'No IPv6 default route leads out of the node.',
    );
  });

  it('is not applicable where the node holds no address of that family', () => {
    expect(run(aHostStack({ addresses: [] }))).toMatchObject([{ result: 'notApplicable' }]);
  });
});
